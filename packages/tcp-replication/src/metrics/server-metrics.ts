import { MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { ReplicationServer } from '../server/server.js'

/**
 * Adds a server's metrics to a registry: those of Synapse of 2019 by their names (11), and what they lack: how far
 * each connection is behind, resets, rows left out, failures of the source.
 *
 * @example
 * ```ts no-run
 * import type { ReplicationServer } from '@holdfast/tcp-replication'
 * import { registerServerMetrics } from '@holdfast/tcp-replication'
 * import { Registry } from 'prom-client'
 *
 * declare const server: ReplicationServer
 * const registry = new Registry()
 * registerServerMetrics(registry, server)
 * console.log(await registry.metrics())
 * ```
 */
export function registerServerMetrics(registry: Registry, server: ReplicationServer): void {
  const { stats } = server
  const metrics = new MetricSet(registry)
  const protocol = 'synapse_replication_tcp_protocol'
  const resource = 'synapse_replication_tcp_resource'
  const ours = 'holdfast_replication_server'
  const counters = [
    [
      `${protocol}_close_reason`,
      'Connections ended, by the kind of their end',
      'reason_type',
      stats.closeReasons,
    ],
    [`${protocol}_inbound_commands`, 'Commands received', 'command', stats.inboundCommands],
    [`${protocol}_outbound_commands`, 'Commands sent, rows excepted', 'command', stats.outboundCommands],
    [
      `${resource}_stream_updates`,
      'Rows taken from the source, once each',
      'stream_name',
      stats.streamUpdates,
    ],
    [`${ours}_catch_up_rows_total`, 'Rows sent in catch-ups', 'stream_name', stats.catchUpRows],
    [
      `${ours}_unsendable_rows_total`,
      'Rows left out because they cannot be a line',
      'stream_name',
      stats.unsendableRows,
    ],
    [`${ours}_source_failures_total`, 'Reads of the source that failed', 'stream_name', stats.sourceFailures],
    [
      `${ours}_resets_total`,
      'Clients ahead of the server, and streams started over',
      'stream_name',
      stats.resets,
    ],
  ] as const
  for (const [name, help, label, counts] of counters)
    metrics.counter({ name, help, labels: [label] }, () => counts)
  for (const [name, command] of upstreamCommands) {
    const metric = { name: `${resource}_${name}`, help: `${command} commands received` }
    metrics.counter(metric, () => stats.inboundCommands.get(command) ?? 0)
  }
  metrics.counter(
    { name: `${ours}_failed_to_keep_up_total`, help: 'Connections cut off as too slow' },
    () => stats.failedToKeepUp,
  )
  metrics.gauge({ name: `${resource}_total_connections`, help: 'Connections' }, () => server.state.links)
  const perStream = {
    name: `${resource}_connections_per_stream`,
    help: 'Subscriptions',
    labels: ['stream_name'],
  }
  metrics.gauge(perStream, () => {
    const counts = new Map<string, number>()
    for (const { streams } of server.connections()) {
      for (const { stream } of streams) counts.set(stream, (counts.get(stream) ?? 0) + 1)
    }
    return counts
  })
  const unsent = {
    name: `${protocol}_transport_send_buffer`,
    help: 'Bytes that wait to be sent',
    labels: ['name'],
  }
  metrics.gauge(unsent, () => server.connections().map((each) => [nameOf(each), each.unsent]))
  const lag = {
    name: `${ours}_lag`,
    help: 'Positions that a connection is behind',
    labels: ['name', 'stream_name'],
  }
  metrics.gauge(lag, () =>
    server
      .connections()
      .flatMap((each) => each.streams.map(({ stream, behind }) => [[nameOf(each), stream], behind] as const)),
  )
  const position = { name: `${ours}_position`, help: 'Announced position', labels: ['stream_name'] }
  metrics.gauge(position, () => server.positions())
}

function nameOf({ name, connectionId }: { readonly name: string; readonly connectionId: string }): string {
  return `${name}-${connectionId}`
}

const upstreamCommands = [
  ['user_sync', 'USER_SYNC'],
  ['federation_ack', 'FEDERATION_ACK'],
  ['remove_pusher', 'REMOVE_PUSHER'],
  ['invalidate_cache', 'INVALIDATE_CACHE'],
  ['user_ip_cache', 'USER_IP'],
] as const
