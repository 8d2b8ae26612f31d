import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { isStrictPacket } from '../src/wire/plain-packet.js'
import { fakeTls, obfuscated2 } from './vectors/client-vectors.js'
import { hex } from './vectors/vectors.js'

/** An unencrypted message, with or without something after it. */
function plain(constructor: number, length: number, size = 20 + length): Buffer {
  const packet = Buffer.alloc(size)
  packet.writeUInt32LE(length, 16)
  packet.writeUInt32LE(constructor, 20)
  return packet
}

describe('5.5 strict_plain_packets', () => {
  it('lets the key exchange of real clients pass', () => {
    const packets = [
      ...obfuscated2.captured_tdlib.map((c) => c.first_packet),
      fakeTls.captured_tdlib_1_8_65.inner_first_packet,
    ]
    expect(packets.map((packet) => isStrictPacket(hex(packet)))).toEqual([true, true, true])
  })

  it.each([0x6046_9778, 0xbe7e_8ef1, 0xd712_e4be, 0xf504_5f1f])('lets 0x%s pass', (constructor) => {
    expect(isStrictPacket(plain(constructor, 20))).toBe(true)
    expect(isStrictPacket(plain(constructor, 20, 52))).toBe(true)
    expect(isStrictPacket(plain(constructor, 19, 40))).toBe(false)
    expect(isStrictPacket(plain(constructor, 24, 40))).toBe(false)
    expect(isStrictPacket(plain(constructor, 0xffff_ffff, 40))).toBe(false)
  })

  it('lets no other call pass, nor what is too short for one', () => {
    expect(isStrictPacket(plain(0x1234_5678, 20))).toBe(false)
    expect(isStrictPacket(Buffer.alloc(8))).toBe(false)
    expect(isStrictPacket(Buffer.alloc(36))).toBe(false)
  })

  test.prop([fc.uint8Array({ maxLength: 64 })])('says nothing against what is encrypted', (packet) => {
    const encrypted = packet.length < 8 || packet.subarray(0, 8).some((byte) => byte !== 0)
    if (encrypted) expect(isStrictPacket(packet)).toBe(true)
  })
})
