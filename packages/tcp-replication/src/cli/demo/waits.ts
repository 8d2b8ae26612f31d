import type { Clock, Millis } from '@holdfast/core'
import { showUntil, showWithin } from '@holdfast/core/service'

/** How long anything of the demonstration may take, on a busy machine too. */
const patience: Millis = 60_000

/** Waits until something is so, but not for ever. Returns how long it took. */
export function until(clock: Clock, what: string, isMet: () => boolean): Promise<Millis> {
  return showUntil(clock, isMet, patience, what)
}

/** Waits for a promise, but not for ever. */
export function within<T>(clock: Clock, what: string, promise: PromiseLike<T>): Promise<T> {
  return showWithin(clock, promise, patience, what)
}

const pollEvery: Millis = 10

/** What {@link untilNoticed} measured, in milliseconds. */
export interface Noticed {
  readonly after: Millis
  /** By when it had to be. */
  readonly atMost: Millis
}

/**
 * Waits until a silence is noticed. That may take a quarter longer than the silence itself, and as long again as our
 * own loop stood still meanwhile, because what it did not get round to hear is held against nobody.
 */
export async function untilNoticed(
  clock: Clock,
  what: string,
  silence: Millis,
  isMet: () => boolean,
): Promise<Noticed> {
  let seen = clock.now()
  let stoodStill: Millis = 0
  const after = await until(clock, what, () => {
    const now = clock.now()
    stoodStill += Math.max(0, now - seen - pollEvery)
    seen = now
    return isMet()
  })
  return { after, atMost: silence * 1.25 + stoodStill }
}
