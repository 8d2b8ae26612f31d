import { join } from 'node:path'
import { nodeEnv, tcp } from '../../packages/core/src/node/index.js'
import { showPause as pause } from '../../packages/core/src/service/index.js'
import { ChaosProxy } from '../../packages/core/src/testing/index.js'
import { AppendLog, replicationClient, replicationServer } from '../../packages/tcp-replication/src/index.js'
import type { World } from '../world.js'

const streams = ['events', 'receipts']

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
  let done = 0
  let gate = Promise.resolve()
  const follow = (name: string, at: number, apply: () => Promise<void> | undefined) =>
    replicationClient({
      env: { ...env, name },
      dialer: tcp({ clock }),
      endpoints: [{ uri: `tcp://127.0.0.1:${at}` }],
      name,
      keepalive: { sendEvery: 500, hearWithin: 1500 },
      streams: streams.map((stream) => ({ stream, unread: true, apply })),
    })
  const clients = [
    follow('worker', line.port, () => {
      done += 1
      return undefined
    }),
    follow('slow', port, () => gate),
  ]
  for (const client of clients) await client.start()
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
      return done
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
        gate = new Promise((resolve) => (open = resolve))
        await pause(clock, 2000)
        open()
      },
    ],
    async [Symbol.asyncDispose]() {
      isOver = true
      await writing
      for (const client of clients) await client[Symbol.asyncDispose]()
      await line[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await source[Symbol.asyncDispose]()
    },
  }
}
