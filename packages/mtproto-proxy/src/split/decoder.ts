import { Buffer } from 'node:buffer'
import { HoldfastError } from '@holdfast/core'
import { ByteFeed } from '../wire/byte-feed.js'
import {
  maxSplitFrameBytes,
  type SplitHandle,
  type SplitMessage,
  splitEnds,
  splitFormats,
  splitTypes,
  splitVerdicts,
} from './messages.js'

/** Longest first frame, in bytes. */
const maxGreetingBytes = 1024

/** The other side of a split link broke its protocol. Code `HF_MTPROTO_BAD_SPLIT`. */
export class SplitError extends HoldfastError {
  override readonly name: string = 'SplitError'

  constructor(message: string) {
    super('HF_MTPROTO_BAD_SPLIT', `${message}; both sides must run the same version of this program`)
  }
}

const kinds: ReadonlyMap<number, SplitMessage['kind']> = new Map(
  Object.entries(splitTypes).map(([kind, type]) => [type, kind as SplitMessage['kind']]),
)

/** Cuts a stream into the messages of the split link. Holds at most one unfinished frame. */
export class SplitDecoder {
  readonly #feed = new ByteFeed()
  #length: number | null = null
  /** Nobody has to be believed a long frame before it has greeted. */
  #longest = maxGreetingBytes

  /** Takes what came in; `next` must have returned `null` before. The chunk is lent for the calls of `next`. */
  push(chunk: Uint8Array): void {
    this.#feed.push(chunk)
  }

  /** Memory held for an unfinished frame, in bytes. */
  get heldBytes(): number {
    return this.#feed.heldBytes
  }

  /**
   * The next message, or `null` until there is one. Its bytes are lent until the next call.
   *
   * @throws a {@link SplitError} at what is no message; nothing more can be read then
   */
  next(): SplitMessage | null {
    if (this.#length === null) {
      const length = this.#feed.take(4)?.readUInt32BE(0)
      if (length === undefined) return null
      if (length === 0 || length > this.#longest) {
        throw new SplitError(`the split link brought a frame of ${length} bytes`)
      }
      this.#length = length
    }
    const frame = this.#feed.take(this.#length)
    if (frame === null) return null
    this.#length = null
    this.#longest = maxSplitFrameBytes
    return readMessage(frame)
  }
}

function readMessage(frame: Buffer): SplitMessage {
  const type = frame[0] ?? 0
  const kind = kinds.get(type)
  if (kind === undefined) throw new SplitError(`the split link brought a frame of unknown type ${type}`)
  const body = new Body(frame, kind)
  const message = readBody(kind, body)
  if (kind !== 'hello') body.end()
  return message
}

function readBody(kind: SplitMessage['kind'], body: Body): SplitMessage {
  switch (kind) {
    case 'hello':
      // A later version may say more.
      return { kind, version: body.byte(), node: body.text() }
    case 'ping':
    case 'pong':
      return { kind }
    case 'goodbye':
      return { kind, within: body.u32() }
    case 'open':
      return { kind, handle: body.handle(), request: readRequest(body) }
    case 'packet':
      return { kind, handle: body.handle(), quickAck: body.byte() === 1, payload: body.rest() }
    case 'quick-ack':
      return { kind, handle: body.handle(), confirm: body.bytes(4) }
    case 'sent':
    case 'hold':
    case 'ready':
    case 'close':
    case 'leave':
    case 'quota-used':
      return { kind, handle: body.handle() }
    case 'closed':
      return { kind, handle: body.handle(), why: body.oneOf(splitEnds) }
    case 'delivered':
      return { kind, handle: body.handle(), packets: body.u32(), bytes: body.u32() }
    case 'admit':
      return readAdmit(body)
    case 'verdict':
      return { kind, handle: body.handle(), verdict: body.oneOf(splitVerdicts) }
    case 'transferred':
      return { kind, handle: body.handle(), bytes: body.u32() }
  }
}

function readRequest(body: Body): (SplitMessage & { kind: 'open' })['request'] {
  const fixed = body.bytes(4)
  const format = body.oneOf(splitFormats)
  const hasAdTag = body.byte() === 1
  // Copies: the request outlives the frame.
  const ip = Buffer.from(body.bytes(16))
  const adTag = hasAdTag ? Buffer.from(body.bytes(16)) : null
  const listener = body.text()
  return { dcId: fixed.readInt16BE(0), port: fixed.readUInt16BE(2), format, ip, adTag, listener }
}

function readAdmit(body: Body): SplitMessage {
  const handle = body.handle()
  const hasSni = body.byte() === 1
  const listener = body.text()
  const secret = body.text()
  const ip = body.text()
  const domain = body.text()
  const key = Buffer.from(body.bytes(body.byte()))
  const sni = hasSni ? domain : null
  const replayKey = key.length === 0 ? null : key
  return { kind: 'admit', handle, newcomer: { listener, secret, ip, sni, replayKey } }
}

/** Reads the body of a frame; what is missing or left over is a {@link SplitError}. */
class Body {
  readonly #frame: Buffer
  readonly #kind: string
  #at = 1

  constructor(frame: Buffer, kind: string) {
    this.#frame = frame
    this.#kind = kind
  }

  bytes(size: number): Buffer {
    const from = this.#at
    if (from + size > this.#frame.length) throw this.#wrongLength()
    this.#at += size
    return this.#frame.subarray(from, this.#at)
  }

  rest(): Buffer {
    return this.bytes(this.#frame.length - this.#at)
  }

  end(): void {
    if (this.#at !== this.#frame.length) throw this.#wrongLength()
  }

  byte(): number {
    return this.bytes(1).readUInt8(0)
  }

  u32(): number {
    return this.bytes(4).readUInt32BE(0)
  }

  handle(): SplitHandle {
    return this.bytes(6).readUIntBE(0, 6)
  }

  text(): string {
    return this.bytes(this.byte()).toString()
  }

  oneOf<T>(values: readonly T[]): T {
    const number = this.byte()
    const value = values[number]
    if (value === undefined)
      throw new SplitError(`the split link's ${this.#kind} holds an unknown value ${number}`)
    return value
  }

  #wrongLength(): SplitError {
    return new SplitError(`the split link brought a ${this.#kind} of ${this.#frame.length} bytes`)
  }
}
