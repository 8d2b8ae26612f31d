import { hash } from 'node:crypto'

/** 32-bit lanes of a sum, least significant first. */
export const lanes = 8

const sumBytes = 32
const maxCountBytes = 8
const fingerprintBytes = 16

/** A sum of ids as 256-bit little-endian numbers, modulo 2^256. */
export class IdSum {
  /** The sum, and behind it room for the count: what is hashed. */
  readonly #bytes = new Uint8Array(sumBytes + maxCountBytes)
  readonly #sum = new DataView(this.#bytes.buffer)

  /** Begins at 0. */
  clear(): void {
    this.#bytes.fill(0, 0, sumBytes)
  }

  /** Begins at a sum that {@link IdSum.store} has stored. */
  load(from: Uint32Array, offset: number): void {
    for (let lane = 0; lane < lanes; lane++) this.#sum.setUint32(4 * lane, from[offset + lane] ?? 0, true)
  }

  store(to: Uint32Array, offset: number): void {
    for (let lane = 0; lane < lanes; lane++) to[offset + lane] = this.#sum.getUint32(4 * lane, true)
  }

  /**
   * Adds the ids between two offsets, fewer than a million. Lane by lane, and carried once: whether a single addition overflows
   * no processor can guess.
   */
  add(ids: DataView, from: number, to: number): void {
    let carry = 0
    for (let at = 0; at < sumBytes; at += 4) {
      let total = this.#sum.getUint32(at, true) + carry
      for (let offset = from + at; offset < to; offset += sumBytes) total += ids.getUint32(offset, true)
      this.#sum.setUint32(at, total, true)
      carry = Math.floor(total / 2 ** 32)
    }
  }

  subtract(other: IdSum): void {
    let borrow = 0
    for (let at = 0; at < sumBytes; at += 4) {
      const rest = this.#sum.getUint32(at, true) - other.#sum.getUint32(at, true) - borrow
      this.#sum.setUint32(at, rest, true)
      borrow = rest < 0 ? 1 : 0
    }
  }

  /** The fingerprint of so many ids with this sum: 16 bytes. */
  fingerprint(count: number): Uint8Array {
    let groups = 1
    for (let rest = Math.floor(count / 128); rest > 0; rest = Math.floor(rest / 128)) groups++
    const end = sumBytes + groups
    let rest = count
    for (let at = end - 1; at >= sumBytes; at--) {
      this.#bytes[at] = (rest % 128) | (at === end - 1 ? 0 : 0x80)
      rest = Math.floor(rest / 128)
    }
    // As text, because Node.js makes a string of a digest in a third of the time of a buffer.
    const digest = hash('sha256', this.#bytes.subarray(0, end), 'binary')
    const fingerprint = new Uint8Array(fingerprintBytes)
    for (let at = 0; at < fingerprintBytes; at++) fingerprint[at] = digest.charCodeAt(at)
    return fingerprint
  }
}
