import type { Millis } from '../end.js'
import type { Clock, Timer } from '../env/types.js'

/** The timers of a link, which go when it does: what is started later never runs. */
export class LinkTimers {
  readonly #clock: Clock
  readonly #running = new Set<Timer>()
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `fn` once. */
  after(ms: Millis, fn: () => void): Timer {
    const timer: Timer = this.#keep(
      this.#clock.after(ms, () => {
        this.#running.delete(timer)
        fn()
      }),
    )
    return timer
  }

  /** Calls `fn` every `ms`, on the shared wheel. */
  sweep(ms: Millis, fn: () => void): Timer {
    return this.#keep(this.#clock.sweep(ms, fn))
  }

  /** The link is over. */
  cancel(): void {
    this.#isOver = true
    for (const timer of this.#running) timer.cancel()
  }

  #keep(inner: Timer): Timer {
    const timer: Timer = {
      cancel: () => {
        this.#running.delete(timer)
        inner.cancel()
      },
      unref: () => {
        inner.unref()
        return timer
      },
    }
    if (this.#isOver) inner.cancel()
    else this.#running.add(timer)
    return timer
  }
}
