import type { Env } from '@holdfast/core'
import { fullJitter } from '@holdfast/core'
import { nodeEnv, tcp } from '@holdfast/core/node'
import {
  type ReceivedBatch,
  type ReplicationClient,
  type ReplicationServer,
  type ReplicationServerOptions,
  type ReplicationSource,
  replicationClient,
  replicationServer,
} from '@holdfast/tcp-replication'

/** Reconnects fast enough for a test. */
export const quickly = fullJitter({ floor: 5, base: 20, cap: 50 })

/** A server on a real port of this machine. */
export async function listenOn(
  source: ReplicationSource,
  options: Partial<ReplicationServerOptions> = {},
): Promise<ReplicationServer> {
  const at = { uri: 'tcp://127.0.0.1:0' }
  const env = nodeEnv({ name: 'server' })
  return replicationServer({ env, acceptor: tcp(), at, source, serverName: 'test.example', ...options })
}

/** A client on real sockets that keeps everything it was given, and lets a test wait for it. */
export class RealFollower implements AsyncDisposable {
  readonly env: Env
  readonly client: ReplicationClient
  readonly batches: ReceivedBatch[] = []
  readonly resets: string[] = []
  #waiting: { isMet: () => boolean; resolve: () => void }[] = []

  constructor(to: () => string, streams: readonly string[], from: number | 'NOW' = 0) {
    this.env = nodeEnv({ name: 'follower' })
    this.client = replicationClient({
      env: this.env,
      dialer: tcp(),
      endpoints: () => ({ uri: to() }),
      name: 'follower',
      backoff: quickly,
      streams: streams.map((stream) => ({
        stream,
        from,
        unread: true,
        apply: (batch) => {
          this.batches.push(batch)
          this.#look()
        },
        reset: (why, position) => {
          this.resets.push(`${stream} ${why} ${position}`)
          this.#look()
        },
      })),
    })
    this.client.state$.subscribe(() => queueMicrotask(() => this.#look()))
  }

  /** Tokens of a stream in the order in which they were applied. */
  tokens(stream: string): number[] {
    return this.batches.filter((batch) => batch.stream === stream).map(({ token }) => token)
  }

  /** Waits until something is so; looked at whenever anything was applied or the connection changed. */
  async until(isMet: () => boolean): Promise<void> {
    if (isMet()) return
    await new Promise<void>((resolve) => this.#waiting.push({ isMet, resolve }))
  }

  #look(): void {
    for (const waiter of this.#waiting) if (waiter.isMet()) waiter.resolve()
    this.#waiting = this.#waiting.filter(({ isMet }) => !isMet())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }
}
