import { Buffer } from 'node:buffer'

const nothing: Buffer = Buffer.alloc(0)

/** All bytes that have come, in one piece that grows by doubling, so that many small chunks cost no more than one. */
export class Gathered {
  #buffer = nothing
  #from = 0
  #to = 0

  /** A view, good until the next `push`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#from, this.#to)
  }

  /** Appends a copy of a chunk. */
  push(chunk: Uint8Array): void {
    const needed = this.#to + chunk.length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, this.#to)
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.#to)
    this.#to = needed
  }

  /** Forgets the first bytes. */
  drop(size: number): void {
    this.#from += size
  }

  /** Gives up all bytes. */
  take(): Buffer {
    const { bytes } = this
    this.#buffer = nothing
    this.#from = 0
    this.#to = 0
    return bytes
  }
}
