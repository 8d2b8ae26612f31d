import { Buffer } from 'node:buffer'
import { IdSum, lanes } from './id-sum.js'
import { type Bound, lowestBound } from './message.js'
import { copiedTimes, fits, isWide, type TimeColumn } from './time-column.js'

const idBytes = 32
/** Ids between two stored sums: a fingerprint adds fewer than this at either end. */
const blockItems = 64

/** An item that is to be there, or not to be there. */
export interface ItemEdit {
  readonly timestamp: number
  /** 32 bytes. */
  readonly id: Uint8Array
  readonly isThere: boolean
}

/**
 * The `(created_at, id)` pairs that one side of a reconciliation has, sorted by time and then by id, in columns: 36 bytes
 * an item, and half a byte for the sums (R95). Never changes, so that any number of sessions may work on one.
 *
 * @example
 * ```ts
 * import { negentropyItems } from '@holdfast/nostr-sync'
 *
 * const items = negentropyItems([[1_700_000_001, 'bb'.repeat(32)], [1_700_000_000, 'aa'.repeat(32)]])
 * items.size // => 2
 * items.timestampAt(0) // => 1_700_000_000
 * ```
 */
export class NegentropyItems {
  readonly #times: TimeColumn
  readonly #ids: Uint8Array
  readonly #view: DataView
  readonly #size: number
  /** Sum of all ids before each block; those from `#summedBlocks` on are out of date. */
  readonly #sums: Uint32Array
  #summedBlocks = 1
  /** For one fingerprint at a time. */
  readonly #sum = new IdSum()
  readonly #other = new IdSum()

  private constructor(times: TimeColumn, ids: Uint8Array, size: number) {
    this.#times = times
    this.#ids = ids
    this.#view = viewOf(ids)
    this.#size = size
    this.#sums = new Uint32Array((Math.floor(size / blockItems) + 1) * lanes)
  }

  /** Takes columns over that are sorted and without duplicates; see `NegentropyBuilder`. @internal */
  static fromColumns(times: TimeColumn, ids: Uint8Array, size: number): NegentropyItems {
    return new NegentropyItems(times, ids, size)
  }

  /** How many items there are. */
  get size(): number {
    return this.#size
  }

  /** The time of an item; `Infinity` behind the last one. */
  timestampAt(index: number): number {
    return index < this.#size ? (this.#times[index] ?? Infinity) : Infinity
  }

  /** The id of an item: a view of 32 bytes. */
  idAt(index: number): Uint8Array {
    return this.#ids.subarray(index * idBytes, (index + 1) * idBytes)
  }

  /** How many of the items from `from` on are below the bound, and those before `from`. */
  lowerBound(bound: Bound, from = 0): number {
    let low = from
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#isBelow(middle, bound)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The shortest bound between an item and the one before it. */
  boundBefore(index: number): Bound {
    const timestamp = this.timestampAt(index)
    if (this.timestampAt(index - 1) !== timestamp) return { timestamp, prefix: lowestBound.prefix }
    const id = this.idAt(index)
    const before = this.idAt(index - 1)
    let equal = 0
    while (id[equal] === before[equal]) equal++
    return { timestamp, prefix: id.subarray(0, equal + 1) }
  }

  /** The 16 bytes that two sides with the same ids in a range have in common. `high` is exclusive. */
  fingerprint(low: number, high: number): Uint8Array {
    if (high - low <= 2 * blockItems) {
      this.#sum.clear()
      this.#addTo(this.#sum, low, high)
    } else {
      this.#sumBefore(high, this.#sum)
      this.#sumBefore(low, this.#other)
      this.#sum.subtract(this.#other)
    }
    return this.#sum.fingerprint(high - low)
  }

  /**
   * These with some more, and without others (R108): in one pass, so that a thousand edits of a million items cost little
   * more than one. The sums before the first of them are taken over.
   *
   * @param edits - in any order, each item once
   */
  edited(edits: readonly ItemEdit[]): NegentropyItems {
    const mustWiden = edits.some(({ timestamp, isThere }) => isThere && !fits(timestamp))
    const times = copiedTimes(noTimes, this.#size + edits.length, mustWiden || isWide(this.#times))
    const ids = new Uint8Array(times.length * idBytes)
    let size = 0
    let next = 0
    let same = this.#size
    const keep = (end: number): void => {
      times.set(this.#times.subarray(next, end), size)
      ids.set(this.#ids.subarray(next * idBytes, end * idBytes), size * idBytes)
      size += end - next
      next = end
    }
    for (const { timestamp, id, isThere } of edits.toSorted(byPlace)) {
      const at = this.lowerBound({ timestamp, prefix: id }, next)
      if (this.#isAt(at, timestamp, id) === isThere) continue
      same = Math.min(same, at)
      keep(at)
      if (isThere) {
        times[size] = timestamp
        ids.set(id, size * idBytes)
        size++
      } else next++
    }
    keep(this.#size)
    const items = new NegentropyItems(times, ids, size)
    items.#summedBlocks = Math.min(this.#summedBlocks, Math.floor(same / blockItems) + 1)
    items.#sums.set(this.#sums.subarray(0, items.#summedBlocks * lanes))
    return items
  }

  #isAt(index: number, timestamp: number, id: Uint8Array): boolean {
    if (index >= this.#size || this.#times[index] !== timestamp) return false
    return this.idAt(index).every((byte, at) => byte === id[at])
  }

  #isBelow(index: number, { timestamp, prefix }: Bound): boolean {
    const time = this.#times[index] ?? 0
    if (time !== timestamp) return time < timestamp
    const offset = index * idBytes
    for (let at = 0; at < prefix.length; at++) {
      const difference = (this.#ids[offset + at] ?? 0) - (prefix[at] ?? 0)
      if (difference !== 0) return difference < 0
    }
    return false
  }

  #addTo(sum: IdSum, low: number, high: number): void {
    sum.add(this.#view, low * idBytes, high * idBytes)
  }

  #sumBefore(index: number, sum: IdSum): void {
    const block = Math.floor(index / blockItems)
    if (block >= this.#summedBlocks) this.#sumUpTo(block)
    sum.load(this.#sums, block * lanes)
    this.#addTo(sum, block * blockItems, index)
  }

  /** Brings the stored sums up to date, as far as they are needed. */
  #sumUpTo(block: number): void {
    const sum = new IdSum()
    sum.load(this.#sums, (this.#summedBlocks - 1) * lanes)
    for (let next = this.#summedBlocks; next <= block; next++) {
      this.#addTo(sum, (next - 1) * blockItems, next * blockItems)
      sum.store(this.#sums, next * lanes)
    }
    this.#summedBlocks = block + 1
  }
}

const noTimes = new Uint32Array(0)

function byPlace(a: ItemEdit, b: ItemEdit): number {
  return a.timestamp === b.timestamp ? Buffer.compare(a.id, b.id) : a.timestamp - b.timestamp
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
