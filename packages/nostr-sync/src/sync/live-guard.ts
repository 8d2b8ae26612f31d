import type { Millis } from '@holdfast/core'

/** From so many stored events on a live subscription on, the relay takes a limit of 0 for none (R37). */
export const limitZeroTolerance = 1000

const strikes = 3
const strikeWindow: Millis = 60_000

/** Counts events that nobody asked for (R64): the third within a minute is reason to leave. */
export class UnsolicitedEvents {
  #recent: Millis[] = []

  /** @param now - of a monotonic clock. @returns whether to disconnect */
  note(now: Millis): boolean {
    this.#recent = [...this.#recent.filter((at) => now - at < strikeWindow), now].slice(-strikes)
    return this.#recent.length >= strikes
  }
}
