import type { Millis } from '@holdfast/core'

/** Who checks no signatures may have got a few forged events from others; so many within a minute are its own doing. */
export const forgedTolerance = 100

const strikeWindow: Millis = 60_000

/** Counts offences (R64): the third within a minute, unless told otherwise, is reason to leave. */
export class Strikes {
  readonly #most: number
  #recent: Millis[] = []

  constructor(most = 3) {
    this.#most = most
  }

  /** @param now - of a monotonic clock. @returns whether to disconnect */
  note(now: Millis): boolean {
    this.#recent = [...this.#recent.filter((at) => now - at < strikeWindow), now].slice(-this.#most)
    return this.#recent.length >= this.#most
  }
}
