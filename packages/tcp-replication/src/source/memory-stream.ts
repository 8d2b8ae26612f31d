import type { Budget, WallStamp } from '@holdfast/core'
import { PageFill } from './page-fill.js'
import type { RowBatch, SourcePage } from './types.js'

interface Entry {
  readonly batch: RowBatch
  readonly bytes: number
  readonly at: WallStamp
}

/** One stream in memory: an array of batches whose beginning moves as old ones are let go. */
export class MemoryStream {
  /** Newest position. */
  head = 0
  /** Reading from here on is complete. */
  first = 0
  #entries: Entry[] = []
  /** How many entries at the beginning of the array have been let go. */
  #start = 0
  #bytes = 0
  #rows = 0

  push(batch: RowBatch, bytes: number, at: WallStamp): void {
    this.#entries.push({ batch, bytes, at })
    this.#bytes += bytes
    this.#rows += batch.rows.length
    this.head = batch.token
  }

  /** Starts over at `to`: what is above it is gone; after a jump upwards nothing below it is held either. */
  reset(to: number): void {
    if (to > this.head) {
      this.first = to
      this.#letGo(this.#entries.length)
    }
    const end = this.#indexAfter(to)
    for (const entry of this.#entries.splice(end)) this.#forget(entry)
    this.first = Math.min(this.first, to)
    this.head = to
  }

  /** Lets the oldest batches go until what is left fits. The newest one stays, unless it is too old. */
  trim({ bytes, count = Infinity, age = Infinity }: Budget, now: WallStamp): void {
    for (;;) {
      const oldest = this.#entries[this.#start]
      if (oldest === undefined) return
      const isNewest = this.#start === this.#entries.length - 1
      const tooMuch = !isNewest && (this.#bytes > bytes || this.#rows > count)
      if (!tooMuch && now - oldest.at <= age) return
      this.first = oldest.batch.token
      this.#letGo(this.#start + 1)
    }
  }

  read(after: number, upTo: number, limit: Budget): SourcePage | 'too-old' {
    if (after < this.first) return 'too-old'
    const reach = Math.min(upTo, this.head)
    if (reach <= after) return { batches: [], to: after }
    const page = new PageFill(limit)
    for (let i = this.#indexAfter(after); i < this.#entries.length; i++) {
      const entry = this.#entries[i]
      if (entry === undefined || entry.batch.token > reach) break
      if (!page.add(entry.batch, entry.bytes)) return { batches: page.batches, to: page.last ?? after }
    }
    return { batches: page.batches, to: reach }
  }

  /** Lets go of everything before an index. */
  #letGo(end: number): void {
    for (; this.#start < end; this.#start += 1) {
      const entry = this.#entries[this.#start]
      if (entry !== undefined) this.#forget(entry)
    }
    // Halving keeps the cost of moving the rest constant for each batch let go.
    if (this.#start > 32 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start)
      this.#start = 0
    }
  }

  #forget({ batch, bytes }: Entry): void {
    this.#bytes -= bytes
    this.#rows -= batch.rows.length
  }

  /** Index of the first batch above `after`. */
  #indexAfter(after: number): number {
    let low = this.#start
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.#entries[middle]
      if (entry !== undefined && entry.batch.token <= after) low = middle + 1
      else high = middle
    }
    return low
  }
}
