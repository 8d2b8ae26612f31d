import { join } from 'node:path'
import type { Env } from '../../packages/core/src/index.js'
import { nodeEnv, tcp } from '../../packages/core/src/node/index.js'
import { showPause as pause } from '../../packages/core/src/service/index.js'
import { ChaosProxy } from '../../packages/core/src/testing/index.js'
import {
  AppendLog,
  type ReceivedBatch,
  type ReplicationClient,
  replicationClient,
  replicationServer,
} from '../../packages/tcp-replication/src/index.js'
import type { World } from '../world.js'

const streams = ['events', 'receipts']

/** Applies what comes, and looks whether anything is left out. */
class Follower {
  readonly client: ReplicationClient
  applied = 0
  /** What it was not given. */
  lost: string | null = null
  /** Nothing is taken before this. */
  gate = Promise.resolve()
  readonly #heads = new Map<string, number>()

  constructor(env: Env, name: string, port: number) {
    const { clock } = env
    this.client = replicationClient({
      env: { ...env, name },
      dialer: tcp({ clock }),
      endpoints: [{ uri: `tcp://127.0.0.1:${port}` }],
      name,
      keepalive: { sendEvery: 500, hearWithin: 1500 },
      // Faults come every few seconds: were a link to last for the usual 10, every delay before the next would be the longest.
      stableAfter: 500,
      streams: streams.map((stream) => ({ stream, unread: true, apply: (batch) => this.#apply(batch) })),
    })
  }

  async #apply({ stream, token }: ReceivedBatch): Promise<void> {
    await this.gate
    this.applied += 1
    const head = this.#heads.get(stream) ?? token - 1
    // The log uses every token.
    if (token > head + 1) this.lost ??= `a follower was not given ${stream} ${head + 1} to ${token - 1}`
    this.#heads.set(stream, Math.max(head, token))
  }
}

/** A log on disk with retention, a server of it, and two followers: one behind a line that fails, one that is slow now and then. */
export async function start(folder: string): Promise<World> {
  const env = nodeEnv({ name: 'replication' })
  const { clock } = env
  const retain = { count: 20_000 }
  const source = await AppendLog.open({ path: join(folder, 'log'), streams, retain, clock })
  const server = await replicationServer({
    env,
    acceptor: tcp({ clock }),
    at: { uri: 'tcp://127.0.0.1:0' },
    source,
    serverName: 'soak.example',
  })
  const port = Number(new URL(server.endpoint.uri).port)
  const line = await ChaosProxy.start({ to: port })
  const worker = new Follower(env, 'worker', line.port)
  const slow = new Follower(env, 'slow', port)
  for (const { client } of [worker, slow]) await client.start()
  let isOver = false as boolean
  const writing = (async () => {
    for (let count = 0; !isOver; count += 1) {
      const rows = Array.from({ length: 5 }, (_, row) => [count, row, 'x'.repeat(200)])
      await source.append(streams[count % 2] ?? 'events', rows)
      await pause(clock, 10)
    }
  })()
  return {
    get done() {
      // Of whoever has less: neither may stop.
      return Math.min(worker.applied, slow.applied)
    },
    get problem() {
      return worker.lost ?? slow.lost
    },
    faults: [
      () => {
        line.reset()
        return Promise.resolve()
      },
      async () => {
        line.freeze()
        await pause(clock, 3000)
        line.reset()
      },
      () => {
        line.finish()
        return Promise.resolve()
      },
      async () => {
        let open = (): void => undefined
        slow.gate = new Promise((resolve) => (open = resolve))
        await pause(clock, 2000)
        open()
      },
    ],
    async [Symbol.asyncDispose]() {
      isOver = true
      await writing
      for (const { client } of [worker, slow]) await client[Symbol.asyncDispose]()
      await line[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await source[Symbol.asyncDispose]()
    },
  }
}
