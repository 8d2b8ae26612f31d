import { Buffer } from 'node:buffer'
import { asBuffer } from './as-buffer.js'

const nothing: Buffer = Buffer.alloc(0)

/**
 * Cuts chunks of a stream into pieces of known size.
 *
 * A piece that lies within one chunk is a view of it. Any other is put together in a buffer that doubles as it fills,
 * so neither many small chunks nor a large announced size cost more than the bytes that came. Between pieces nothing
 * is held.
 */
export class ByteFeed {
  #chunk = nothing
  #at = 0
  #later: Buffer[] | null = null
  #partial: Buffer | null = null
  #partialBytes = 0

  /** Adds the next chunk. Taken over: pieces may be views of it. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#chunk === nothing) {
      this.#chunk = asBuffer(chunk)
      this.#at = 0
    } else {
      this.#later ??= []
      this.#later.push(asBuffer(chunk))
    }
  }

  /** Memory held, in bytes: what came and was not taken, and the buffer of an unfinished piece. */
  get heldBytes(): number {
    let held = (this.#partial?.length ?? 0) + this.#chunk.length - this.#at
    for (const chunk of this.#later ?? []) held += chunk.length
    return held
  }

  /**
   * The next `size` bytes, or null until they are there.
   *
   * @param size - the same in every call until the piece was given
   */
  take(size: number): Buffer | null {
    if (this.#partial === null && this.#at + size <= this.#chunk.length) return this.#view(size)
    while (this.#partialBytes < size) {
      const some = this.takeSome(size - this.#partialBytes)
      if (some === null) return null
      this.#keep(some, size)
    }
    const piece = this.#partial ?? nothing
    this.#partial = null
    this.#partialBytes = 0
    return piece
  }

  /** A view of what is there of the next `limit` bytes, at least one; null when there is nothing. */
  takeSome(limit: number): Buffer | null {
    const size = Math.min(limit, this.#chunk.length - this.#at)
    return size === 0 ? null : this.#view(size)
  }

  #view(size: number): Buffer {
    const view = this.#chunk.subarray(this.#at, this.#at + size)
    this.#at += size
    if (this.#at === this.#chunk.length) {
      this.#chunk = this.#later?.shift() ?? nothing
      this.#at = 0
      if (this.#later?.length === 0) this.#later = null
    }
    return view
  }

  #keep(bytes: Buffer, size: number): void {
    const needed = this.#partialBytes + bytes.length
    const had = this.#partial
    if (had === null || needed > had.length) {
      // Not from the pool of small buffers: a few bytes of an idle client would hold a slab of it.
      this.#partial = Buffer.allocUnsafeSlow(Math.min(size, Math.max(needed, 2 * (had?.length ?? 0))))
      had?.copy(this.#partial, 0, 0, this.#partialBytes)
    }
    if (this.#partial !== null) bytes.copy(this.#partial, this.#partialBytes)
    this.#partialBytes = needed
  }
}
