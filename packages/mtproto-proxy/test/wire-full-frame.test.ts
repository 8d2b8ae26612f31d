import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { checksumOf } from '../src/wire/checksum.js'
import { FrameReader, FrameWriter, maxFrameBytes } from '../src/wire/full-frame.js'
import { FrameError, UnsendablePacketError } from '../src/wire/middle-proxy-error.js'
import { hex, vectors } from './vectors/vectors.js'

const { full_frames_plain: plainFrames, crc } = vectors<{
  full_frames_plain: { seq: number; body: string; frame_unpadded: string; frame_padded16: string }[]
  crc: { crc32: string; crc32c: string }
}>('mtproto-rpc')

/** Everything that a reader makes of these chunks. */
function readAll(reader: FrameReader, ...chunks: readonly Uint8Array[]): (string | FrameError)[] {
  const bodies: (string | FrameError)[] = []
  for (const chunk of chunks) {
    reader.feed(chunk)
    for (let body = reader.next(); body !== null; body = reader.next()) {
      bodies.push(body instanceof FrameError ? body : body.toString('hex'))
      if (body instanceof FrameError) return bodies
    }
  }
  return bodies
}

function problemOf(...chunks: readonly Uint8Array[]): string | undefined {
  const last = readAll(new FrameReader(), ...chunks).at(-1)
  return last instanceof FrameError ? last.problem : last
}

const bodies = fc.array(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => bytes.subarray(0, bytes.length - (bytes.length % 4))),
  { maxLength: 8 },
)
const checksums = fc.constantFrom('crc32' as const, 'crc32c' as const)

describe('checksums', () => {
  it('5.1: give the values of the vectors', () => {
    expect(checksumOf('crc32', Buffer.from('123456789')).toString(16)).toBe(crc.crc32)
    expect(checksumOf('crc32c', Buffer.from('123456789')).toString(16)).toBe(crc.crc32c)
  })

  test.prop([fc.uint8Array({ maxLength: 50 })])('5.1: CRC-32C is the remainder bit by bit', (bytes) => {
    let register = -1
    for (const byte of bytes) {
      register ^= byte
      for (let bit = 0; bit < 8; bit += 1)
        register = register & 1 ? (register >>> 1) ^ 0x82f6_3b78 : register >>> 1
    }
    expect(checksumOf('crc32c', bytes)).toBe(~register >>> 0)
  })
})

