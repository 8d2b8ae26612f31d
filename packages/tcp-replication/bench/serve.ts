import { nodeEnv, tcp } from '@holdfast/core/node'
import { type ReplicationServer, type ReplicationSource, replicationServer } from '@holdfast/tcp-replication'
import { portOf } from './port-of.js'

/** Our server on a free port. */
export async function serve(
  source: ReplicationSource,
): Promise<{ readonly server: ReplicationServer; readonly port: number }> {
  const server = await replicationServer({
    env: nodeEnv({ name: 'bench' }),
    acceptor: tcp(),
    at: { uri: 'tcp://127.0.0.1:0' },
    source,
    serverName: 'bench.example',
  })
  return { server, port: portOf(server.endpoint.uri) }
}
