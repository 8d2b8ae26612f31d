import { Buffer } from 'node:buffer'
import { NegentropyError } from './errors.js'

/** The first byte of every message: protocol version 1. */
export const protocolVersion = 0x61

/** A place between items: everything before `timestamp` and `prefix` is below it. Missing bytes of the id are zeros. */
export interface Bound {
  /** `Infinity` for the end of everything. */
  readonly timestamp: number
  /** 0 to 32 bytes. */
  readonly prefix: Uint8Array
}

/** What a range carries. */
export const modes = { skip: 0, fingerprint: 1, idList: 2 } as const

const noBytes = new Uint8Array(0)

/** Beyond every item. */
export const infiniteBound: Bound = { timestamp: Infinity, prefix: noBytes }

/** Where the ranges of a message begin. */
export const lowestBound: Bound = { timestamp: 0, prefix: noBytes }

/** Writes a message. Timestamps are written as differences, which begin anew with each message. */
export class MessageWriter {
  #bytes: Buffer
  #length = 0
  #lastTimestamp = 0

  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafe(capacity)
    this.#bytes[this.#length++] = protocolVersion
  }

  get length(): number {
    return this.#length
  }

  /** @returns what was written so far; the writer must not be used afterwards */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Remembers the state, for {@link MessageWriter.rewind}. */
  mark(): { readonly length: number; readonly timestamp: number } {
    return { length: this.#length, timestamp: this.#lastTimestamp }
  }

  /** Forgets what was written since. */
  rewind(mark: { readonly length: number; readonly timestamp: number }): void {
    this.#length = mark.length
    this.#lastTimestamp = mark.timestamp
  }

  bound(bound: Bound): void {
    this.#timestamp(bound.timestamp)
    this.varint(bound.prefix.length)
    this.raw(bound.prefix)
  }

  /** Base 128, most significant group first, shortest form. `value` is a whole number below 2^53. */
  varint(value: number): void {
    let groups = 1
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) groups++
    this.#reserve(groups)
    let rest = value
    for (let index = this.#length + groups - 1; index >= this.#length; index--) {
      this.#bytes[index] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#length += groups
    this.#bytes[this.#length - 1] = value % 128
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #timestamp(timestamp: number): void {
    if (timestamp === Infinity || this.#lastTimestamp === Infinity) {
      this.#lastTimestamp = Infinity
      this.varint(0)
      return
    }
    // The reference adds 1; 2^53 at most, which a double still holds.
    this.varint(timestamp - this.#lastTimestamp + 1)
    this.#lastTimestamp = timestamp
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

/** Reads a message from its beginning. Whatever is wrong with it is a {@link NegentropyError}. */
export class MessageReader {
  readonly #bytes: Uint8Array
  #at = 0
  #lastTimestamp = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new NegentropyError('the message ends too early')
    this.#at++
    return byte
  }

  /** @throws a {@link NegentropyError} beyond 2^53, which no item reaches */
  varint(): number {
    let value = 0
    for (;;) {
      const byte = this.byte()
      value = value * 128 + (byte & 0x7f)
      if (value > Number.MAX_SAFE_INTEGER + 1) throw new NegentropyError('a number beyond 2^53')
      if (byte < 0x80) return value
    }
  }

  bound(): Bound {
    const timestamp = this.#timestamp()
    const length = this.varint()
    if (length > 32) throw new NegentropyError(`an id of ${length} bytes`)
    return { timestamp, prefix: this.raw(length) }
  }

  /** @returns a view into the message */
  raw(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new NegentropyError('the message ends too early')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  #timestamp(): number {
    const code = this.varint()
    if (code === 0 || this.#lastTimestamp === Infinity) this.#lastTimestamp = Infinity
    else this.#lastTimestamp += code - 1
    if (this.#lastTimestamp > Number.MAX_SAFE_INTEGER && this.#lastTimestamp !== Infinity)
      throw new NegentropyError('a time beyond 2^53')
    return this.#lastTimestamp
  }
}
