import type { Dialer, Endpoint } from '../index.js'
import { OptionError } from '../index.js'
import { type TransportOptions, wireOptions } from '../node/transport.js'
import { WiredLink } from '../node/wired-link.js'
import { type RedisCredentials, redisUrl, socketPath } from './redis-address.js'
import { type RedisWireOptions, redisWire } from './redis-wire.js'

/** What {@link redisChannel} dials. */
export interface RedisEndpoint extends Endpoint {
  /** `redis://HOST:PORT/DATABASE`, `rediss://…` for TLS, or `unix:PATH`; without credentials, since it is logged. */
  readonly uri: string
  /** What is subscribed to, and published to. */
  readonly channel: string
}

/** Options of {@link redisChannel}. */
export interface RedisChannelOptions extends TransportOptions {
  readonly credentials?: RedisCredentials
}

/**
 * Links over a pub/sub channel of Redis: a write is one PUBLISH, and whatever anybody publishes comes by the sink's
 * `message`, our own too. Open once the subscription is confirmed.
 *
 * Each link has two connections, because Redis lets a subscriber do nothing else, and ends when either is lost: dialing
 * again is its lifecycle's business, never the library's. A write is flushed when Redis has answered. `ping` asks both
 * connections; while reading is paused, messages wait with Redis, up to its `client-output-buffer-limit pubsub`.
 *
 * Pub/sub is at most once. What is published while a link is down is lost to it, and it is the protocol on top that
 * must find out and make up for it.
 *
 * @example
 * ```ts no-run
 * import { lifecycle } from '@holdfast/core'
 * import { nodeEnv } from '@holdfast/core/node'
 * import { redisChannel } from '@holdfast/core/redis'
 *
 * await using news = lifecycle({
 *   env: nodeEnv({ name: 'news' }),
 *   dialer: redisChannel(),
 *   endpoints: [{ uri: 'redis://127.0.0.1:6379', channel: 'news' }],
 *   keepalive: { arm: 'at-open', sendEvery: 10_000, hearWithin: 30_000 },
 *   protocol: (scope) => {
 *     scope.ready()
 *     return { message: (text) => console.log(text), probe: () => scope.link.ping?.() }
 *   },
 * })
 * news.start()
 * ```
 */
export function redisChannel({ credentials = {}, ...options }: RedisChannelOptions = {}): Dialer {
  const settings = wireOptions(options)
  return {
    dial: (to: Endpoint & Partial<RedisEndpoint>, sink) =>
      new WiredLink(to, sink, settings, (events) => redisWire({ ...whereTo(to), credentials }, events)),
  }
}

function whereTo({ uri, channel }: Endpoint & Partial<RedisEndpoint>): Omit<RedisWireOptions, 'credentials'> {
  if (channel === undefined || channel === '') throw new OptionError('endpoint.channel', 'a name', channel)
  const path = socketPath(uri)
  if (path !== null) return { uri, channel, path }
  const forms = 'redis://HOST:PORT/DATABASE, rediss://… or unix:PATH'
  const { hostname, port, pathname, protocol, username, password } = redisUrl('endpoint.uri', uri, forms)
  if (username !== '' || password !== '') {
    throw new OptionError('endpoint.uri', 'free of credentials, which redisChannel() takes', '(not shown)')
  }
  return {
    ...{ uri, channel },
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 6379 : Number(port),
    db: Number(pathname.slice(1)),
    ...(protocol === 'rediss:' && { tls: {} }),
  }
}
