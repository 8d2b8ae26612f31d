import type { CbcStream } from './cbc-stream.js'
import type { Checksum } from './checksum.js'
import type { FrameReader, FrameWriter } from './full-frame.js'
import type { FrameError } from './middle-proxy-error.js'

/** Both directions of an encrypted connection between a proxy and a middle proxy. */
export class FrameChannel {
  readonly #decrypt: CbcStream
  readonly #reader: FrameReader
  readonly #writer: FrameWriter

  constructor(decrypt: CbcStream, reader: FrameReader, writer: FrameWriter) {
    this.#decrypt = decrypt
    this.#reader = reader
    this.#writer = writer
  }

  /** What both sides have agreed on. */
  get checksum(): Checksum {
    return this.#writer.checksum
  }

  /** Takes what came in; `next` must have returned `null` before. The chunk is lent for the call. */
  feed(chunk: Uint8Array): void {
    this.#reader.feed(this.#decrypt(chunk))
  }

  /** The body of the next frame, which stays as it is; `null`: more bytes are needed. After an error only this error. */
  next(): Buffer | FrameError | null {
    return this.#reader.next()
  }

  /** Bytes of the frames that were added and not taken. */
  get addedBytes(): number {
    return this.#writer.addedBytes
  }

  /**
   * Makes the next frame, padded, to be encrypted by {@link FrameChannel.take} with those before it.
   *
   * @throws an `UnsendablePacketError` if head and tail together are no multiple of 4, or too long; nothing is used up
   */
  add(head: Uint8Array, tail?: Uint8Array): void {
    this.#writer.add(head, tail)
  }

  /** All frames that were added, encrypted, ready to be sent; in the order in which they are taken. */
  take(): Buffer {
    return this.#writer.take()
  }

  /** A frame alone, and what was added before: {@link FrameChannel.add}, then {@link FrameChannel.take}. */
  write(head: Uint8Array, tail?: Uint8Array): Buffer {
    this.#writer.add(head, tail)
    return this.#writer.take()
  }
}
