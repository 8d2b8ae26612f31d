import { Buffer } from 'node:buffer'
import { NegentropyItems } from './items.js'
import { sortedOrder } from './sorted-order.js'
import { copiedTimes, fits, isWide, type TimeColumn } from './time-column.js'

const idBytes = 32
/** Items are kept for long: room that is left over is worth a copy from this part of theirs on. */
const mostUnusedPart = 16

/** From pairs in any order, ids in hex. Of equal pairs one stays. */
export function negentropyItems(pairs: Iterable<readonly [timestamp: number, id: string]>): NegentropyItems {
  const builder = new NegentropyBuilder()
  for (const [timestamp, id] of pairs) builder.add(timestamp, Buffer.from(id, 'hex'))
  return builder.build()
}

/** Collects pairs in any order and sorts them once. */
export class NegentropyBuilder {
  #times: TimeColumn
  #ids: Buffer
  #size = 0

  /** @param expected - how many there will be, if that is known */
  constructor(expected = 1024) {
    const capacity = Math.max(expected, 1)
    this.#times = new Uint32Array(capacity)
    this.#ids = Buffer.allocUnsafeSlow(capacity * idBytes)
  }

  /** How many pairs were added. */
  get size(): number {
    return this.#size
  }

  /** Adds a pair. @param id - 32 bytes, which are copied */
  add(timestamp: number, id: Uint8Array): void {
    if (this.#size === this.#times.length) this.#resize(2 * this.#size)
    if (!fits(timestamp) && !isWide(this.#times))
      this.#times = copiedTimes(this.#times, this.#times.length, true)
    this.#times[this.#size] = timestamp
    this.#ids.set(id, this.#size * idBytes)
    this.#size++
  }

  /** @returns the items; the builder must not be used afterwards */
  build(): NegentropyItems {
    const order = sortedOrder(this.#times, this.#ids, this.#size)
    if (order !== null) this.#permute(order)
    this.#dropDuplicates()
    if (this.#times.length - this.#size > this.#size / mostUnusedPart) this.#resize(this.#size)
    const { buffer, byteOffset, length } = this.#ids
    // Not a Buffer: views of those are twice as dear.
    return NegentropyItems.fromColumns(this.#times, new Uint8Array(buffer, byteOffset, length), this.#size)
  }

  /** In place, cycle by cycle: the columns are what is large here. */
  #permute(order: Uint32Array): void {
    const id = Buffer.allocUnsafe(idBytes)
    for (let start = 0; start < this.#size; start++) {
      if (order[start] === start) continue
      const time = this.#times[start] ?? 0
      this.#ids.copy(id, 0, start * idBytes, (start + 1) * idBytes)
      let to = start
      for (let from = order[to] ?? 0; from !== start; from = order[to] ?? 0) {
        this.#times[to] = this.#times[from] ?? 0
        this.#ids.copyWithin(to * idBytes, from * idBytes, (from + 1) * idBytes)
        order[to] = to
        to = from
      }
      this.#times[to] = time
      this.#ids.set(id, to * idBytes)
      order[to] = to
    }
  }

  #dropDuplicates(): void {
    let kept = 0
    for (let index = 0; index < this.#size; index++) {
      const offset = index * idBytes
      const last = (kept - 1) * idBytes
      if (
        kept > 0 &&
        this.#times[kept - 1] === this.#times[index] &&
        this.#ids.compare(this.#ids, last, last + idBytes, offset, offset + idBytes) === 0
      )
        continue
      if (kept !== index) {
        this.#times[kept] = this.#times[index] ?? 0
        this.#ids.copyWithin(kept * idBytes, offset, offset + idBytes)
      }
      kept++
    }
    this.#size = kept
  }

  #resize(capacity: number): void {
    this.#times = copiedTimes(this.#times, capacity, isWide(this.#times))
    const ids = Buffer.allocUnsafeSlow(capacity * idBytes)
    this.#ids.copy(ids)
    this.#ids = ids
  }
}
