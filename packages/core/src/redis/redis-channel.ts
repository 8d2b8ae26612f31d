import type { Dialer, Endpoint } from '../index.js'
import { OptionError } from '../index.js'
import { type TransportOptions, wireOptions } from '../node/transport.js'
import { WiredLink } from '../node/wired-link.js'
import { type RedisWireOptions, redisWire } from './redis-wire.js'

/** What {@link redisChannel} dials. */
export interface RedisEndpoint extends Endpoint {
  /** `redis://HOST:PORT/DATABASE`, `rediss://…` for TLS, or `unix:PATH`; without credentials, since it is logged. */
  readonly uri: string
  /** What is subscribed to, and published to. */
  readonly channel: string
}

/** Who we are to Redis. */
export interface RedisCredentials {
  readonly username?: string
  readonly password?: string
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

/** The parts of a URL that may be logged, and those that may not. */
export interface RedisAddress {
  readonly uri: string
  readonly credentials: RedisCredentials
}

/**
 * Takes the credentials out of a URL.
 *
 * @throws an `OptionError` where it is none that {@link RedisEndpoint} allows; the message does not quote it
 *
 * @example
 * ```ts
 * import { redisAddress } from '@holdfast/core/redis'
 *
 * redisAddress('redis://:secret@cache.example/2')
 * // => { uri: 'redis://cache.example/2', credentials: { password: 'secret' } }
 * ```
 */
export function redisAddress(url: string): RedisAddress {
  if (url.startsWith('unix:')) return { uri: url, credentials: {} }
  const parsed = urlOf(url)
  const { username, password } = parsed
  parsed.username = parsed.password = ''
  return {
    uri: parsed.href,
    credentials: {
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
    },
  }
}

function whereTo({ uri, channel }: Endpoint & Partial<RedisEndpoint>): Omit<RedisWireOptions, 'credentials'> {
  if (channel === undefined || channel === '') throw new OptionError('endpoint.channel', 'a name', channel)
  if (uri.startsWith('unix:')) return { uri, channel, path: uri.slice('unix:'.length) }
  const { hostname, port, pathname, protocol, username, password } = urlOf(uri)
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

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  const isRedis = url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== ''
  if (!isRedis || !/^\/?\d*$/.test(url.pathname)) {
    throw new OptionError(
      'endpoint.uri',
      'redis://HOST:PORT/DATABASE, rediss://… or unix:PATH',
      '(not shown)',
    )
  }
  return url
}
