import { OptionError } from '../index.js'

/** Who we are to Redis. */
export interface RedisCredentials {
  readonly username?: string
  readonly password?: string
}

/** The parts of a URL that may be logged, and those that may not. */
export interface RedisAddress {
  readonly uri: string
  readonly credentials: RedisCredentials
}

/**
 * Takes the credentials out of a URL: `redis://[USER][:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://…` for TLS, or
 * `unix:PATH`, which has none.
 *
 * @throws an `OptionError` where it is none of them; the message does not quote it
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
  if (socketPath(url) !== null) return { uri: url, credentials: {} }
  const forms = 'redis://[USER][:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… or unix:PATH'
  const parsed = redisUrl('url', url, forms)
  const { username, password } = parsed
  parsed.username = parsed.password = ''
  return {
    uri: parsed.href,
    credentials: {
      ...(username !== '' && { username: decoded(username) }),
      ...(password !== '' && { password: decoded(password) }),
    },
  }
}

/** The path of a `unix:` address, `null` for another one. */
export function socketPath(uri: string): string | null {
  return /^unix:(.+)/.exec(uri)?.[1] ?? null
}

/** @throws an `OptionError` that says it must be `forms`, without quoting it, unless this is the URL of a Redis */
export function redisUrl(field: string, text: string, forms: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  const isRedis = url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== ''
  if (!isRedis || !/^\/?\d*$/.test(url.pathname + url.search + url.hash)) {
    throw new OptionError(field, forms, '(not shown)')
  }
  return url
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new OptionError('url', 'percent-encoded: a % of a name or password is written %25', '(not shown)')
  }
}
