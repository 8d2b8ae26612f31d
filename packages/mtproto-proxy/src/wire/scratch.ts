import { Buffer } from 'node:buffer'

/** More than that is not kept. */
const maxKeptBytes = 131_072

/**
 * Memory for bytes that are encrypted as soon as they are put together. Fresh memory costs more than the copying: the
 * kernel has to clear it, and the collector to find it again.
 */
export class Scratch {
  #memory = Buffer.alloc(0)

  /** So much of it, with whatever is in there; lent until the next call. */
  lend(bytes: number): Buffer {
    if (bytes > maxKeptBytes) return Buffer.allocUnsafeSlow(bytes)
    if (bytes > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)))
    }
    return this.#memory.subarray(0, bytes)
  }
}
