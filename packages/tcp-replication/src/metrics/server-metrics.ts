import type { Registry } from 'prom-client'
import type { ReplicationServer } from '../server/server.js'
import { counterOf, countersOf, gaugeOf } from './collectors.js'

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
  const protocol = 'synapse_replication_tcp_protocol'
  const resource = 'synapse_replication_tcp_resource'
  const ours = 'holdfast_replication_server'
  countersOf(registry, [
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
  ])
  for (const [name, command] of upstreamCommands) {
    const value = (): number => stats.inboundCommands.get(command) ?? 0
    counterOf(registry, `${resource}_${name}`, `${command} commands received`, [], () => [[{}, value()]])
  }
  counterOf(registry, `${ours}_failed_to_keep_up_total`, 'Connections cut off as too slow', [], () => [
    [{}, stats.failedToKeepUp],
  ])
  gaugeOf(registry, `${resource}_total_connections`, 'Connections', [], () => [[{}, server.state.links]])
  gaugeOf(registry, `${resource}_connections_per_stream`, 'Subscriptions', ['stream_name'], () => {
    const counts = new Map<string, number>()
    for (const { streams } of server.connections()) {
      for (const { stream } of streams) counts.set(stream, (counts.get(stream) ?? 0) + 1)
    }
    return [...counts].map(([stream, value]) => [{ stream_name: stream }, value])
  })
  gaugeOf(registry, `${protocol}_transport_send_buffer`, 'Bytes that wait to be sent', ['name'], () =>
    server
      .connections()
      .map(({ name, connectionId, unsent }) => [{ name: `${name}-${connectionId}` }, unsent]),
  )
  gaugeOf(registry, `${ours}_lag`, 'Positions that a connection is behind', ['name', 'stream_name'], () =>
    server
      .connections()
      .flatMap(({ name, connectionId, streams }) =>
        streams.map(
          ({ stream, behind }) => [{ name: `${name}-${connectionId}`, stream_name: stream }, behind] as const,
        ),
      ),
  )
  gaugeOf(registry, `${ours}_position`, 'Announced position', ['stream_name'], () =>
    [...server.positions()].map(([stream, position]) => [{ stream_name: stream }, position]),
  )
}

const upstreamCommands = [
  ['user_sync', 'USER_SYNC'],
  ['federation_ack', 'FEDERATION_ACK'],
  ['remove_pusher', 'REMOVE_PUSHER'],
  ['invalidate_cache', 'INVALIDATE_CACHE'],
  ['user_ip_cache', 'USER_IP'],
] as const
