import type { ReplicationSource, RowBatch, SourceEvent } from '@holdfast/tcp-replication'
import type { Feeder } from './fan-out.js'
import { ownCpuSeconds } from './holdfast-feeder.js'
import { firstHead, lineBytes, rowOf, stampDigits } from './row.js'
import { serve } from './serve.js'

/** Batches that are held for readers that fall back. */
const held = 100_000

/** Our server alone: the source has each row as JSON already, as a relay or a database may. */
export async function readyFeeder(): Promise<Feeder> {
  const [before = '', after = ''] = JSON.stringify(rowOf(0)).split('0'.repeat(stampDigits))
  let head = firstHead
  let recent: RowBatch[] = []
  let tell = (_event: SourceEvent): void => undefined
  const source: ReplicationSource = {
    streams: ['events'],
    head: () => head,
    first: () => head - recent.length,
    read(_stream, after, upTo, { bytes }) {
      const start = after - head + recent.length
      if (start < 0) return Promise.resolve('too-old')
      const to = Math.min(upTo, after + Math.ceil(bytes / lineBytes))
      return Promise.resolve({ batches: recent.slice(start, start + to - after), to })
    },
    subscribe(listener) {
      tell = listener
      return () => undefined
    },
  }
  const { server, port } = await serve(source)
  return {
    protocol: 'replication',
    port,
    append(token, count, stamp) {
      const rows = [before + String(stamp).padStart(stampDigits, '0') + after]
      const batches = Array.from({ length: count }, (_, index) => ({ token: token + index, rows }))
      const from = head
      head += count
      for (const batch of batches) recent.push(batch)
      if (recent.length > 2 * held) recent = recent.slice(-held)
      tell({ kind: 'appended', stream: 'events', from, to: head, batches })
    },
    cpuSeconds: ownCpuSeconds,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
