/**
 * Beyond one machine: links over a channel of Redis, a store that another process can take over, and a log that many
 * serve. Needs `ioredis`.
 *
 * @packageDocumentation
 */

export { type RedisAddress, type RedisCredentials, redisAddress } from './redis-address.js'
export { type RedisChannelOptions, type RedisEndpoint, redisChannel } from './redis-channel.js'
export { type RedisLog, type RedisLogOptions, redisLog } from './redis-log.js'
export { type RedisStoreOptions, redisStore } from './redis-store.js'
