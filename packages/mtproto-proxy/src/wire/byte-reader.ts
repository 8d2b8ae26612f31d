import type { Buffer } from 'node:buffer'
import { asBuffer } from './as-buffer.js'

/** Reads a message of big-endian numbers and lengths from its beginning. Past the end every read gives null. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes)
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** An unsigned number of 1 to 3 bytes. */
  number(size: 1 | 2 | 3): number | null {
    if (size > this.left) return null
    let value = 0
    for (const end = this.#at + size; this.#at < end; this.#at += 1) {
      value = 256 * value + this.#bytes.readUInt8(this.#at)
    }
    return value
  }

  /** A view of the next bytes. */
  bytes(size: number): Buffer | null {
    if (size > this.left) return null
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  /** A view of bytes that follow their own length. */
  vector(lengthSize: 1 | 2 | 3): Buffer | null {
    const length = this.number(lengthSize)
    return length === null ? null : this.bytes(length)
  }
}
