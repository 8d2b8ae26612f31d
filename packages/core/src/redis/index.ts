/**
 * Beyond one machine: links over a channel of Redis, and a store that another process can take over. Needs `ioredis`.
 *
 * @packageDocumentation
 */

export {
  type RedisAddress,
  type RedisChannelOptions,
  type RedisCredentials,
  type RedisEndpoint,
  redisAddress,
  redisChannel,
} from './redis-channel.js'
export { type RedisStoreOptions, redisStore } from './redis-store.js'
