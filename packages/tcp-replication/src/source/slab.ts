import { Buffer } from 'node:buffer'
import type { WallStamp } from '@holdfast/core'
import type { RowBatch } from './types.js'

const lineFeed = 0x0a

/** Size of a batch of rows in ASCII: each row with its line feed. */
export function bytesOfAscii(rows: readonly string[]): number {
  let bytes = rows.length
  for (const row of rows) bytes += row.length
  return bytes
}

/** The first index from `low` up to below `high` for which it is so, as for all after it; `high` if there is none. */
export function firstIndex(low: number, high: number, isSo: (index: number) => boolean): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isSo(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * Consecutive batches whose rows lie in one piece of memory outside of the heap: what is held as strings is moved
 * and marked by the garbage collector time and again, which takes longer than making it.
 */
export class Slab {
  /** Index of the first batch that is still held. */
  start = 0
  readonly #text: Buffer
  readonly #tokens: number[] = []
  readonly #ends: number[] = []
  readonly #rowCounts: number[] = []
  readonly #stamps: WallStamp[] = []
  /** Index after the last batch. What the lists hold from there on is void. */
  #end = 0

  constructor(bytes: number) {
    // Not from Node's pool: a piece of it would keep all of the pool alive.
    this.#text = Buffer.allocUnsafeSlow(bytes)
  }

  /** Index after the last batch. */
  get end(): number {
    return this.#end
  }

  /** Bytes that it takes when it is empty. */
  get size(): number {
    return this.#text.length
  }

  /** Bytes that still fit. */
  get room(): number {
    return this.size - this.#beginOf(this.#end)
  }

  /** Token of the newest batch. */
  get newest(): number {
    return this.tokenOf(this.#end - 1)
  }

  tokenOf(index: number): number {
    return this.#tokens[index] ?? Infinity
  }

  rowsOf(index: number): number {
    return this.#rowCounts[index] ?? 0
  }

  /** When the batch was pushed. */
  stampOf(index: number): WallStamp {
    return this.#stamps[index] ?? 0
  }

  bytesOf(index: number): number {
    return this.#beginOf(index + 1) - this.#beginOf(index)
  }

  /** Adds a batch of rows in ASCII for which there is room. */
  push({ token, rows }: RowBatch, at: WallStamp): void {
    let end = this.#beginOf(this.#end)
    for (const row of rows) {
      end += this.#text.write(row, end, 'latin1')
      this.#text[end] = lineFeed
      end += 1
    }
    this.#tokens[this.#end] = token
    this.#ends[this.#end] = end
    this.#rowCounts[this.#end] = rows.length
    this.#stamps[this.#end] = at
    this.#end += 1
  }

  /** Takes the last batch away. */
  pop(): void {
    this.#end -= 1
  }

  /** Takes all batches away. */
  clear(): void {
    this.start = this.#end = 0
  }

  /** Index of the first batch that is held and above a position. */
  indexAfter(token: number): number {
    return firstIndex(this.start, this.#end, (index) => this.tokenOf(index) > token)
  }

  /** Makes the batches from one index up to another. Their rows are slices of one string. */
  read(from: number, to: number): RowBatch[] {
    const offset = this.#beginOf(from)
    const text = this.#text.toString('latin1', offset, this.#beginOf(to))
    const batches: RowBatch[] = []
    for (let index = from; index < to; index += 1) {
      const rows = text.slice(this.#beginOf(index) - offset, this.#beginOf(index + 1) - offset - 1)
      batches.push({ token: this.tokenOf(index), rows: this.rowsOf(index) === 1 ? [rows] : rows.split('\n') })
    }
    return batches
  }

  #beginOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }
}
