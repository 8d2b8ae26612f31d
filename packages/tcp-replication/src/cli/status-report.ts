import type { ReplicationClient } from '../client/client.js'
import type { RedisReplicationServer } from '../redis/index.js'
import type { ReplicationServer } from '../server/server.js'

/** What `status` asks for. */
export interface StatusReport {
  readonly server: {
    readonly endpoint: string
    readonly phase: string
    readonly connections: ReturnType<ReplicationServer['connections']>
    readonly positions: Readonly<Record<string, number>>
  }
  /** Of a server that publishes on Redis. */
  readonly redis?: { readonly phase: string }
  /** Of a relay. */
  readonly upstream?: {
    readonly phase: string
    readonly serverName: string | null
    readonly dialect: string | null
    readonly streams: ReturnType<ReplicationClient['progress']>
  }
}

/** Reports where a server stands, and what it follows if it is a relay's. */
export function reportStatus(
  server: ReplicationServer,
  {
    publication,
    client,
  }: { readonly publication?: RedisReplicationServer | null; readonly client?: ReplicationClient },
): StatusReport {
  const { endpoint, state } = server
  return {
    server: {
      endpoint: endpoint.uri,
      phase: state.phase,
      connections: server.connections(),
      positions: Object.fromEntries(server.positions()),
    },
    ...(publication && { redis: { phase: publication.state.phase } }),
    ...(client && {
      upstream: {
        phase: client.state.phase,
        serverName: client.serverName,
        dialect: client.dialect,
        streams: client.progress(),
      },
    }),
  }
}

/** The report for people. */
export function describeStatus({ server, redis, upstream }: StatusReport): string {
  const lines = [`serving on ${server.endpoint}: ${server.phase}, ${server.connections.length} connections`]
  for (const { name, connectionId, unsent, streams } of server.connections) {
    const behind = streams.reduce((sum, lag) => sum + lag.behind, 0)
    lines.push(
      `  ${name}-${connectionId}: ${streams.length} streams, ${behind} behind, ${unsent} bytes unsent`,
    )
  }
  const moved = Object.entries(server.positions).filter(([, position]) => position !== 0)
  lines.push(`positions: ${moved.map(([stream, position]) => `${stream} ${position}`).join(', ') || 'all 0'}`)
  if (redis !== undefined) lines.push(`publishing on Redis: ${redis.phase}`)
  if (upstream !== undefined) {
    lines.push(
      `upstream ${upstream.serverName ?? 'of unknown name'}: ${upstream.phase}, ${upstream.dialect ?? 'dialect unknown'}`,
    )
    for (const { stream, applied, received, stopped } of upstream.streams) {
      if (received !== null || stopped)
        lines.push(`  ${stream}: applied ${applied} of ${received}${stopped ? ', stopped' : ''}`)
    }
  }
  return lines.join('\n')
}
