/** 96 bits of a digest, as three words. */
export type Fingerprint = readonly [number, number, number]

const wordsPerSlot = 3
const leastSlots = 256
/** A table of this size takes 1 to 2 ms to fill anew: growing further would hold up everybody. */
const mostSlots = 65_536

/**
 * A set of fingerprints in one typed array: open addressing, at most three quarters full, so 16 to 32 bytes for each,
 * nothing of which the garbage collector has to look at.
 */
export class Fingerprints {
  #words = new Uint32Array(leastSlots * wordsPerSlot)
  #size = 0

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** Memory taken, in bytes. */
  get bytes(): number {
    return this.#words.byteLength
  }

  /** Whether there is no room for another. */
  get full(): boolean {
    return this.#size >= 0.75 * mostSlots
  }

  /** Whether it is there. */
  has(fingerprint: Fingerprint): boolean {
    return this.#words[this.#find(fingerprint[0], fingerprint[1], fingerprint[2])] !== 0
  }

  /** Adds what is not there. Only while it is not full. */
  add(fingerprint: Fingerprint): void {
    if (this.#size >= 0.75 * (this.#words.length / wordsPerSlot)) this.#grow()
    this.#put(fingerprint)
    this.#size += 1
  }

  #grow(): void {
    const old = this.#words
    this.#words = new Uint32Array(2 * old.length)
    for (let at = 0; at < old.length; at += wordsPerSlot) {
      if (old[at] !== 0) this.#put([old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0])
    }
  }

  #put(fingerprint: Fingerprint): void {
    this.#words.set(fingerprint, this.#find(fingerprint[0], fingerprint[1], fingerprint[2]))
  }

  /** Where it is, or the free place where it would be. The first word of what is there is never 0. */
  #find(first: number, second: number, third: number): number {
    const words = this.#words
    const mask = words.length / wordsPerSlot - 1
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const at = slot * wordsPerSlot
      const word = words[at]
      if (word === 0) return at
      if (word === first && words[at + 1] === second && words[at + 2] === third) return at
    }
  }
}
