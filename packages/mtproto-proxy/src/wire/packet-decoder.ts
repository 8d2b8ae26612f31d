import { Buffer } from 'node:buffer'
import { ByteFeed } from './byte-feed.js'
import { ClientBytesError, type ClientBytesReason } from './client-bytes-error.js'
import type { PacketFormat } from './packet-format.js'

/** Longest packet taken from a client, in bytes: the last multiple of 4 below 1 MiB (spec 3.3). */
export const maxPacketBytes = 2 ** 20 - 4

/** Longest packet that a client takes from a proxy, in bytes: what fits a frame of Telegram's (spec 5.1). */
const maxReplyBytes = 2 ** 24 - 4

/** One MTProto packet of a client. */
export interface ClientPacket {
  /** A positive multiple of 4 bytes, at most {@link maxPacketBytes}. In the padded format up to three words may be padding. */
  readonly payload: Buffer
  /** Whether the client wants four bytes back as soon as Telegram has the packet. */
  readonly quickAck: boolean
}

/** What a client gets from a proxy. */
export type Reply =
  | { readonly kind: 'packet'; readonly payload: Buffer }
  /** The four bytes as Telegram sent them. */
  | { readonly kind: 'quick-ack'; readonly confirm: Buffer }

/**
 * Cuts a client's deobfuscated stream into packets, in any of the three formats (spec 3.3).
 *
 * Push a chunk, then call `next` until it returns null. Payloads are views where a packet lies within one chunk.
 *
 * @example
 * ```ts
 * import { PacketDecoder } from '@holdfast/mtproto-proxy'
 *
 * const decoder = new PacketDecoder('abridged')
 * decoder.push(Buffer.from('81561e7d', 'hex'))
 * decoder.next() // => null
 * decoder.push(Buffer.from('38', 'hex'))
 * decoder.next() // => { payload: Buffer.from('561e7d38', 'hex'), quickAck: true }
 * ```
 */
export class PacketDecoder {
  readonly #frames: FrameDecoder

  constructor(format: PacketFormat) {
    this.#frames = new FrameDecoder(format, 'client', maxPacketBytes)
  }

  /** Memory held for what has not been given yet, in bytes. */
  get heldBytes(): number {
    return this.#frames.heldBytes
  }

  /** Adds the next chunk. Taken over: payloads may be views of it. */
  push(chunk: Uint8Array): void {
    this.#frames.push(chunk)
  }

  /**
   * The next packet, or null until more has come.
   *
   * @throws a `ClientBytesError` when the stream is broken; ask no more after it
   */
  next(): ClientPacket | null {
    const frame = this.#frames.next()
    return frame && { payload: frame.bytes, quickAck: frame.flagged }
  }
}

/** Cuts what a proxy sends into packets and quick acks: the client's side of {@link PacketDecoder}. */
export class ReplyDecoder {
  readonly #frames: FrameDecoder

  constructor(format: PacketFormat) {
    this.#frames = new FrameDecoder(format, 'proxy', maxReplyBytes)
  }

  /** Adds the next chunk. Taken over: payloads may be views of it. */
  push(chunk: Uint8Array): void {
    this.#frames.push(chunk)
  }

  /**
   * The next reply, or null until more has come.
   *
   * @throws a `ClientBytesError` when the stream is broken; ask no more after it
   */
  next(): Reply | null {
    for (;;) {
      const frame = this.#frames.next()
      if (frame === null) return null
      if (frame.flagged) return { kind: 'quick-ack', confirm: frame.bytes }
      const framed = framedQuickAck(frame.bytes)
      if (framed !== null) return { kind: 'quick-ack', confirm: framed }
      // The filler of a framed quick ack is no packet.
      if (frame.bytes.length > maxFramedAckBytes || frame.bytes.readInt32LE(0) !== 0) {
        return { kind: 'packet', payload: frame.bytes }
      }
    }
  }
}

