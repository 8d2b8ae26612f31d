import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import { OptionError } from '@holdfast/core'
import { ProtocolError } from './errors.js'

/** Longest line that a peer accepts, in bytes without the line feed (W 2). */
export const maxLineBytes = 16_384

/** What {@link LineDecoder.push} made of a chunk. */
export interface DecodedLines {
  /** Complete lines in order, without their line feed; handle these first. */
  readonly lines: readonly string[]
  /** Why nothing more will come; `null` while all is well. */
  readonly error: ProtocolError | null
}

const lineFeed = 10
const nothing = Buffer.alloc(0)

/**
 * Cuts what arrives on a connection into lines: line feeds only, strict UTF-8, a limit on every line and on the
 * unfinished rest (W 2).
 *
 * Chunks are lent: what is kept of them, at most one unfinished line, is copied. A returned line shares no memory
 * with its chunk. A chunk is decoded whole: who pauses reading still gets, and handles, the lines that it held.
 *
 * @example
 * ```ts
 * import { LineDecoder } from '@holdfast/tcp-replication'
 *
 * const decoder = new LineDecoder()
 * decoder.push(Buffer.from('PING 1\nPI')).lines // => ['PING 1']
 * decoder.push(Buffer.from('NG 2\n')).lines // => ['PING 2']
 * ```
 */
export class LineDecoder {
  readonly #limit: number
  #rest: Buffer = nothing
  #restBytes = 0
  #error: ProtocolError | null = null

  /**
   * @param limit - longest line accepted, in bytes without the line feed
   * @throws an `OptionError` unless it is a positive integer
   */
  constructor(limit: number = maxLineBytes) {
    if (!(Number.isSafeInteger(limit) && limit > 0))
      throw new OptionError('limit', 'a positive integer', limit)
    this.#limit = limit
  }

  /** Bytes held of an unfinished line. */
  get pending(): number {
    return this.#restBytes
  }

  /**
   * Takes the next bytes. After an error every further chunk is ignored and the error returned again.
   *
   * @param chunk - lent: not kept, not changed
   */
  push(chunk: Uint8Array): DecodedLines {
    const lines: string[] = []
    if (this.#error === null) this.#decode(asBuffer(chunk), lines)
    return { lines, error: this.#error }
  }

  #decode(chunk: Buffer, lines: string[]): void {
    let start = 0
    if (this.#restBytes > 0) {
      const end = chunk.indexOf(lineFeed)
      this.#keep(chunk, 0, end < 0 ? chunk.length : end)
      if (end < 0 || this.#error) return
      const line = this.#rest.subarray(0, this.#restBytes)
      this.#forget()
      this.#cut(line, 0, line.length, encodingOf(line), lines)
      start = end + 1
    }
    const last = chunk.lastIndexOf(lineFeed)
    if (last >= start) {
      // A line feed is never part of a longer sequence, so whole lines are valid together or not at all.
      const encoding = encodingOf(chunk.subarray(start, last))
      for (let end = start - 1; end < last && !this.#error; start = end + 1) {
        end = chunk.indexOf(lineFeed, start)
        this.#cut(chunk, start, end, encoding, lines)
      }
    }
    if (!this.#error) this.#keep(chunk, start, chunk.length)
  }

  #cut(bytes: Buffer, start: number, end: number, encoding: Encoding, lines: string[]): void {
    if (end - start > this.#limit) this.#tooLong()
    else if (encoding !== 'mixed') lines.push(bytes.toString(encoding, start, end))
    else if (isUtf8(bytes.subarray(start, end))) lines.push(bytes.toString('utf8', start, end))
    else this.#fail('HF_REPLICATION_INVALID_UTF8', 'Line is not valid UTF-8')
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.#restBytes + end - start
    if (needed > this.#limit) {
      this.#tooLong()
      return
    }
    if (needed > this.#rest.length) {
      // Doubling keeps a line that comes byte by byte from being copied at every byte.
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(needed, 2 * this.#rest.length)))
      this.#rest.copy(larger, 0, 0, this.#restBytes)
      this.#rest = larger
    }
    chunk.copy(this.#rest, this.#restBytes, start, end)
    this.#restBytes = needed
  }

  #tooLong(): void {
    this.#fail('HF_REPLICATION_LINE_TOO_LONG', 'Line length exceeded')
  }

  #fail(code: ProtocolError['code'], errorText: string): void {
    this.#error = new ProtocolError(code, errorText)
    this.#forget()
  }

  #forget(): void {
    this.#rest = nothing
    this.#restBytes = 0
  }
}

/** `mixed`: somewhere in the bytes there is no UTF-8, so each line is looked at by itself. */
type Encoding = 'latin1' | 'utf8' | 'mixed'

function encodingOf(bytes: Buffer): Encoding {
  // Nearly all traffic is ASCII, where bytes are characters and need no decoding.
  return isAscii(bytes) ? 'latin1' : isUtf8(bytes) ? 'utf8' : 'mixed'
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
