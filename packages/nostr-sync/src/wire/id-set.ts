import { Buffer } from 'node:buffer'

const idBytes = 32
const leastSlots = 16

/**
 * A set of 32-byte ids without an object per id: some 40 bytes each. Keeps the order of adding.
 *
 * @example
 * ```ts
 * import { IdSet } from '@holdfast/nostr-sync'
 *
 * const ids = new IdSet()
 * ids.addHex('ab'.repeat(32)) // => true
 * ids.addHex('ab'.repeat(32)) // => false
 * ids.hasHex('cd'.repeat(32)) // => false
 * ids.size // => 1
 * ```
 */
export class IdSet {
  /** Index of an id plus one; 0 for an empty slot. Always a power of two, at most half full. */
  #slots: Uint32Array
  #ids: Buffer
  #size = 0
  readonly #seed: number

  /**
   * @param expected - how many ids there will be, if that is known
   * @param seed - a random 32-bit number where ids are chosen by strangers, so that they cannot aim at one slot
   */
  constructor(expected = 0, seed = 0) {
    let slots = leastSlots
    while (slots < 2 * expected) slots *= 2
    this.#slots = new Uint32Array(slots)
    this.#ids = Buffer.allocUnsafeSlow(Math.max(expected, leastSlots / 2) * idBytes)
    this.#seed = seed | 0
  }

  /** How many ids are in it. */
  get size(): number {
    return this.#size
  }

  /** Adds an id, of which the bytes are copied. @returns whether it was new */
  add(id: Uint8Array): boolean {
    const slot = this.#find(id)
    if (this.#slots[slot] !== 0) return false
    const offset = this.#size * idBytes
    if (offset === this.#ids.length) {
      const larger = Buffer.allocUnsafeSlow(2 * this.#ids.length)
      larger.set(this.#ids)
      this.#ids = larger
    }
    this.#ids.set(id, offset)
    this.#slots[slot] = ++this.#size
    if (2 * this.#size > this.#slots.length) this.#grow()
    return true
  }

  /** Whether the id was added. */
  has(id: Uint8Array): boolean {
    return this.#slots[this.#find(id)] !== 0
  }

  /** {@link IdSet.add} of 64 hex digits. */
  addHex(id: string): boolean {
    return this.add(Buffer.from(id, 'hex'))
  }

  /** {@link IdSet.has} of 64 hex digits. */
  hasHex(id: string): boolean {
    return this.has(Buffer.from(id, 'hex'))
  }

  /** The id that was added as the `index`th, from 0: a view. */
  at(index: number): Uint8Array {
    return this.#ids.subarray(index * idBytes, (index + 1) * idBytes)
  }

  /** The ids in hex, in the order of adding. */
  *hex(): Generator<string, void, undefined> {
    for (let index = 0; index < this.#size; index++)
      yield this.#ids.toString('hex', index * idBytes, (index + 1) * idBytes)
  }

  /** The slot of the id, or the empty one where it belongs. */
  #find(id: Uint8Array): number {
    const mask = this.#slots.length - 1
    for (let slot = this.#hash(id, 0) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] ?? 0
      if (index === 0 || this.#equals(index - 1, id)) return slot
    }
  }

  #equals(index: number, id: Uint8Array): boolean {
    const offset = index * idBytes
    for (let at = 0; at < idBytes; at++) if (this.#ids[offset + at] !== id[at]) return false
    return true
  }

  #hash(bytes: Uint8Array, offset: number): number {
    let hash = this.#seed
    for (let at = offset; at < offset + idBytes; at += 4) {
      hash ^= word(bytes, at)
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    }
    return hash ^ (hash >>> 13)
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length)
    const mask = slots.length - 1
    for (let index = 0; index < this.#size; index++) {
      let slot = this.#hash(this.#ids, index * idBytes) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = index + 1
    }
    this.#slots = slots
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  )
}
