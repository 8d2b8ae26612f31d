import { MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { RedisReplicationServer } from '../redis/server.js'

/**
 * Adds the metrics of a server on Redis to a registry: whether the channel is subscribed to, what was published and
 * heard there, positions, and failures of the source.
 */
export function registerPublicationMetrics(registry: Registry, server: RedisReplicationServer): void {
  const { stats } = server
  const metrics = new MetricSet(registry)
  const ours = 'holdfast_replication_redis'
  const counters = [
    [`${ours}_outbound_commands_total`, 'Commands published', 'command', stats.outboundCommands],
    [`${ours}_inbound_commands_total`, 'Commands heard from others', 'command', stats.inboundCommands],
    [`${ours}_source_failures_total`, 'Reads of the source that failed', 'stream_name', stats.sourceFailures],
  ] as const
  for (const [name, help, label, counts] of counters)
    metrics.counter({ name, help, labels: [label] }, () => counts)
  metrics.gauge({ name: `${ours}_ready`, help: '1 while the channel is subscribed to' }, () =>
    server.state.phase === 'ready' ? 1 : 0,
  )
  metrics.gauge({ name: `${ours}_position`, help: 'Published position', labels: ['stream_name'] }, () =>
    server.positions(),
  )
}
