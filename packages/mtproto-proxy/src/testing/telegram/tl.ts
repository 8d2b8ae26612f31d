/** The few pieces of Telegram's type language that an embedded data centre needs. */
import { Buffer } from 'node:buffer'

/** What a client sent ends in the middle of a value. */
export class TlError extends Error {}

/** Reads values one after another. */
export class TlReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Where the next value begins. */
  get position(): number {
    return this.#at
  }

  uint(): number {
    return this.raw(4).readUInt32LE()
  }

  int(): number {
    return this.raw(4).readInt32LE()
  }

  long(): bigint {
    return this.raw(8).readBigInt64LE()
  }

  /** So many bytes as they are. */
  raw(size: number): Buffer {
    const end = this.#at + size
    if (end > this.#bytes.length) throw new TlError(`${size} bytes at ${this.#at} of ${this.#bytes.length}`)
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  /** `bytes` or `string`: with its length, padded to whole words. */
  bytes(): Buffer {
    const first = this.raw(1).readUInt8()
    const length = first < 254 ? first : this.raw(3).readUIntLE(0, 3)
    const bytes = this.raw(length)
    this.raw(-((first < 254 ? 1 : 4) + length) & 3)
    return bytes
  }

  rest(): Buffer {
    return this.raw(this.#bytes.length - this.#at)
  }
}

/** A constructor's number, or any other unsigned 32 bits. */
export function uint(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

/** 64 bits, signed or not. */
export function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt.asIntN(64, value))
  return bytes
}

/** `bytes` or `string`. */
export function bytes(value: Uint8Array | string): Buffer {
  const content = Buffer.from(value)
  const { length } = content
  const head = length < 254 ? Buffer.of(length) : Buffer.of(254, length, length >>> 8, length >>> 16)
  return Buffer.concat([head, content, Buffer.alloc(-(head.length + length) & 3)])
}

/** `Vector` of values that are written already. */
export function vector(items: readonly Uint8Array[]): Buffer {
  return Buffer.concat([uint(0x1cb5c415), uint(items.length), ...items])
}

/** `Bool`. */
export function bool(value: boolean): Buffer {
  return uint(value ? 0x997275b5 : 0xbc799737)
}
