import type { Millis } from './end.js'
import { OptionError } from './errors.js'

/** The bound of a buffer. Bytes always, because a count alone bounds nothing when the peer chooses the sizes. */
export interface Budget {
  readonly bytes: number
  readonly count?: number
  /** How long the oldest entry may stay. */
  readonly age?: Millis
}

/** @throws an {@link OptionError} that names the field when a bound is missing or not positive */
export function checkBudget(field: string, budget: Budget): void {
  positive(`${field}.bytes`, budget.bytes)
  if (budget.count !== undefined) positive(`${field}.count`, budget.count)
  if (budget.age !== undefined) positive(`${field}.age`, budget.age)
}

/** @throws an {@link OptionError} unless `value` is a number above 0 */
export function positive(field: string, value: unknown): void {
  if (!(typeof value === 'number' && value > 0)) throw new OptionError(field, 'a number above 0', value)
}

/** @throws an {@link OptionError} unless `value` is a whole number of at least `least` */
export function whole(field: string, value: unknown, least: number): void {
  if (!(Number.isSafeInteger(value) && (value as number) >= least))
    throw new OptionError(field, `a whole number of at least ${least}`, value)
}

/** A wait that may come from a peer or from arithmetic: what is not a number above 0 is no wait. */
export function wait(ms: Millis): Millis {
  return ms > 0 ? ms : 0
}

/** @throws an {@link OptionError} unless `owner` has the method that `path` ends in, such as `env.clock.now` */
export function hasMethod(path: string, owner: unknown): void {
  callable(
    path,
    (owner as Record<string, unknown> | null | undefined)?.[path.slice(path.lastIndexOf('.') + 1)],
  )
}

/** @throws an {@link OptionError} unless `value` is a function */
export function callable(field: string, value: unknown): void {
  if (typeof value !== 'function') throw new OptionError(field, 'a function', value)
}
