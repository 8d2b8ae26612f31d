import type { Buffer } from 'node:buffer'
import type { ObfuscatedStream } from './obfuscated-stream.js'
import { type Reply, ReplyDecoder } from './packet-decoder.js'
import { drawPadding, encodePacket } from './packet-encoder.js'
import type { PacketFormat } from './packet-format.js'
import type { RandomBytes } from './random-bytes.js'

/** The client's end of a connection to a proxy: packets in, bytes out, and the other way round. */
export class ClientCodec {
  readonly #format: PacketFormat
  readonly #stream: ObfuscatedStream
  readonly #random: RandomBytes
  readonly #replies: ReplyDecoder

  /** @param random - draws the padding */
  constructor(format: PacketFormat, stream: ObfuscatedStream, random: RandomBytes) {
    this.#format = format
    this.#stream = stream
    this.#random = random
    this.#replies = new ReplyDecoder(format)
  }

  /**
   * Adds the next bytes off the wire.
   *
   * @param chunk - lent
   */
  push(chunk: Uint8Array): void {
    this.#replies.push(this.#stream.decode(chunk))
  }

  /**
   * The next reply, or null until more has come.
   *
   * @throws a `ClientBytesError` when the stream is broken; ask no more after it
   */
  next(): Reply | null {
    const reply = this.#replies.next()
    if (reply === null && this.#stream.error !== null) throw this.#stream.error
    return reply
  }

  /** One packet for the proxy as bytes for the wire. Call in the order in which they are written. */
  encode(payload: Uint8Array, o: { readonly quickAck?: boolean } = {}): Buffer {
    const padding = drawPadding(this.#format, this.#random)
    return this.#stream.encode(encodePacket(this.#format, payload, { ...o, padding }))
  }
}
