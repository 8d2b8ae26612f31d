import { memorySource } from '@holdfast/tcp-replication'
import type { Feeder } from './fan-out.js'
import { firstHead, rowOf } from './row.js'
import { serve } from './serve.js'

/** Our server with a source in memory that holds the last 4 MiB. */
export async function holdfastFeeder(): Promise<Feeder> {
  const source = memorySource({ streams: ['events'], retain: { bytes: 4 * 1024 * 1024 } })
  source.append('events', [rowOf(0)], firstHead)
  const { server, port } = await serve(source)
  return {
    protocol: 'replication',
    port,
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
