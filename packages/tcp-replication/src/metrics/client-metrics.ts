import { MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { ReplicationClient, StreamProgress } from '../client/client.js'

/**
 * Adds a client's metrics to a registry: `synapse_replication_tcp_protocol_inbound_rdata_count` as in Synapse of
 * 2019 (11), and positions, lag, duplicates, problems, the time since the last line, and whether it is ready.
 */
export function registerClientMetrics(
  registry: Registry,
  client: Pick<ReplicationClient, 'state' | 'stats' | 'sinceLastLine' | 'progress'>,
): void {
  const { stats } = client
  const metrics = new MetricSet(registry)
  const ours = 'holdfast_replication_client'
  const counters = [
    ['synapse_replication_tcp_protocol_inbound_rdata_count', 'Rows received', 'stream_name', stats.rows],
    [`${ours}_deliveries_total`, 'Batches applied', 'stream_name', stats.deliveries],
    [`${ours}_duplicates_total`, 'Rows that came again and were dropped', 'stream_name', stats.duplicates],
    [`${ours}_problems_total`, 'Resets, bad rows, unknown streams, errors', 'kind', stats.problems],
    [`${ours}_inbound_commands_total`, 'Commands received', 'command', stats.inboundCommands],
    [`${ours}_outbound_commands_total`, 'Commands sent', 'command', stats.outboundCommands],
  ] as const
  for (const [name, help, label, counts] of counters)
    metrics.counter({ name, help, labels: [label] }, () => counts)
  metrics.gauge({ name: `${ours}_ready`, help: '1 while every stream has had its position' }, () =>
    client.state.phase === 'ready' ? 1 : 0,
  )
  metrics.gauge(
    { name: `${ours}_last_line_age_seconds`, help: 'Time since the last line' },
    () => client.sinceLastLine / 1000,
  )
  const perStream = (name: string, help: string, read: (progress: StreamProgress) => number | null): void =>
    metrics.gauge({ name, help, labels: ['stream_name'] }, () =>
      client.progress().flatMap((progress) => {
        const value = read(progress)
        return value === null ? [] : [[progress.stream, value] as const]
      }),
    )
  perStream(`${ours}_position`, 'Applied position', ({ applied }) => applied)
  perStream(`${ours}_lag`, 'Positions received and not yet applied', ({ received, applied }) =>
    received === null ? null : received - (applied ?? 0),
  )
}
