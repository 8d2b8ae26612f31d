import type { Budget } from '@holdfast/core'
import type { RowBatch } from './types.js'

/** Collects the batches of one page until its limit is reached. */
export class PageFill {
  readonly batches: RowBatch[] = []
  readonly #limit: Budget
  #bytes = 0
  #rows = 0

  constructor(limit: Budget) {
    this.#limit = limit
  }

  /** The token of the last batch taken. */
  get last(): number | undefined {
    return this.batches.at(-1)?.token
  }

  /** @returns whether the batch was taken; the first one always is, or a reader could not get past it */
  add(batch: RowBatch, bytes: number): boolean {
    if (!this.reserve(batch.rows.length, bytes)) return false
    this.batches.push(batch)
    return true
  }

  /** Takes the room of a batch that the caller will put there later: returns as {@link add} does. */
  reserve(rows: number, bytes: number): boolean {
    const { bytes: maxBytes, count: maxRows = Infinity } = this.#limit
    const isFirst = this.#rows === 0
    this.#bytes += bytes
    this.#rows += rows
    return isFirst || (this.#bytes <= maxBytes && this.#rows <= maxRows)
  }
}
