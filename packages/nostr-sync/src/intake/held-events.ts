import type { WallStamp } from '@holdfast/core'
import type { NostrEvent } from '../wire/event.js'

interface Held {
  readonly event: NostrEvent
  readonly needs: string
  readonly chars: number
  readonly at: WallStamp
}

/** Bounds of `HeldEvents`. */
export interface HeldEventsOptions {
  /**
   * How long an event waits for what it needs, in milliseconds.
   *
   * @defaultValue 1800000
   */
  readonly forMs?: number
  /**
   * Characters of all that wait; the oldest go first.
   *
   * @defaultValue 16777216
   */
  readonly maxChars?: number
}

/** Events that the policy keeps aside until something is there (R76). Bounded in time and size. */
export class HeldEvents {
  readonly #forMs: number
  readonly #maxChars: number
  /** The oldest first. */
  readonly #held = new Map<string, Held>()
  #chars = 0

  constructor({ forMs = 1_800_000, maxChars = 16 * 1024 * 1024 }: HeldEventsOptions = {}) {
    this.#forMs = forMs
    this.#maxChars = maxChars
  }

  get size(): number {
    return this.#held.size
  }

  has(id: string): boolean {
    return this.#held.has(id)
  }

  add(event: NostrEvent, needs: string, at: WallStamp): void {
    this.#drop(event.id)
    const chars = JSON.stringify(event).length
    this.#held.set(event.id, { event, needs, chars, at })
    this.#chars += chars
    for (const id of this.#held.keys()) {
      if (this.#chars <= this.#maxChars) break
      this.#drop(id)
    }
  }

  /** Takes out what waits for this. */
  take(needs: string): NostrEvent[] {
    const found = [...this.#held.values()].filter((held) => held.needs === needs).map(({ event }) => event)
    for (const { id } of found) this.#drop(id)
    return found
  }

  /** Lets go of what has waited for too long. To be called every minute. */
  sweep(now: WallStamp): void {
    for (const [id, { at }] of this.#held) {
      if (now - at <= this.#forMs) break
      this.#drop(id)
    }
  }

  #drop(id: string): void {
    this.#chars -= this.#held.get(id)?.chars ?? 0
    this.#held.delete(id)
  }
}
