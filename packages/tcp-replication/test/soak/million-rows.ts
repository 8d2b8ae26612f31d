/**
 * A client that is a million rows behind, on one stream and on all fifteen: catches up without a disconnect, in
 * bounded memory. The server is the program in a process of its own; rows are counted by their number.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/tcp-replication/test/soak/million-rows.ts
 */
import { readFile } from 'node:fs/promises'
import { systemClock } from '@holdfast/core'
import { nodeEnv, tcp } from '@holdfast/core/node'
import { AppendLog, registeredStreams, replicationClient } from '@holdfast/tcp-replication'
import { temporaryFolder } from '../../../../test-support/temporary-folder.js'
import { ServerProcess } from '../../src/cli/demo/server-process.js'

const rows = Number(process.argv[2] ?? 1_000_000)
const filler = 'x'.repeat(120)

async function fill(path: string, streams: readonly string[]): Promise<void> {
  await using log = await AppendLog.open({ path, streams })
  const perStream = Math.ceil(rows / streams.length)
  for (const stream of streams) {
    for (let from = 1; from <= perStream; from += 10_000) {
      await log.transaction((tx) => {
        const to = Math.min(perStream, from + 9999)
        for (let token = from; token <= to; token += 1) tx.append(stream, [[token, filler]], { token })
      })
    }
  }
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

async function run(streams: readonly string[]): Promise<boolean> {
  await using folder = await temporaryFolder()
  const data = folder.path
  const server = new ServerProcess({ clock: systemClock(), data, port: 19_392, httpPort: 19_393, streams })
  try {
    await fill(data, streams)
    await server.start()
    const env = nodeEnv({ name: 'behind' })
    const last = new Map<string, number>()
    let count = 0
    let gaps = 0
    await using client = replicationClient({
      env,
      dialer: tcp(),
      endpoints: [{ uri: 'tcp://127.0.0.1:19392' }],
      name: 'behind',
      streams: streams.map((stream) => ({
        stream,
        from: 0,
        unread: true,
        apply: ({ token }) => {
          if (token !== (last.get(stream) ?? 0) + 1) gaps += 1
          last.set(stream, token)
          count += 1
        },
      })),
    })
    let links = 0
    client.state$.subscribe(({ phase }) => {
      if (phase === 'handshaking') links += 1
    })
    let serverPeak = 0
    let clientPeak = 0
    const sampling = env.clock.sweep(200, () => {
      clientPeak = Math.max(clientPeak, process.memoryUsage.rss() / 2 ** 20)
      void residentMegabytes(server.pid).then((megabytes) => (serverPeak = Math.max(serverPeak, megabytes)))
    })
    const began = performance.now()
    await client.start()
    await client.whenReady()
    const seconds = (performance.now() - began) / 1000
    sampling.cancel()
    const held = gaps === 0 && links === 1 && count >= rows
    console.log(
      `${streams.length} streams: ${count} rows in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} rows/s, ` +
        `${links} link, ${gaps} gaps, at most ${serverPeak.toFixed(0)} MiB in the server (log pages included), ` +
        `${clientPeak.toFixed(0)} MiB in the client: ${held ? 'held' : 'BROKEN'}`,
    )
    return held
  } finally {
    await server.kill9()
  }
}

const one = await run(['events'])
const all = await run(registeredStreams.map(({ name }) => name))
process.exitCode = one && all ? 0 : 1
