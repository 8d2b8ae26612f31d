import { Buffer } from 'node:buffer'
import { OptionError } from '@holdfast/core'
import type { PacketFormat } from './packet-format.js'
import type { RandomBytes } from './random-bytes.js'
import type { Scratch } from './scratch.js'

/** What goes around a payload. */
export interface PacketEncoding {
  /**
   * Asks for a quick ack. Only clients do.
   *
   * @defaultValue false
   */
  readonly quickAck?: boolean
  /**
   * Random bytes to append, in the padded format only: 0 to 3, some clients send up to 15.
   *
   * @defaultValue none
   */
  readonly padding?: Uint8Array
  /**
   * Lends the memory that the frame is put into: for whoever uses it up at once.
   *
   * @defaultValue memory of its own
   */
  readonly scratch?: Scratch
}

const none = new Uint8Array()

/**
 * Frames one packet, before obfuscation (spec 3.3). Both directions use the same form.
 *
 * @param payload - a positive multiple of 4 bytes; lent
 * @throws an `OptionError` for a payload of another length
 */
export function encodePacket(format: PacketFormat, payload: Uint8Array, o: PacketEncoding = {}): Buffer {
  if (payload.length === 0 || payload.length % 4 !== 0 || payload.length >= 2 ** 26) {
    throw new OptionError('payload', 'a positive multiple of 4 bytes below 64 MiB', payload.length)
  }
  const { quickAck = false, padding = none, scratch } = o
  const room = (bytes: number): Buffer => scratch?.lend(bytes) ?? Buffer.allocUnsafe(bytes)
  return format === 'abridged'
    ? abridged(payload, quickAck, room)
    : intermediate(payload, quickAck, format === 'padded' ? padding : none, room)
}

/**
 * The answer to a packet that wanted a quick ack: four bytes without a length, reversed in the abridged format
 * (spec 3.3).
 *
 * @param confirm - the four bytes as Telegram sent them; lent
 */
export function encodeQuickAck(format: PacketFormat, confirm: Uint8Array): Buffer {
  const bytes = Buffer.from(confirm)
  return format === 'abridged' ? bytes.reverse() : bytes
}

type Room = (bytes: number) => Buffer

function abridged(payload: Uint8Array, quickAck: boolean, room: Room): Buffer {
  const words = payload.length / 4
  const flag = quickAck ? 0x80 : 0
  const header = words < 0x7f ? 1 : 4
  const frame = room(header + payload.length)
  if (header === 1) frame.writeUInt8(words | flag, 0)
  else frame.writeUInt32LE(words * 0x100 + (0x7f | flag), 0)
  frame.set(payload, header)
  return frame
}

function intermediate(payload: Uint8Array, quickAck: boolean, padding: Uint8Array, room: Room): Buffer {
  const length = payload.length + padding.length
  const frame = room(4 + length)
  frame.writeUInt32LE(length + (quickAck ? 0x8000_0000 : 0), 0)
  frame.set(payload, 4)
  frame.set(padding, 4 + payload.length)
  return frame
}

/** Padding for one packet: 0 to 3 random bytes in the padded format, none in the others. */
export function drawPadding(format: PacketFormat, random: RandomBytes): Uint8Array {
  if (format !== 'padded') return none
  const drawn = random(4)
  return drawn.subarray(1, 1 + ((drawn[0] ?? 0) & 3))
}
