import type { Off } from '@holdfast/core'

/** One entry's place in a {@link Backlog}. */
export interface BacklogPlace {
  readonly chars: number
  readonly serial: number
}

/**
 * Counts what waits for a decision. Full once a bound is reached, and until half of it is free again, so that senders are
 * not stopped and started for each event.
 */
export class Backlog {
  readonly #maxEntries: number
  readonly #maxChars: number
  readonly #listeners = new Set<() => void>()
  #waiters: { readonly serial: number; left: number; readonly resolve: () => void }[] = []
  #size = 0
  #chars = 0
  #serial = 0
  #isFull = false

  constructor(maxEntries: number, maxChars: number) {
    this.#maxEntries = maxEntries
    this.#maxChars = maxChars
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#isFull
  }

  enter(chars: number): BacklogPlace {
    this.#size++
    this.#chars += chars
    if (this.#size >= this.#maxEntries || this.#chars >= this.#maxChars) this.#isFull = true
    return { chars, serial: this.#serial++ }
  }

  leave({ chars, serial }: BacklogPlace): void {
    this.#size--
    this.#chars -= chars
    if (this.#waiters.length > 0) this.#tellWaiters(serial)
    if (!this.#isFull || this.#size > this.#maxEntries / 2 || this.#chars > this.#maxChars / 2) return
    this.#isFull = false
    for (const listener of [...this.#listeners]) listener()
  }

  onRoom(listener: () => void): Off {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Whatever has entered until now has left. */
  settled(): Promise<void> {
    if (this.#size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ serial: this.#serial, left: this.#size, resolve }))
  }

  #tellWaiters(serial: number): void {
    for (const waiter of this.#waiters) if (serial < waiter.serial && --waiter.left === 0) waiter.resolve()
    this.#waiters = this.#waiters.filter(({ left }) => left > 0)
  }
}
