import type { Millis } from '../end.js'
import type { Timer } from './types.js'

/** Shares one repeating timer among all who sweep at the same interval. */
export class SweepWheel {
  readonly #start: (ms: Millis, tick: () => void) => () => void
  readonly #now: () => Millis
  readonly #rings = new Map<
    Millis,
    { readonly entries: Set<(now: Millis) => void>; readonly stop: () => void }
  >()

  /** @param start - starts a repeating call and returns what stops it */
  constructor(now: () => Millis, start: (ms: Millis, tick: () => void) => () => void) {
    this.#now = now
    this.#start = start
  }

  add(ms: Millis, fn: (now: Millis) => void): Timer {
    const entry = (now: Millis): void => fn(now)
    let ring = this.#rings.get(ms)
    if (ring === undefined) {
      const entries = new Set<(now: Millis) => void>()
      const tick = (): void => {
        const now = this.#now()
        // Who is added meanwhile, perhaps by a sweep, has its turn at the next tick.
        let left = entries.size
        for (const each of entries) {
          if (left === 0) break
          left -= 1
          each(now)
        }
      }
      ring = { entries, stop: this.#start(ms, tick) }
      this.#rings.set(ms, ring)
    }
    const { entries, stop } = ring
    entries.add(entry)
    const timer: Timer = {
      cancel: () => {
        if (!entries.delete(entry) || entries.size > 0) return
        stop()
        this.#rings.delete(ms)
      },
      unref: () => timer,
    }
    return timer
  }
}