/** A framed quick ack is at most its mark, the confirmation, four random bytes and padding that looks like a word. */
const maxFramedAckBytes = 16

/** The reference in C sends half of the quick acks of padded clients as packets that begin with -1 (spec 3.3). */
function framedQuickAck(payload: Buffer): Buffer | null {
  const framed = payload.length >= 8 && payload.length <= maxFramedAckBytes && payload.readInt32LE(0) === -1
  return framed ? payload.subarray(4, 8) : null
}

interface Frame {
  readonly bytes: Buffer
  /** From a client: a quick ack is wanted. From a proxy: `bytes` are the four of a quick ack. */
  readonly flagged: boolean
}

/** Bit 31 of a length: a quick ack. */
const quickAckBit = 0x8000_0000

class FrameDecoder {
  readonly #feed = new ByteFeed()
  readonly #format: PacketFormat
  readonly #from: 'client' | 'proxy'
  readonly #limit: number
  /** First byte of an abridged frame whose other three have not come. */
  #first: number | null = null
  /** Length of the frame that has begun, padding included. */
  #length: number | null = null
  #flagged = false

  constructor(format: PacketFormat, from: 'client' | 'proxy', limit: number) {
    this.#format = format
    this.#from = from
    this.#limit = limit
  }

  get heldBytes(): number {
    return this.#feed.heldBytes
  }

  push(chunk: Uint8Array): void {
    this.#feed.push(chunk)
  }

  next(): Frame | null {
    if (this.#length === null) {
      const begun = this.#format === 'abridged' ? this.#beginAbridged() : this.#beginIntermediate()
      if (begun === null) return null
      if (typeof begun !== 'number') return { bytes: begun, flagged: true }
      this.#length = begun
    }
    const bytes = this.#feed.take(this.#length)
    if (bytes === null) return null
    this.#length = null
    const padding = bytes.length % 4
    return {
      bytes: padding === 0 ? bytes : bytes.subarray(0, bytes.length - padding),
      flagged: this.#flagged,
    }
  }

  /** A length, if it has come, or a confirmation when it was a quick ack of the proxy instead. */
  #beginAbridged(): number | Buffer | null {
    this.#first ??= this.#feed.take(1)?.readUInt8(0) ?? null
    const first = this.#first
    if (first === null) return null
    const flagged = (first & 0x80) !== 0
    const short = first & 0x7f
    if (short !== 0x7f && !(flagged && this.#from === 'proxy')) {
      return this.#begin(4 * short, flagged)
    }
    const more = this.#feed.take(3)
    if (more === null) return null
    if (flagged && this.#from === 'proxy') {
      this.#first = null
      return Buffer.from([more.readUInt8(2), more.readUInt8(1), more.readUInt8(0), first])
    }
    const words = more.readUIntLE(0, 3)
    if (words < 0x7f) throw this.#bad('bad_length', `${words} words in the long form`)
    return this.#begin(4 * words, flagged)
  }

  #beginIntermediate(): number | Buffer | null {
    const word = this.#feed.take(4)
    if (word === null) return null
    const length = word.readUInt32LE(0)
    const flagged = length >= quickAckBit
    if (flagged && this.#from === 'proxy') return Buffer.from(word)
    return this.#begin(flagged ? length - quickAckBit : length, flagged)
  }

  #begin(length: number, flagged: boolean): number {
    const padding = length % 4
    if (length - padding > this.#limit) throw this.#bad('max_size', `a packet of ${length} bytes`)
    if (length - padding === 0) throw this.#bad('bad_length', 'an empty packet')
    if (padding !== 0 && this.#format !== 'padded') throw this.#bad('bad_length', `${length} bytes`)
    this.#first = null
    this.#flagged = flagged
    return length
  }

  #bad(what: 'max_size' | 'bad_length', text: string): ClientBytesError {
    const format = this.#format === 'abridged' ? 'abridged' : 'intermediate'
    const reason: ClientBytesReason = `${format}_${what}`
    return new ClientBytesError(reason, text)
  }
}
