/**
 * The frames in which middle proxies and we talk, both ways (spec 5.1): length, sequence number, body, checksum.
 */
import { Buffer } from 'node:buffer'
import { asBuffer } from './as-buffer.js'
import type { CbcStream } from './cbc-stream.js'
import { type Checksum, checksumOf } from './checksum.js'
import { FrameError, UnsendablePacketError } from './middle-proxy-error.js'

/** Length, sequence number and checksum. */
const frameOverheadBytes = 12
/** Longest frame, in bytes, with its overhead. */
export const maxFrameBytes = 2 ** 24
/** Sequence number of the first frame in each direction. */
export const firstSeq = -2
/** A length that stands for nothing: what frames are padded with. */
export const paddingWord = 4

const nothing = Buffer.alloc(0)
/** What is set aside for a frame of which only the length has come. */
const firstReserveBytes = 65_536

/** How frames are read or written from now on. */
export interface FrameSettings {
  /**
   * Sequence number of the next frame.
   *
   * @defaultValue -2, the first of a connection
   */
  readonly seq?: number
  /** @defaultValue 'crc32' */
  readonly checksum?: Checksum
}

/** Settings of a {@link FrameReader}. */
export interface FrameReaderSettings extends FrameSettings {
  /**
   * Whether checksums are compared; lengths and sequence numbers always are.
   *
   * @defaultValue true
   */
  readonly verify?: boolean
}

/**
 * Cuts a stream into the bodies of its frames.
 *
 * Chunks are lent until `next` has returned `null`: then what is left of them, at most one unfinished frame, has been
 * copied. A body shares memory with its chunk, or is a copy of its own if it came in several chunks.
 *
 * @example
 * ```ts
 * import { FrameReader, FrameWriter } from '@holdfast/mtproto-proxy'
 *
 * const reader = new FrameReader()
 * reader.feed(new FrameWriter().write(Buffer.from('ping')))
 * String(reader.next()) // => 'ping'
 * reader.next() // => null
 * ```
 */
export class FrameReader {
  readonly #checksum: Checksum
  readonly #verify: boolean
  #seq: number
  #chunk: Buffer = nothing
  #at = 0
  /** The beginning of a frame that came in several chunks. */
  #partial: Buffer = nothing
  #partialBytes = 0
  #error: FrameError | null = null

  constructor({ seq = firstSeq, checksum = 'crc32', verify = true }: FrameReaderSettings = {}) {
    this.#seq = seq
    this.#checksum = checksum
    this.#verify = verify
  }

  /** Memory held for an unfinished frame, in bytes. */
  get heldBytes(): number {
    return this.#partial.length
  }

  /** Takes the next chunk; `next` must have returned `null` before. */
  feed(chunk: Uint8Array): void {
    this.#chunk = asBuffer(chunk)
    this.#at = 0
  }

  /** The body of the next frame; `null`: more bytes are needed. After an error there is nothing but this error. */
  next(): Buffer | FrameError | null {
    while (this.#error === null) {
      const frame = this.#partialBytes > 0 ? this.#complete() : this.#cut()
      if (frame === null) return null
      if (frame !== 'padding') return this.#open(frame)
    }
    return this.#error
  }

  /** What was fed and not read: for whoever has to read on in another way. */
  takeRest(): Buffer {
    const rest = Buffer.concat([
      this.#partial.subarray(0, this.#partialBytes),
      this.#chunk.subarray(this.#at),
    ])
    this.#chunk = nothing
    this.#partialBytes = 0
    return rest
  }

  /** The next frame, if it is in the chunk as a whole. */
  #cut(): Buffer | 'padding' | null {
    const left = this.#chunk.length - this.#at
    const length = left < 4 ? null : this.#chunk.readUInt32LE(this.#at)
    if (length === paddingWord) {
      this.#at += 4
      return 'padding'
    }
    if (length !== null && !this.#isGood(length)) return 'padding'
    if (length === null || left < length) {
      this.#keep(left, length ?? 4)
      return null
    }
    const frame = this.#chunk.subarray(this.#at, this.#at + length)
    this.#at += length
    return frame
  }

  /** The frame that is being collected, if it is now there. */
  #complete(): Buffer | 'padding' | null {
    const want = this.#partialBytes < 4 ? 4 : this.#partial.readUInt32LE(0)
    this.#keep(Math.min(want - this.#partialBytes, this.#chunk.length - this.#at), want)
    if (this.#partialBytes < want) return null
    if (want > 4) {
      const frame = this.#partial.subarray(0, want)
      this.#forget()
      return frame
    }
    const length = this.#partial.readUInt32LE(0)
    if (length === paddingWord) this.#partialBytes = 0
    else this.#isGood(length)
    return 'padding'
  }

