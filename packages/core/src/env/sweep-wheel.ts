import type { Millis } from '../end.js'
import type { Timer } from './types.js'

/** Shares one repeating timer among all who sweep at the same interval. */
export class SweepWheel {
  readonly #start: (ms: Millis, tick: () => void) => () => void
  readonly #now: () => Millis
  readonly #rings = new Map<Millis, Ring>()

  /** @param start - starts a repeating call and returns what stops it */
  constructor(now: () => Millis, start: (ms: Millis, tick: () => void) => () => void) {
    this.#now = now
    this.#start = start
  }

  /** Calls `fn` every `ms`, until cancelled. */
  add(ms: Millis, fn: (now: Millis) => void): Timer {
    let ring = this.#rings.get(ms)
    if (ring === undefined) {
      const entries = new Set<Sweep>()
      const stopTimer = this.#start(ms, () => tick(entries, this.#now()))
      const stop = (): void => {
        stopTimer()
        this.#rings.delete(ms)
      }
      ring = { entries, stop }
      this.#rings.set(ms, ring)
    }
    return new Sweep(ring, fn)
  }
}

interface Ring {
  readonly entries: Set<Sweep>
  readonly stop: () => void
}

function tick(entries: ReadonlySet<Sweep>, now: Millis): void {
  // Who is added meanwhile, perhaps by a sweep, has its turn at the next tick.
  let left = entries.size
  for (const each of entries) {
    if (left === 0) break
    left -= 1
    each.fn(now)
  }
}

class Sweep implements Timer {
  readonly #ring: Ring
  readonly fn: (now: Millis) => void

  constructor(ring: Ring, fn: (now: Millis) => void) {
    this.#ring = ring
    this.fn = fn
    ring.entries.add(this)
  }

  cancel(): void {
    const { entries, stop } = this.#ring
    if (entries.delete(this) && entries.size === 0) stop()
  }

  unref(): Timer {
    return this
  }
}
