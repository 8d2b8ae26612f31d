import type { Env, Position } from '@holdfast/core'
import { tcp } from '@holdfast/core/node'
import { type ReplicationClient, replicationClient } from '../../client/client.js'
import type { Witness } from './oracle.js'

/** Quicker than usual, as nobody wants to watch a dead line for half a minute. */
export const followerKeepalive = { sendEvery: 1000, hearWithin: 3000 }

/** A client of the demonstration: applies what it gets, and survives its own death by its stored positions. */
export class DemoFollower {
  readonly name: string
  readonly witness: Witness
  readonly #env: Env
  readonly #port: () => number
  readonly #streams: readonly string[]
  /** What a database would hold. */
  readonly #stored = new Map<string, Position<number>>()
  #gate: Promise<void> | null = null
  #openGate: () => void = () => undefined
  #watching: { unsubscribe(): void } | null = null
  client: ReplicationClient
  /** How often it was connected. */
  links = 0

  constructor(name: string, env: Env, port: () => number, streams: readonly string[], witness: Witness) {
    this.name = name
    this.witness = witness
    this.#env = { ...env, name }
    this.#port = port
    this.#streams = streams
    this.client = this.#make()
  }

  async start(): Promise<void> {
    await this.client.start()
  }

  /** Dies without a word, and is started again with what it had stored. */
  async restart(): Promise<void> {
    this.client.close()
    this.client = this.#make()
    await this.start()
  }

  /** Stops taking anything. */
  stall(): void {
    this.#gate = new Promise((resolve) => (this.#openGate = resolve))
  }

  resume(): void {
    this.#openGate()
    this.#gate = null
  }

  #make(): ReplicationClient {
    const client = replicationClient({
      env: this.#env,
      dialer: tcp(),
      endpoints: () => ({ uri: `tcp://127.0.0.1:${this.#port()}` }),
      name: this.name,
      keepalive: followerKeepalive,
      streams: this.#streams.map((stream) => ({
        stream,
        from: 0,
        unread: true,
        store: {
          load: () => Promise.resolve(this.#stored.get(stream)),
          save: (to) => {
            if (to !== null) this.#stored.set(stream, to)
            return Promise.resolve()
          },
        },
        apply: async (batch) => {
          if (this.#gate !== null) await this.#gate
          this.witness.applied(batch)
        },
      })),
    })
    this.#watching?.unsubscribe()
    this.#watching = client.state$.subscribe({
      next: ({ phase }) => {
        if (phase === 'handshaking') this.links += 1
      },
      error: (failure: unknown) => this.#env.log.error({ err: failure }, 'states are not told any more'),
    })
    return client
  }
}
