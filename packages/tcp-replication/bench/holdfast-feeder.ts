import { nodeEnv, tcp } from '@holdfast/core/node'
import { memorySource, replicationServer } from '@holdfast/tcp-replication'
import type { Feeder } from './fan-out.js'
import { portOf } from './port-of.js'
import { firstHead, rowOf } from './row.js'

/** Our server with a source in memory that holds the last 4 MiB. */
export async function holdfastFeeder(): Promise<Feeder> {
  const source = memorySource({ streams: ['events'], retain: { bytes: 4 * 1024 * 1024 } })
  source.append('events', [rowOf(0)], firstHead)
  const server = await replicationServer({
    env: nodeEnv({ name: 'bench' }),
    acceptor: tcp(),
    at: { uri: 'tcp://127.0.0.1:0' },
    source,
    serverName: 'bench.example',
  })
  return {
    protocol: 'replication',
    port: portOf(server.endpoint.uri),
    append(token, count, stamp) {
      for (let index = 0; index < count; index += 1) source.append('events', [rowOf(stamp)], token + index)
    },
    cpuSeconds: ownCpuSeconds,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Processor time of this process, all threads. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000_000
}
