import { type RedisCredentials, redisChannel } from '@holdfast/core/redis'
import { clientOnChannel, type ReplicationClient } from '../client/client.js'
import type { ReplicationClientOptions } from '../client/options.js'

/** Options of {@link redisReplicationClient}. */
export interface RedisReplicationClientOptions
  extends Pick<
    ReplicationClientOptions,
    | 'env'
    | 'name'
    | 'streams'
    | 'updates'
    | 'queue'
    | 'buffers'
    | 'catchUpStalledAfter'
    | 'keepalive'
    | 'backoff'
    | 'stableAfter'
  > {
  /** Where Redis is: `redis://HOST:PORT/DATABASE`, `rediss://…` or `unix:PATH`, without credentials. */
  readonly uri: string
  readonly credentials?: RedisCredentials
  /** The homeserver's name as Synapse is configured with, which is the name of the channel. */
  readonly serverName: string
  /**
   * The instance whose rows and positions of a stream are taken; others are passed over. Of a stream with several
   * writers each is followed by a client of its own, because each counts on its own.
   *
   * @defaultValue `master`, Synapse's main process, for every stream
   */
  readonly writers?: Readonly<Record<string, string>>
}

/** A {@link ReplicationClient} without what nobody says over Redis, or says on another channel. */
export type RedisReplicationClient = Omit<
  ReplicationClient,
  'userIp' | 'removePusher' | 'invalidateCache' | 'awaitSync' | 'serverName'
>

/**
 * Makes a client that follows a Synapse through Redis; it connects once started (14.4).
 *
 * Pub/sub loses what is published while nobody listens. What was missed shows in the next POSITION, for which the
 * client asks after every reconnect, and is fetched with `updates`; without that it is a reset with `peer-cannot`.
 *
 * @throws an `OptionError` that names the field
 *
 * @example
 * ```ts no-run
 * import { nodeEnv } from '@holdfast/core/node'
 * import { httpStreamUpdates } from '@holdfast/tcp-replication'
 * import { redisReplicationClient } from '@holdfast/tcp-replication/redis'
 *
 * const env = nodeEnv({ name: 'follower' })
 * await using client = redisReplicationClient({
 *   env,
 *   uri: 'redis://127.0.0.1:6379',
 *   serverName: 'example.com',
 *   name: 'follower',
 *   updates: httpStreamUpdates({ baseUrl: 'http://127.0.0.1:9093', random: () => env.random() }),
 *   streams: [{ stream: 'events', from: 0, apply: ({ token, texts }) => console.log(token, texts) }],
 * })
 * await client.start()
 * ```
 */
export function redisReplicationClient(options: RedisReplicationClientOptions): RedisReplicationClient {
  const { uri, credentials = {}, serverName, writers = {}, keepalive, ...shared } = options
  return clientOnChannel(
    {
      ...shared,
      dialer: redisChannel({ credentials, clock: options.env.clock }),
      endpoints: [{ uri, channel: serverName }],
      dialect: 'D2',
      keepalive: { sendEvery: 10_000, hearWithin: 30_000, ...keepalive },
    },
    { writerOf: (stream) => writers[stream] ?? 'master' },
  )
}
