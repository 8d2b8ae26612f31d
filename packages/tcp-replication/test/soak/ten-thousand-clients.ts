/**
 * 10,000 clients on one server process, which is killed and comes back: all are there again without a herd. Two
 * processes hold 5,000 clients each; each client is a lifecycle of its own with an admission gate of its own, as if
 * it were alone in its process.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/tcp-replication/test/soak/ten-thousand-clients.ts
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { admission, systemClock } from '@holdfast/core'
import { nodeEnv, tcp } from '@holdfast/core/node'
import { type ReplicationClient, replicationClient } from '@holdfast/tcp-replication'
import { temporaryFolder } from '../../../../test-support/temporary-folder.js'
import { ServerProcess } from '../../src/cli/demo/server-process.js'

const port = 19_492
const clients = Number(process.argv[2] ?? 10_000)
const holders = 2

/** Ready links, and how many opened in each tenth of a second since the last question. */
interface Count {
  readonly ready: number
  readonly openedAt: readonly number[]
}

/** One process with its share of the clients. */
async function hold(share: number): Promise<void> {
  const env = nodeEnv({ name: 'client' })
  const openedAt: number[] = []
  const held: ReplicationClient[] = []
  for (let index = 0; index < share; index += 1) {
    const client = replicationClient({
      env: { ...env, admission: admission({ clock: env.clock }) },
      dialer: tcp({ clock: env.clock }),
      endpoints: [{ uri: `tcp://127.0.0.1:${port}` }],
      name: `c${index}`,
      streams: [{ stream: 'events', unread: true, apply: () => undefined }],
    })
    client.state$.subscribe(({ phase }) => {
      if (phase === 'handshaking') openedAt.push(Date.now())
    })
    held.push(client)
    await client.start()
    if (index % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
  }
  process.on('message', () => {
    const ready = held.filter(({ state }) => state.phase === 'ready').length
    process.send?.({ ready, openedAt: openedAt.splice(0) } satisfies Count)
  })
  process.send?.('started')
}

function ask(holder: ChildProcess): Promise<Count> {
  return new Promise((resolve) => {
    holder.once('message', (count) => resolve(count as Count))
    holder.send('count')
  })
}

async function allReady(children: readonly ChildProcess[]): Promise<number[]> {
  const openedAt: number[] = []
  for (;;) {
    const counts = await Promise.all(children.map(ask))
    for (const count of counts) openedAt.push(...count.openedAt)
    if (counts.reduce((sum, { ready }) => sum + ready, 0) === clients) return openedAt
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function main(): Promise<void> {
  await using folder = await temporaryFolder()
  const server = new ServerProcess(
    { clock: systemClock(), data: folder.path, port, httpPort: port + 1, streams: ['events'] },
    ['--max-connections', '20000'],
  )
  const file = fileURLToPath(import.meta.url)
  const children: ChildProcess[] = []
  try {
    await server.start()
    for (let index = 0; index < holders; index += 1) {
      const child = fork(file, ['hold', String(clients / holders)], { execArgv: process.execArgv })
      children.push(child)
      await new Promise((resolve) => child.once('message', resolve))
    }
    await allReady(children)
    console.log(`${clients} clients are ready; killing the server`)
    await server.kill9()
    await new Promise((resolve) => setTimeout(resolve, 3000))
    const back = Date.now()
    await server.start()
    const openedAt = await allReady(children)
    const seconds = (Date.now() - back) / 1000
    const bySecond = new Map<number, number>()
    for (const at of openedAt) {
      const second = Math.floor((at - back) / 1000)
      bySecond.set(second, (bySecond.get(second) ?? 0) + 1)
    }
    const peak = Math.max(...bySecond.values())
    console.log(
      `all ${clients} back ${seconds.toFixed(1)} s after the server's start; ${openedAt.length} connections opened, ` +
        `at most ${peak} in a second (${Object.entries(Object.fromEntries(bySecond))
          .map(([s, n]) => `${s}s: ${n}`)
          .join(', ')})`,
    )
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await server.kill9()
  }
}

if (process.argv[2] === 'hold') await hold(Number(process.argv[3]))
else await main()
