import { positive } from '../budget.js'
import type { Millis } from '../end.js'
import { OptionError } from '../errors.js'
import type { Backoff } from './types.js'

/** Options of {@link fullJitter}. */
export interface FullJitterOptions {
  /**
   * No delay is shorter.
   *
   * @defaultValue 100
   */
  readonly floor?: Millis
  /**
   * The longest delay after the first end; it doubles with each further one.
   *
   * @defaultValue 1000
   */
  readonly base?: Millis
  /**
   * No delay is longer. The jitter is drawn after the cap, so that delays at the cap are spread as well.
   *
   * @defaultValue 30000
   */
  readonly cap?: Millis
}

/**
 * Full jitter over a floor: uniform between `floor` and `base · 2^attempt`, capped. With advice `now`, uniform
 * between `floor` and twice it.
 *
 * @throws an `OptionError` unless 0 < floor ≤ base ≤ cap
 * @example
 * ```ts
 * import { end, fullJitter } from '@holdfast/core'
 *
 * const backoff = fullJitter({ floor: 100, base: 1000, cap: 30_000 })
 * const reached = { phase: 'dialing', lasted: 5, sinceReady: null } as const
 * const context = { previous: 0, why: end('dial-failed'), reached, random: () => 0.5 }
 * backoff({ ...context, attempt: 0 }) // => 550
 * backoff({ ...context, attempt: 9 }) // => 15_050
 * ```
 */
export function fullJitter(options: FullJitterOptions = {}): Backoff {
  const { floor = 100, base = 1000, cap = 30_000 } = options
  positive('backoff.floor', floor)
  if (!(base >= floor)) throw new OptionError('backoff.base', `at least the floor, ${floor}`, base)
  if (!(cap >= base)) throw new OptionError('backoff.cap', `at least the base, ${base}`, cap)
  return (context) => {
    const { attempt, why } = context
    const top = why.advice.kind === 'now' ? Math.min(2 * floor, cap) : Math.min(base * 2 ** attempt, cap)
    return floor + context.random() * (top - floor)
  }
}
