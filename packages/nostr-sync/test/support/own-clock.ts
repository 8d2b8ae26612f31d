import type { Clock, Disturbance, Mark, Millis, Off, Timer, WallStamp } from '@holdfast/core'

/** A host's own clock on the wall: all hosts of a test share the passing of time, and each may be wrong about the date. */
export class OwnClock implements Clock {
  readonly #shared: Clock
  readonly #watchers = new Set<(d: Disturbance) => void>()
  #ahead: Millis = 0

  constructor(shared: Clock) {
    this.#shared = shared
  }

  /** Sets civil time: so far ahead of what is right. */
  setAhead(ms: Millis): void {
    const by = ms - this.#ahead
    this.#ahead = ms
    for (const fn of [...this.#watchers]) fn({ kind: 'wall-step', by })
  }

  now(): Millis {
    return this.#shared.now()
  }

  wall(): WallStamp {
    return this.#shared.wall() + this.#ahead
  }

  mark(): Mark {
    return this.#shared.mark()
  }

  since(mark: Mark): Millis {
    return this.#shared.since(mark)
  }

  after(ms: Millis, fn: () => void): Timer {
    return this.#shared.after(ms, fn)
  }

  sweep(ms: Millis, fn: (now: Millis) => void): Timer {
    return this.#shared.sweep(ms, fn)
  }

  onDisturbance(fn: (d: Disturbance) => void): Off {
    this.#watchers.add(fn)
    return () => void this.#watchers.delete(fn)
  }
}
