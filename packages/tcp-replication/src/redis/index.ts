/**
 * Synapse's replication over pub/sub of Redis, v1.13 to today: a client that follows, and a server that feeds workers.
 * Needs `ioredis`.
 *
 * @packageDocumentation
 */

export { registerPublicationMetrics } from '../metrics/publication-metrics.js'
export {
  type RedisReplicationClient,
  type RedisReplicationClientOptions,
  redisReplicationClient,
} from './client.js'
export {
  type RedisReplicationServer,
  type RedisReplicationServerOptions,
  redisReplicationServer,
} from './server.js'
