/** Something that a {@link TimerHeap} orders: by time, then by arrival. */
export interface Queued {
  readonly at: number
  readonly order: number
  /** Where the heap holds it; -1 while it does not. */
  index: number
}

/** A binary heap whose entries know their place, so that any of them can be taken out again. */
export class TimerHeap<T extends Queued> {
  readonly #entries: T[] = []

  /** The entry that is due first; it stays. */
  get first(): T | undefined {
    return this.#entries[0]
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#entries[Symbol.iterator]()
  }

  add(entry: T): void {
    this.#put(entry, this.#entries.length)
    this.#rise(entry)
  }

  /** @returns whether it was there */
  remove(entry: T): boolean {
    const { index } = entry
    if (index < 0) return false
    entry.index = -1
    const last = this.#entries.pop()
    if (last !== undefined && last !== entry) {
      this.#put(last, index)
      this.#rise(last)
      this.#sink(last)
    }
    return true
  }

  #put(entry: T, index: number): void {
    entry.index = index
    this.#entries[index] = entry
  }

  #rise(entry: T): void {
    for (let { index } = entry; index > 0; { index } = entry) {
      const above = (index - 1) >> 1
      const parent = this.#entries[above]
      if (parent === undefined || isBefore(parent, entry)) return
      this.#put(parent, index)
      this.#put(entry, above)
    }
  }

  #sink(entry: T): void {
    for (;;) {
      const { index } = entry
      const left = this.#entries[2 * index + 1]
      const right = this.#entries[2 * index + 2]
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left
      if (child === undefined || isBefore(entry, child)) return
      const below = child.index
      this.#put(child, index)
      this.#put(entry, below)
    }
  }
}

function isBefore(a: Queued, b: Queued): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
