import type { WallStamp } from '@holdfast/core'

/** How often and until when a relay wanted quiet. Plain data, of civil time. */
export interface RateLimit {
  readonly until: WallStamp
  readonly lastHit: WallStamp
  readonly coolDown: number
}

/** Options of {@link rateLimitHit}, in milliseconds. */
export interface RateLimitOptions {
  /** @defaultValue 65000 */
  readonly coolDown?: number
  /** @defaultValue 900000 */
  readonly longest?: number
  /**
   * A hit within this time of the one before doubles the cool-down.
   *
   * @defaultValue 600000
   */
  readonly memory?: number
}

/**
 * The relay has complained (R84). Complaints during a cool-down belong to what was sent before it, and only begin it anew.
 *
 * @param retryAfter - what the relay itself asks for, in milliseconds (R83)
 */
export function rateLimitHit(
  before: RateLimit | null,
  now: WallStamp,
  options: RateLimitOptions = {},
  retryAfter = 0,
): RateLimit {
  const { coolDown: least = 65_000, longest = 900_000, memory = 600_000 } = options
  const isSecond = before !== null && now >= before.until && now - before.lastHit <= memory
  const isStillOn = before !== null && now < before.until
  const grown = isSecond ? Math.min(2 * before.coolDown, longest) : isStillOn ? before.coolDown : least
  const coolDown = Math.min(Math.max(grown, retryAfter), longest)
  return { until: Math.max(now + coolDown, before?.until ?? 0), lastHit: now, coolDown }
}

/** A hit further ahead than this is one of before the clock was set back. */
const clockTolerance = 60_000

/**
 * Whether nothing new may be sent: no subscriptions, pages or retries. Live subscriptions stay. A complaint of the future is
 * none: the clock was set back, and nobody knows when the quiet would be over.
 */
export function isRateLimited(limit: RateLimit | null, now: WallStamp): boolean {
  return limit !== null && now < limit.until && limit.lastHit - now <= clockTolerance
}
