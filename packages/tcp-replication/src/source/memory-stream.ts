import type { Budget, WallStamp } from '@holdfast/core'
import { PageFill } from './page-fill.js'
import { bytesOfAscii, firstIndex, Slab } from './slab.js'
import type { RowBatch, SourcePage } from './types.js'

const leastSlab = 4096
/** Read as one string, more than about twice as much would be too large for V8's young generation. */
const mostSlab = 64 * 1024

/** One stream in memory: batches in slabs, the oldest of which is let go when all of its batches have been. */
export class MemoryStream {
  /** Newest position. */
  head = 0
  /** Reading from here on is complete. */
  first = 0
  /** None without a batch that is held. */
  #slabs: Slab[] = []
  /** The last one that was let go: where as much comes as goes, it is filled anew. */
  #spare: Slab | undefined
  #bytes = 0
  #rows = 0

  /** @param batch - of rows in ASCII */
  push(batch: RowBatch, at: WallStamp): void {
    const bytes = bytesOfAscii(batch.rows)
    let slab = this.#slabs.at(-1)
    if (slab === undefined || slab.room < bytes) {
      slab = this.#emptySlab(bytes)
      this.#slabs.push(slab)
    }
    slab.push(batch, at)
    this.#bytes += bytes
    this.#rows += batch.rows.length
    this.head = batch.token
  }

  /** Starts over at `to`: what is above it is gone; after a jump upwards nothing below it is held either. */
  reset(to: number): void {
    if (to > this.head) {
      this.first = to
      this.#slabs = []
      this.#bytes = this.#rows = 0
    }
    for (let slab = this.#slabs.at(-1); slab !== undefined; slab = this.#slabs.at(-1)) {
      if (slab.newest <= to) break
      this.#forget(slab, slab.end - 1)
      slab.pop()
      if (slab.start === slab.end) this.#slabs.pop()
    }
    this.first = Math.min(this.first, to)
    this.head = to
  }

  /** Lets the oldest batches go until what is left fits. The newest one stays, unless it is too old. */
  trim({ bytes, count = Infinity, age = Infinity }: Budget, now: WallStamp): void {
    for (let slab = this.#slabs[0]; slab !== undefined; slab = this.#slabs[0]) {
      const oldest = slab.start
      const token = slab.tokenOf(oldest)
      const tooMuch = token < this.head && (this.#bytes > bytes || this.#rows > count)
      if (!tooMuch && now - slab.stampOf(oldest) <= age) return
      this.first = token
      this.#forget(slab, oldest)
      slab.start += 1
      if (slab.start < slab.end) continue
      this.#slabs.shift()
      // One that a large batch had made is not kept.
      if (slab.size <= mostSlab) this.#spare = slab
    }
  }

  read(after: number, upTo: number, limit: Budget): SourcePage | 'too-old' {
    if (after < this.first) return 'too-old'
    const reach = Math.min(upTo, this.head)
    if (reach <= after) return { batches: [], to: after }
    const page = new PageFill(limit)
    const slabs = this.#slabs
    let at = firstIndex(0, slabs.length, (index) => (slabs[index]?.newest ?? 0) > after)
    for (let slab = slabs[at]; slab !== undefined; slab = slabs[++at]) {
      const begin = slab.indexAfter(after)
      const end = slab.indexAfter(reach)
      let index = begin
      while (index < end && page.reserve(slab.rowsOf(index), slab.bytesOf(index))) index += 1
      for (const batch of slab.read(begin, index)) page.batches.push(batch)
      if (index < end) return { batches: page.batches, to: page.last ?? after }
      if (end < slab.end) break
    }
    return { batches: page.batches, to: reach }
  }

  #emptySlab(bytes: number): Slab {
    const spare = this.#spare
    this.#spare = undefined
    // As much again as is held: who holds little takes little.
    const size = Math.max(bytes, leastSlab, Math.min(this.#bytes, mostSlab))
    if (spare === undefined || spare.size < size) return new Slab(size)
    spare.clear()
    return spare
  }

  #forget(slab: Slab, index: number): void {
    this.#bytes -= slab.bytesOf(index)
    this.#rows -= slab.rowsOf(index)
  }
}
