import type { Link, WriteResult } from '@holdfast/core'

/** Bytes not yet flushed, past which a link is given nothing more. */
const mostAhead = 256 * 1024

/**
 * Writes lines to a link as fast as it takes them. A link refuses what is larger than its outbound budget, and a
 * batch may be: what does not fit yet waits here, in pieces that all connections share, and everything else behind it.
 */
export class PacedWriter {
  readonly #link: Link
  #waiting: (Uint8Array | string)[] = []
  #waitingBytes = 0
  /** Whether the link will say when it takes data again. */
  #isFull = false

  constructor(link: Link) {
    this.#link = link
  }

  /** Bytes that wait here. */
  get waiting(): number {
    return this.#waitingBytes
  }

  write(lines: Uint8Array | string): WriteResult {
    if (this.#link.phase !== 'open') return 'refused'
    if (this.#waiting.length === 0 && !this.#isTooFull) return this.#give(lines)
    this.#waiting.push(lines)
    this.#waitingBytes += lines.length
    return 'full'
  }

  /**
   * Goes on, now that the link takes data again.
   *
   * @returns whether it still does, and nothing waits any more
   */
  writable(): boolean {
    this.#isFull = false
    let given = 0
    for (; given < this.#waiting.length && !this.#isTooFull; given += 1) {
      const lines = this.#waiting[given] ?? ''
      this.#waitingBytes -= lines.length
      this.#give(lines)
    }
    this.#waiting = this.#waiting.slice(given)
    return !this.#isFull
  }

  get #isTooFull(): boolean {
    return this.#isFull && this.#link.unflushed > mostAhead
  }

  #give(lines: Uint8Array | string): WriteResult {
    const result = this.#link.write(lines)
    if (result === 'full') this.#isFull = true
    return result
  }
}
