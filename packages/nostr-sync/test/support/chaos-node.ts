import type { Acceptor, Dialer, Env, Store } from '@holdfast/core'
import { testEnv, type VirtualClock } from '@holdfast/core/testing'
import {
  type EventStore,
  type IntakeOutcome,
  memoryStore,
  type NostrEvent,
  type NostrMirror,
  nostrMirror,
  type RelayEndpoint,
  type RelaySink,
  relayEndpoint,
  relaySink,
  type SavedState,
} from '@holdfast/nostr-sync'
import { trustingVerifier } from '@holdfast/nostr-sync/testing'
import { OwnClock } from './own-clock.js'

/** What a host of the simulation is put into. */
export interface ChaosHost {
  readonly host: string
  readonly clock: VirtualClock
  readonly dialer: Dialer
  readonly acceptor: Acceptor
  readonly seed: number
  /** A relay that gets everything that is stored. */
  readonly sink?: string
}

/** A node as it would be deployed, on a virtual clock: its disk survives a crash, its process does not. */
export class ChaosNode implements AsyncDisposable {
  readonly host: string
  readonly url: string
  readonly clock: OwnClock
  readonly store: EventStore
  readonly #parts: ChaosHost
  readonly #env: Env
  readonly #disk: { saved: SavedState | undefined } = { saved: undefined }
  #process: {
    readonly mirror: NostrMirror
    readonly endpoint: RelayEndpoint
    readonly sink: RelaySink | null
    isAlive: boolean
  } | null = null

  constructor(parts: ChaosHost) {
    const { host, clock, seed } = parts
    this.host = host
    this.url = `wss://${host}`
    this.#parts = parts
    this.clock = new OwnClock(clock)
    this.#env = { ...testEnv({ clock, seed }), clock: this.clock, name: host }
    this.store = memoryStore(clock)
  }

  get mirror(): NostrMirror | null {
    return this.#process?.mirror ?? null
  }

  async begin(): Promise<void> {
    const env = this.#env
    const { host, dialer, acceptor } = this.#parts
    const running = { isAlive: true }
    const state: Store<SavedState> = {
      load: () => Promise.resolve(this.#disk.saved),
      save: (value) => {
        // What a killed process had no time to write is not written.
        if (running.isAlive) this.#disk.saved = structuredClone(value)
        return Promise.resolve()
      },
    }
    const mirror = await nostrMirror({
      ...{ env, dialer, state, store: this.store, domains: [host] },
      verifier: trustingVerifier(),
      resolve: () => Promise.resolve(['203.0.114.1']),
      fetchInfo: () => Promise.resolve(null),
      // Later than all that is disturbed, so that it covers up nothing.
      dailySyncHours: [6, 7],
      relay: { paging: { limit: 20 }, backoff: { cap: 60_000 } },
    })
    const at = { uri: this.url }
    const endpoint = await relayEndpoint({ env, at, acceptor, store: this.store, intake: mirror.intake })
    const { sink: url } = this.#parts
    const sink = url === undefined ? null : relaySink({ env, store: this.store, url, dialer })
    this.#process = Object.assign(running, { mirror, endpoint, sink })
    mirror.start()
  }

  /** As by SIGKILL: nothing is saved, nobody is told but by a reset. */
  async crash(): Promise<void> {
    const process = this.#process
    if (process === null) return
    this.#process = null
    process.isAlive = false
    process.endpoint.close()
    await process.endpoint[Symbol.asyncDispose]()
    await process.sink?.[Symbol.asyncDispose]()
    await process.mirror.close()
  }

  /** Publishes as a client would. @param told - what the client is answered; not called if the node is down */
  publish(event: NostrEvent, told: (outcome: IntakeOutcome) => void): void {
    this.#process?.mirror.intake.offer(event, { kind: 'client' }, told)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash()
    await this.store.close()
  }
}
