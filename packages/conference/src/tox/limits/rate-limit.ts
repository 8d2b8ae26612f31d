import type { Millis } from '@holdfast/core'

/** So many a second, and so many at once after a rest. */
export class RateLimit {
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #at: Millis | null = null

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
  }

  /** Whether one more may be done now; if so, it counts as done. */
  take(now: Millis): boolean {
    const passed = this.#at === null ? 0 : Math.max(0, now - this.#at)
    this.#at = now
    this.#left = Math.min(this.#burst, this.#left + (passed / 1000) * this.#perSecond)
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