  #keep(bytes: number, frameBytes: number): void {
    const needed = this.#partialBytes + bytes
    if (needed > this.#partial.length) {
      // What a peer says of a length is believed as the bytes come: doubling keeps the copies few.
      const reserve = Math.max(needed, 2 * this.#partial.length, Math.min(frameBytes, firstReserveBytes))
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(frameBytes, reserve)))
      this.#partial.copy(larger, 0, 0, this.#partialBytes)
      this.#partial = larger
    }
    this.#chunk.copy(this.#partial, this.#partialBytes, this.#at, this.#at + bytes)
    this.#partialBytes = needed
    this.#at += bytes
  }

  #open(frame: Buffer): Buffer | FrameError {
    const end = frame.length - 4
    const seq = frame.readInt32LE(4)
    if (seq !== this.#seq) return this.#fail('sequence', `frame ${seq} where ${this.#seq} was due`)
    if (this.#verify && checksumOf(this.#checksum, frame.subarray(0, end)) !== frame.readUInt32LE(end)) {
      return this.#fail('checksum', `frame ${seq} of ${frame.length} bytes has a wrong ${this.#checksum}`)
    }
    this.#seq = (this.#seq + 1) | 0
    return frame.subarray(8, end)
  }

  #isGood(length: number): boolean {
    if (length % 4 === 0 && length >= frameOverheadBytes && length <= maxFrameBytes) return true
    this.#fail('length', `a frame cannot have ${length} bytes`)
    return false
  }

  #fail(problem: FrameError['problem'], message: string): FrameError {
    this.#error = new FrameError(problem, message)
    this.#chunk = nothing
    this.#forget()
    return this.#error
  }

  #forget(): void {
    this.#partial = nothing
    this.#partialBytes = 0
  }
}

/** Settings of a {@link FrameWriter}. */
export interface FrameWriterSettings extends FrameSettings {
  /** Frames are padded to whole blocks and go through it; left out: they go as they are. */
  readonly encrypt?: CbcStream
}

/** Makes frames, one after another. */
export class FrameWriter {
  readonly checksum: Checksum
  readonly #encrypt: CbcStream | null
  #seq: number
  /** Where frames are put together, and how much of it they fill. */
  #scratch: Buffer = nothing
  #addedBytes = 0

  constructor({ seq = firstSeq, checksum = 'crc32', encrypt }: FrameWriterSettings = {}) {
    this.#seq = seq
    this.checksum = checksum
    this.#encrypt = encrypt ?? null
  }

  /** Bytes of the frames that were added and not taken. */
  get addedBytes(): number {
    return this.#addedBytes
  }

  /**
   * Makes the next frame. Its body is `head` and `tail` together, copied once.
   *
   * @throws an {@link UnsendablePacketError} if the body is no multiple of 4, or too long; no sequence number is used up
   */
  add(head: Uint8Array, tail: Uint8Array = nothing): void {
    const length = frameOverheadBytes + head.length + tail.length
    if (length % 4 !== 0 || length > maxFrameBytes) {
      throw new UnsendablePacketError(
        `a body of ${head.length + tail.length} bytes does not fit into a frame: it takes multiples of 4 up to ${maxFrameBytes - frameOverheadBytes}`,
      )
    }
    const frame = this.#room(length)
    frame.writeUInt32LE(length, 0)
    frame.writeInt32LE(this.#seq, 4)
    frame.set(head, 8)
    frame.set(tail, 8 + head.length)
    frame.writeUInt32LE(checksumOf(this.checksum, frame.subarray(0, length - 4)), length - 4)
    for (let at = length; at < frame.length; at += 4) frame.writeUInt32LE(paddingWord, at)
    this.#seq = (this.#seq + 1) | 0
    this.#addedBytes += frame.length
  }

  /** All frames that were added, ready to be sent and nobody else's. */
  take(): Buffer {
    const frames = this.#scratch.subarray(0, this.#addedBytes)
    this.#addedBytes = 0
    return this.#encrypt === null ? Buffer.from(frames) : this.#encrypt(frames)
  }

  /**
   * The next frame, after those that were added: {@link FrameWriter.add}, then {@link FrameWriter.take}.
   *
   * @throws an {@link UnsendablePacketError} as {@link FrameWriter.add} does
   */
  write(head: Uint8Array, tail?: Uint8Array): Buffer {
    this.add(head, tail)
    return this.take()
  }

  #room(length: number): Buffer {
    const padded = this.#encrypt === null ? length : Math.ceil(length / 16) * 16
    const end = this.#addedBytes + padded
    if (end > this.#scratch.length) {
      const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(end)))
      this.#scratch.copy(larger, 0, 0, this.#addedBytes)
      this.#scratch = larger
    }
    return this.#scratch.subarray(this.#addedBytes, end)
  }
}
