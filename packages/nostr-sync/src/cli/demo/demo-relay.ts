import type { Env } from '@holdfast/core'
import { ChaosProxy, freePort } from '@holdfast/core/testing'
import { openPolicy } from '../../admission/open-policy.js'
import { relayEndpoint } from '../../endpoint/relay-endpoint.js'
import type { RelayEndpoint } from '../../endpoint/types.js'
import { eventIntake } from '../../intake/intake.js'
import type { Intake } from '../../intake/types.js'
import { memoryStore } from '../../store/memory-store.js'
import type { EventStore } from '../../store/types.js'
import type { Verifier } from '../../verify/types.js'
import type { NostrEvent } from '../../wire/event.js'

/** A relay of the demonstration, on a real port behind a network that can fail: it can go away, and keeps what it has. */
export class DemoRelay implements AsyncDisposable {
  readonly name: string
  readonly store: EventStore
  readonly #env: Env
  readonly #intake: Intake
  #endpoint: RelayEndpoint | null = null
  #port: number | null = null
  #network: ChaosProxy | null = null
  #sentBefore = 0

  constructor(name: string, env: Env, verifier: Verifier) {
    this.name = name
    this.#env = env
    this.store = memoryStore(env.clock)
    this.#intake = eventIntake({ env, store: this.store, verifier, policy: openPolicy() })
  }

  /** What is between it and everybody else, once it has been started. */
  get network(): ChaosProxy {
    if (this.#network === null) throw new Error(`${this.name} has never been started`)
    return this.#network
  }

  /** Where others reach it. */
  get url(): string {
    return `ws://127.0.0.1:${this.network.port}`
  }

  get isRunning(): boolean {
    return this.#endpoint !== null
  }

  /** Events that it has sent since it was made. */
  get sentEvents(): number {
    return this.#sentBefore + (this.#endpoint?.stats.sent.get('event') ?? 0)
  }

  /** Serves, at the same address each time. */
  async start(): Promise<void> {
    const { store } = this
    this.#port ??= await freePort()
    this.#endpoint = await relayEndpoint({
      ...{ env: this.#env, store, intake: this.#intake, at: { uri: `ws://127.0.0.1:${this.#port}` } },
    })
    this.#network ??= await ChaosProxy.start({ to: this.#port })
  }

  /** Goes away without a word. */
  async stop(): Promise<void> {
    this.#sentBefore = this.sentEvents
    const endpoint = this.#endpoint
    this.#endpoint = null
    await endpoint?.[Symbol.asyncDispose]()
  }

  /** Somebody has published here, by whatever way: also while we do not reach it. */
  async publish(...events: readonly NostrEvent[]): Promise<void> {
    await this.store.put(events)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#network?.[Symbol.asyncDispose]()
    await this.#intake.close()
    await this.store.close()
  }
}
