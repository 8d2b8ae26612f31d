import type { Clock, Millis } from '@holdfast/core'
import { showUntil, showWithin } from '@holdfast/core/service'

/** How long anything of the demonstration may take, on a busy machine too. */
const patience: Millis = 30_000

/** Waits until something is so, but not for ever. Returns how long it took. */
export function until(clock: Clock, what: string, isMet: () => boolean): Promise<Millis> {
  return showUntil(clock, isMet, patience, what)
}

/** Waits for a promise, but not for ever. */
export function within<T>(clock: Clock, what: string, promise: PromiseLike<T>): Promise<T> {
  return showWithin(clock, promise, patience, what)
}
