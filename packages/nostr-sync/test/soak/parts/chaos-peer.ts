import { Buffer } from 'node:buffer'
import { type Env, systemClock } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { ChaosProxy } from '@holdfast/core/testing'
import {
  type EventStore,
  type NostrMirror,
  nostrMirror,
  openLmdbStore,
  type RelayEndpoint,
  type RelaySink,
  relayEndpoint,
  relaySink,
  type SavedState,
  type Verifier,
} from '@holdfast/nostr-sync'
import { OwnClock } from '../../support/own-clock.js'

/** What a {@link ChaosPeer} is made of. */
export interface ChaosPeerParts {
  readonly name: string
  /** Where its store is. */
  readonly path: string
  readonly verifier: Verifier
  readonly seed: number
}

/** A node on real sockets and disks: its store and its saved state survive a crash; mirror, endpoint and sink do not. */
export class ChaosPeer implements AsyncDisposable {
  readonly name: string
  readonly clock = new OwnClock(systemClock())
  readonly #parts: ChaosPeerParts
  readonly #env: Env
  readonly #disk: { saved: SavedState | undefined } = { saved: undefined }
  store: EventStore | null = null
  proxy: ChaosProxy | null = null
  /** The relay that gets everything that is stored, if any. */
  sink: string | null = null
  #process: {
    mirror: NostrMirror
    endpoint: RelayEndpoint
    sink: RelaySink | null
    isAlive: boolean
  } | null = null
  #port = 0
  #step = 'down'

  constructor(parts: ChaosPeerParts) {
    this.name = parts.name
    this.#parts = parts
    this.#env = { ...nodeEnv({ name: parts.name }), clock: this.clock }
  }

  get url(): string {
    return `ws://127.0.0.1:${this.proxy?.port ?? 0}`
  }

  /** Events that its sink has taken since it began. */
  get delivered(): number {
    return this.#process?.sink?.stats.delivered ?? 0
  }

  async begin(): Promise<void> {
    const env = this.#env
    const { path, verifier, seed } = this.#parts
    this.#step = 'opening its store'
    const store = await openLmdbStore({ path })
    const running = { isAlive: true }
    this.#step = 'making its mirror'
    const mirror = await nostrMirror({
      ...{ env, store, verifier, allowPrivateTargets: true, batchWindow: 500, saveEvery: 1000 },
      domains: this.proxy === null ? [] : [`127.0.0.1:${this.proxy.port}`],
      state: {
        load: () => Promise.resolve(this.#disk.saved),
        save: (value) => {
          if (running.isAlive) this.#disk.saved = structuredClone(value)
          return Promise.resolve()
        },
      },
      relay: {
        backoff: { base: 500, cap: 3000 },
        stableAfter: 2000,
        rateLimit: { coolDown: 3000, longest: 10_000 },
      },
    })
    this.#step = 'listening'
    const at = { uri: `ws://127.0.0.1:${this.#port}` }
    const endpoint = await relayEndpoint({ env, at, store, intake: mirror.intake })
    this.#port = Number(new URL(endpoint.url).port)
    this.proxy ??= await ChaosProxy.start({ to: this.#port, seed })
    const sink = this.sink === null ? null : relaySink({ env, store, url: this.sink })
    this.store = store
    this.#process = Object.assign(running, { mirror, endpoint, sink })
    mirror.start()
    this.#step = 'up'
  }

  /** As by SIGKILL, as far as that can be had within one process: nothing is saved. */
  async crash(): Promise<void> {
    const process = this.#process
    if (process === null) return
    this.#process = null
    process.isAlive = false
    this.#step = 'closing its endpoint'
    await process.endpoint[Symbol.asyncDispose]()
    this.#step = 'closing its sink'
    await process.sink?.[Symbol.asyncDispose]()
    this.#step = 'closing its mirror'
    await process.mirror.close()
    this.#step = 'closing its store'
    await this.store?.close()
    this.store = null
    this.#step = 'down'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash()
    await this.proxy?.[Symbol.asyncDispose]()
  }

  /** What it is doing, and what it waits for. */
  describe(): string {
    const { store } = this
    const process = this.#process
    if (process === null || store === null) return `${this.name} is ${this.#step}`
    const { mirror, endpoint, sink } = process
    const relays = mirror.state.relays.map(
      ({ status, pendingBatches, openSubscriptions, confirmedItems }) =>
        `${status} ${pendingBatches} batches ${openSubscriptions} subscriptions ${confirmedItems} items`,
    )
    const parts = [
      `${store.size} stored`,
      `${mirror.intake.pending} in the intake`,
      `${endpoint.stats.subscriptions} subscriptions of others`,
      `${endpoint.stats.negentropySessions} reconciliations`,
      ...relays,
      ...(sink === null ? [] : [`sink ${sink.state.phase} ${sink.stats.delivered}`]),
    ]
    return `${this.name}: ${parts.join(', ')}`
  }

  /** What it has; nothing while it is down. */
  async ids(): Promise<Set<string>> {
    const ids = new Set<string>()
    const items = await this.store?.items({})
    if (items === undefined || items === 'too-many') return ids
    for (let index = 0; index < items.size; index++) ids.add(Buffer.from(items.idAt(index)).toString('hex'))
    return ids
  }
}
