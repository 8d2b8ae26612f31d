import { Buffer } from 'node:buffer'
import { createCipheriv, createHash } from 'node:crypto'
import { OptionError } from '@holdfast/core'
import { asBuffer } from './as-buffer.js'
import type { PacketFormat } from './packet-format.js'
import type { RandomBytes } from './random-bytes.js'

/** Length of the header that begins an obfuscated stream, in bytes. */
export const obfuscatedHeaderBytes = 64

/** One direction of an obfuscated stream: en- and decrypting are the same. */
export interface Keystream {
  /** The next bytes, encrypted or decrypted, in memory of their own. */
  update(bytes: Uint8Array): Buffer
}

/** Both directions, as seen from one end. */
export interface ObfuscatedStreams {
  readonly incoming: Keystream
  readonly outgoing: Keystream
}

/** A key that clients may know, with the name that it has in the configuration. */
export interface NamedKey {
  readonly name: string
  /** 16 bytes. */
  readonly key: Uint8Array
}

/** What a valid header says. */
export interface OpenedHeader {
  /** The key that it was made with. */
  readonly key: NamedKey
  readonly format: PacketFormat
  /** As the client wrote it, -32768 to 32767. */
  readonly dcId: number
  /** Where the proxy's streams stand after the header. */
  readonly streams: ObfuscatedStreams
}

const tags: Readonly<Record<PacketFormat, number>> = {
  abridged: 0xefef_efef,
  intermediate: 0xeeee_eeee,
  padded: 0xdddd_dddd,
}

/** First words that mean something else: HEAD, POST, GET, OPTI, the tags, and a TLS hello (spec 3.2). */
const forbiddenWords: ReadonlySet<number> = new Set([
  0x4845_4144, 0x504f_5354, 0x4745_5420, 0x4f50_5449, 0xeeee_eeee, 0xdddd_dddd, 0x1603_0102,
])

/** Whether a header may not begin with these bytes, because servers would take it for something else (spec 3.2). */
export function isForbiddenHeader(header: Uint8Array): boolean {
  const bytes = asBuffer(header)
  return (
    bytes.readUInt8(0) === 0xef || forbiddenWords.has(bytes.readUInt32BE(0)) || bytes.readUInt32BE(4) === 0
  )
}

/** Draws that are refused before randomness is found to be none: each is with a chance of 1 in 200. */
const maxDraws = 64

/**
 * Begins an obfuscated stream as a client (spec 3.2).
 *
 * @param o - `key`: the proxy's 16 bytes, or null for a data centre itself, which has none (spec 5.6)
 * @returns the 64 bytes to send, and the client's streams after them
 */
export function createHeader(o: {
  readonly key: Uint8Array | null
  readonly format: PacketFormat
  readonly dcId: number
  readonly random: RandomBytes
}): { readonly wire: Buffer; readonly streams: ObfuscatedStreams } {
  const header = drawHeader(o.random)
  header.writeUInt32LE(tags[o.format], 56)
  header.writeInt16LE(o.dcId, 60)
  const { toProxy, toClient } = deriveStreams(header, o.key)
  const encrypted = toProxy.update(header)
  encrypted.copy(header, 56, 56)
  return { wire: header, streams: { incoming: toClient(), outgoing: toProxy } }
}

/**
 * Reads a client's header as the proxy: tries the keys in order (spec 3.2).
 *
 * @param wire - the 64 bytes; lent
 * @returns null when no key fits (`unknown_protocol`)
 */
export function openHeader(wire: Uint8Array, keys: Iterable<NamedKey>): OpenedHeader | null {
  const header = asBuffer(wire)
  for (const key of keys) {
    const { toProxy, toClient } = deriveStreams(header, key.key)
    const plain = toProxy.update(header)
    const format = formatOf(plain.readUInt32LE(56))
    if (format !== null) {
      return {
        key,
        format,
        dcId: plain.readInt16LE(60),
        streams: { incoming: toProxy, outgoing: toClient() },
      }
    }
  }
  return null
}

/** What of a header must not be seen twice: its 48 bytes that make the keys (spec 8). A view. */
export function headerReplayKey(wire: Uint8Array): Uint8Array {
  return wire.subarray(8, 56)
}

function drawHeader(random: RandomBytes): Buffer {
  for (let draw = 0; draw < maxDraws; draw += 1) {
    const header = Buffer.from(random(obfuscatedHeaderBytes))
    if (!isForbiddenHeader(header)) return header
  }
  throw new OptionError('random', 'random', `${maxDraws} forbidden headers in a row`)
}

function formatOf(tag: number): PacketFormat | null {
  if (tag === tags.padded) return 'padded'
  if (tag === tags.intermediate) return 'intermediate'
  return tag === tags.abridged ? 'abridged' : null
}

/** The way back is made only when it is needed: most headers of strangers fit no key. */
function deriveStreams(
  header: Buffer,
  key: Uint8Array | null,
): { toProxy: Keystream; toClient: () => Keystream } {
  const toProxy = keystream(header.subarray(8, 40), header.subarray(40, 56), key)
  const toClient = (): Keystream => {
    const reversed = Buffer.from(header.subarray(8, 56)).reverse()
    return keystream(reversed.subarray(0, 32), reversed.subarray(32), key)
  }
  return { toProxy, toClient }
}

function keystream(seed: Uint8Array, iv: Uint8Array, key: Uint8Array | null): Keystream {
  const aesKey = key === null ? seed : createHash('sha256').update(seed).update(key).digest()
  return createCipheriv('aes-256-ctr', aesKey, iv)
}
