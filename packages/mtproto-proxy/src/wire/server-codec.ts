import type { Buffer } from 'node:buffer'
import type { ObfuscatedStream } from './obfuscated-stream.js'
import { type ClientPacket, PacketDecoder } from './packet-decoder.js'
import { drawPadding, encodePacket, encodeQuickAck } from './packet-encoder.js'
import type { PacketFormat } from './packet-format.js'
import type { RandomBytes } from './random-bytes.js'
import { Scratch } from './scratch.js'

/** One for all clients: what is in it is gone before anybody else's turn. */
const scratch = new Scratch()

/**
 * The proxy's end of an accepted client: the client's bytes in, packets out, and the other way round.
 *
 * Push a chunk, then call `next` until it returns null; or stop in between, and go on later. Payloads have memory of
 * their own, shared only with other payloads. A client that is between packets costs a few hundred bytes and the two
 * ciphers.
 */
export class ServerCodec {
  readonly #format: PacketFormat
  readonly #stream: ObfuscatedStream
  readonly #random: RandomBytes
  readonly #packets: PacketDecoder

  /** @param random - draws the padding */
  constructor(format: PacketFormat, stream: ObfuscatedStream, random: RandomBytes) {
    this.#format = format
    this.#stream = stream
    this.#random = random
    this.#packets = new PacketDecoder(format)
  }

  /** Memory held for what has not been given yet, in bytes. */
  get heldBytes(): number {
    return this.#packets.heldBytes + this.#stream.heldBytes
  }

  /**
   * Adds the next bytes off the wire.
   *
   * @param chunk - lent
   */
  push(chunk: Uint8Array): void {
    this.#packets.push(this.#stream.decode(chunk))
  }

  /**
   * The client's next packet, or null until more has come.
   *
   * @throws a `ClientBytesError` when the stream is broken; ask no more after it
   */
  next(): ClientPacket | null {
    const packet = this.#packets.next()
    if (packet === null && this.#stream.error !== null) throw this.#stream.error
    return packet
  }

  /** One packet for the client as bytes for the wire. Call in the order in which they are written. */
  encode(payload: Uint8Array): Buffer {
    const padding = drawPadding(this.#format, this.#random)
    return this.#stream.encode(encodePacket(this.#format, payload, { padding, scratch }))
  }

  /** A quick ack for the client as bytes for the wire. Call in the order in which they are written. */
  encodeQuickAck(confirm: Uint8Array): Buffer {
    return this.#stream.encode(encodeQuickAck(this.#format, confirm))
  }
}
