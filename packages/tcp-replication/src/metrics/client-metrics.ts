import type { Registry } from 'prom-client'
import type { ReplicationClient } from '../client/client.js'
import { countersOf, gaugeOf } from './collectors.js'

/**
 * Adds a client's metrics to a registry: `synapse_replication_tcp_protocol_inbound_rdata_count` as in Synapse of
 * 2019 (11), and positions, lag, problems and whether it is ready.
 */
export function registerClientMetrics(registry: Registry, client: ReplicationClient): void {
  const { stats } = client
  const ours = 'holdfast_replication_client'
  countersOf(registry, [
    ['synapse_replication_tcp_protocol_inbound_rdata_count', 'Rows received', 'stream_name', stats.rows],
    [`${ours}_deliveries_total`, 'Batches applied', 'stream_name', stats.deliveries],
    [`${ours}_problems_total`, 'Resets, bad rows, unknown streams, errors', 'kind', stats.problems],
    [`${ours}_inbound_commands_total`, 'Commands received', 'command', stats.inboundCommands],
    [`${ours}_outbound_commands_total`, 'Commands sent', 'command', stats.outboundCommands],
  ])
  gaugeOf(registry, `${ours}_ready`, '1 while every stream has had its position', [], () => [
    [{}, client.state.phase === 'ready' ? 1 : 0],
  ])
  gaugeOf(registry, `${ours}_position`, 'Applied position', ['stream_name'], () =>
    client
      .progress()
      .flatMap(({ stream, applied }) =>
        applied === null ? [] : [[{ stream_name: stream }, applied] as const],
      ),
  )
  gaugeOf(registry, `${ours}_lag`, 'Positions received and not yet applied', ['stream_name'], () =>
    client
      .progress()
      .flatMap(({ stream, received, applied }) =>
        received === null ? [] : [[{ stream_name: stream }, received - (applied ?? 0)] as const],
      ),
  )
}
