import type { Budget, FeedPage } from '@holdfast/core'
import type { NostrEvent } from '../wire/event.js'

/** A saved event with its JSON, which is written once, however many clients it goes to. */
export interface SavedEvent {
  readonly event: NostrEvent
  readonly json: string
}

/** The last events that were saved, in the order of saving, for subscriptions to follow. Positions count from the start. */
export class SavedLog {
  readonly #maxChars: number
  #saved: SavedEvent[] = []
  /** Position before the first that is kept. */
  #floor = 0
  #chars = 0

  /** @param maxChars - of JSON; the oldest go first */
  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  /** Position behind the newest. */
  get head(): number {
    return this.#floor + this.#saved.length
  }

  add(event: NostrEvent): SavedEvent {
    const saved = { event, json: JSON.stringify(event) }
    this.#saved.push(saved)
    this.#chars += saved.json.length
    // In parts: taking each single one off the front would move all the others.
    if (this.#chars > this.#maxChars) this.#trim()
    return saved
  }

  read(
    after: number,
    upTo: number,
    { bytes, count = Infinity }: Budget,
  ): FeedPage<number, SavedEvent> | 'too-old' {
    if (after < this.#floor) return 'too-old'
    const items: SavedEvent[] = []
    let chars = 0
    for (let at = after; at < upTo && items.length < count; at++) {
      const item = this.#saved[at - this.#floor]
      if (item === undefined || (chars > 0 && chars + item.json.length > bytes)) break
      items.push(item)
      chars += item.json.length
    }
    return { items, to: after + items.length }
  }

  #trim(): void {
    let dropped = 0
    while (this.#chars > this.#maxChars / 2 && dropped < this.#saved.length - 1)
      this.#chars -= this.#saved[dropped++]?.json.length ?? 0
    this.#saved = this.#saved.slice(dropped)
    this.#floor += dropped
  }
}