describe('full frames', () => {
  it.each(plainFrames)('5.1: frame $seq is written and read as recorded', (recorded) => {
    const { seq, body, frame_unpadded: frame, frame_padded16: padded } = recorded
    expect(new FrameWriter({ seq }).write(hex(body)).toString('hex')).toBe(frame)
    // What is padded is seen before encryption.
    const identity = new FrameWriter({ seq, encrypt: (bytes) => Buffer.from(bytes) })
    expect(identity.write(hex(body)).toString('hex')).toBe(padded)
    for (const bytes of [frame, padded].map(hex)) {
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        expect(readAll(new FrameReader({ seq }), bytes.subarray(0, cut), bytes.subarray(cut))).toEqual([body])
      }
    }
  })

  it('5.1: counting begins at -2 in each direction', () => {
    const writer = new FrameWriter()
    const frames = [0, 1, 2].map(() => writer.write(Buffer.alloc(4)))
    expect(frames.map((frame) => frame.readInt32LE(4))).toEqual([-2, -1, 0])
    expect(readAll(new FrameReader(), ...frames)).toHaveLength(3)
  })

  test.prop([bodies, checksums, fc.array(fc.nat(60), { minLength: 1, maxLength: 5 }), fc.boolean()])(
    '5.1: whatever was written is read again, however it is cut',
    (written, checksum, sizes, isPadded) => {
      const encrypt = (bytes: Uint8Array): Buffer => Buffer.from(bytes)
      const writer = new FrameWriter({ checksum, ...(isPadded && { encrypt }) })
      const bytes = Buffer.concat(written.map((body) => writer.write(body.subarray(0, 4), body.subarray(4))))
      const chunks: Buffer[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = 1 + (sizes[turn % sizes.length] ?? 0)
        chunks.push(bytes.subarray(at, at + size))
        at += size
      }
      const reader = new FrameReader({ checksum })
      expect(readAll(reader, ...chunks)).toEqual(written.map((body) => Buffer.from(body).toString('hex')))
      expect(reader.heldBytes).toBeLessThanOrEqual(4)
    },
  )

  test.prop([fc.uint8Array({ maxLength: 200 })], { numRuns: 500 })(
    '5.1: any bytes are frames or a typed error, and nothing comes after an error',
    (bytes) => {
      const reader = new FrameReader()
      const [error] = readAll(reader, bytes).filter((body) => body instanceof FrameError)
      if (error === undefined) return
      reader.feed(new FrameWriter().write(Buffer.alloc(4)))
      expect(reader.next()).toBe(error)
      expect(reader.heldBytes).toBe(0)
    },
  )

  it('5.1: a wrong length, number or checksum is an error', () => {
    const frame = new FrameWriter().write(hex('01020304'))
    const changed = (at: number, byte: number): Buffer => {
      const copy = Buffer.from(frame)
      copy[at] = byte
      return copy
    }
    expect(problemOf(changed(0, 17))).toBe('length')
    expect(problemOf(changed(0, 8))).toBe('length')
    expect(problemOf(changed(3, 2))).toBe('length')
    expect(problemOf(changed(4, 0))).toBe('sequence')
    expect(problemOf(changed(9, 9))).toBe('checksum')
    expect(problemOf(changed(15, ~(frame[15] ?? 0)))).toBe('checksum')
    expect(problemOf(frame, frame)).toBe('sequence')
    for (const bytes of [changed(0, 17), changed(3, 2)]) {
      expect(problemOf(...[...bytes].map((byte) => Buffer.of(byte)))).toBe('length')
    }
  })

  it('5.1: checksums are compared only if wanted', () => {
    const frame = new FrameWriter().write(hex('01020304'))
    frame[9] = 9
    expect(readAll(new FrameReader({ verify: false }), frame)).toEqual(['01090304'])
  })

  it('5.1: a frame may have 2^24 bytes, and costs memory only as its bytes come', () => {
    const body = Buffer.alloc(maxFrameBytes - 12, 7)
    const frame = new FrameWriter().write(body)
    const reader = new FrameReader()
    reader.feed(frame.subarray(0, 100))
    expect(reader.next()).toBeNull()
    expect(reader.heldBytes).toBeLessThanOrEqual(65_536)
    reader.feed(frame.subarray(100, 3_000_000))
    expect(reader.next()).toBeNull()
    expect(reader.heldBytes).toBeLessThanOrEqual(6_000_000)
    reader.feed(frame.subarray(3_000_000))
    expect(body.equals(reader.next() as Buffer)).toBe(true)
    expect(() => new FrameWriter().write(body, Buffer.alloc(4))).toThrow(UnsendablePacketError)
  })

  it('5.1: what cannot be sent uses up no number', () => {
    const writer = new FrameWriter()
    expect(() => writer.write(Buffer.alloc(5))).toThrow(UnsendablePacketError)
    expect(writer.write(Buffer.alloc(4)).readInt32LE(4)).toBe(-2)
  })

  it('5.1: what was not read can be taken by another reader', () => {
    const writer = new FrameWriter()
    const [first, second] = [writer.write(hex('01010101')), writer.write(hex('02020202'))]
    const reader = new FrameReader()
    reader.feed(Buffer.concat([first, second]).subarray(0, 30))
    expect((reader.next() as Buffer).toString('hex')).toBe('01010101')
    expect(reader.takeRest()).toEqual(second.subarray(0, 14))
    expect(reader.takeRest()).toHaveLength(0)
    reader.feed(second.subarray(0, 7))
    expect(reader.next()).toBeNull()
    expect(reader.takeRest()).toEqual(second.subarray(0, 7))
  })
})
