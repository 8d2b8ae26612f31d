import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { OptionError } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { ClientBytesError } from '../src/wire/client-bytes-error.js'
import { maxPacketBytes, PacketDecoder, type Reply, ReplyDecoder } from '../src/wire/packet-decoder.js'
import { drawPadding, encodePacket, encodeQuickAck } from '../src/wire/packet-encoder.js'
import type { PacketFormat } from '../src/wire/packet-format.js'
import { Scratch } from '../src/wire/scratch.js'
import { everyCut, inPieces, oneByOne } from './support/pieces.js'
import { codecs, formatOf } from './vectors/client-vectors.js'
import { hex } from './vectors/vectors.js'

const formats = ['abridged', 'intermediate', 'padded'] as const
const format = fc.constantFrom<PacketFormat>(...formats)
const payload = fc
  .oneof(fc.integer({ min: 1, max: 140 }), fc.integer({ min: 1, max: 3000 }))
  .map((words) => Buffer.alloc(4 * words, words))

/** Feeds pieces and collects everything that comes out, as hex. */
function decodePackets(
  of: PacketFormat,
  pieces: readonly Buffer[],
): { payload: string; quickAck: boolean }[] {
  const decoder = new PacketDecoder(of)
  return pieces.flatMap((piece) => {
    decoder.push(piece)
    return drain(decoder).map((packet) => ({ ...packet, payload: packet.payload.toString('hex') }))
  })
}

function decodeReplies(of: PacketFormat, pieces: readonly Buffer[]): Reply[] {
  const decoder = new ReplyDecoder(of)
  return pieces.flatMap((piece) => {
    decoder.push(piece)
    return drain(decoder)
  })
}

function drain<T>(decoder: { next(): T | null }): T[] {
  const all: T[] = []
  for (let next = decoder.next(); next !== null; next = decoder.next()) all.push(next)
  return all
}

function reasonOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof ClientBytesError) return error.reason
    throw error
  }
  return 'accepted'
}

/** The filler of the long vectors. */
function longPayload(length: number): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; 32 * i < length; i += 1) {
    parts.push(createHash('sha256').update(`holdfast-mtproto:long:${i}`).digest())
  }
  return Buffer.concat(parts).subarray(0, length)
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('3.3 packet formats, recorded frames', () => {
  it.each(
    codecs.frames.map((c, index) => ({ ...c, title: `${index} ${c.proto} ${c.payload.length / 2} bytes` })),
  )(
    '$title: encodes to the frame, decodes from it cut anywhere',
    ({ proto, quick_ack, padding, payload, frame }) => {
      const of = formatOf(proto)
      const encoded = encodePacket(of, hex(payload), { quickAck: quick_ack, padding: hex(padding ?? '') })
      expect(encoded.toString('hex')).toBe(frame)
      const expected = [{ payload, quickAck: quick_ack }]
      for (const pieces of everyCut(hex(frame))) expect(decodePackets(of, pieces)).toEqual(expected)
      expect(decodePackets(of, oneByOne(hex(frame)))).toEqual(expected)
    },
  )

  it.each(codecs.long)(
    'a long $proto packet',
    ({ proto, payload_len, payload_sha256, frame_header, frame_sha256 }) => {
      const long = longPayload(payload_len)
      expect(sha256(long)).toBe(payload_sha256)
      const frame = encodePacket(formatOf(proto), long)
      expect(frame.subarray(0, 4).toString('hex')).toBe(frame_header)
      expect(sha256(frame)).toBe(frame_sha256)
      const [packet] = decodePackets(formatOf(proto), inPieces(frame, 1000))
      expect(sha256(hex(packet?.payload ?? ''))).toBe(payload_sha256)
    },
  )

  it.each(codecs.simple_ack_to_client)(
    'a quick ack to a $proto client',
    ({ proto, rpc_confirm_bytes, wire_before_obfuscation }) => {
      const of = formatOf(proto)
      expect(encodeQuickAck(of, hex(rpc_confirm_bytes)).toString('hex')).toBe(wire_before_obfuscation)
      // Only a confirmation whose top bit is set, as Telegram's are, can be told from a length.
      const confirm = hex(rpc_confirm_bytes)
      confirm.writeUInt8(confirm.readUInt8(3) | 0x80, 3)
      const expected: Reply[] = [{ kind: 'quick-ack', confirm }]
      expect(decodeReplies(of, [encodeQuickAck(of, confirm)])).toEqual(expected)
      expect(decodeReplies(of, oneByOne(encodeQuickAck(of, confirm)))).toEqual(expected)
    },
  )

  it('a quick ack that is framed, as the reference in C sends half of them to padded clients', () => {
    const wire = hex(codecs.simple_ack_secure_framed_alternative.captured_from_c)
    const expected: Reply[] = [{ kind: 'quick-ack', confirm: hex('3d2c1b8a') }]
    expect(decodeReplies('padded', [wire])).toEqual(expected)
    expect(decodeReplies('padded', oneByOne(wire))).toEqual(expected)
  })

  it.each(codecs.reject)('refuses $proto $bytes: $why', ({ proto, bytes, why }) => {
    const prefix = proto === 'abridged' ? 'abridged' : 'intermediate'
    const reason = why.includes('1048576') ? `${prefix}_max_size` : `${prefix}_bad_length`
    expect(reasonOf(() => decodePackets(formatOf(proto), [hex(bytes)]))).toBe(reason)
    expect(reasonOf(() => decodePackets(formatOf(proto), oneByOne(hex(bytes))))).toBe(reason)
  })
})

describe('3.3 limits', () => {
  it('takes a packet of 1 MiB - 4, padded or not, and refuses one word more', () => {
    const largest = Buffer.alloc(maxPacketBytes, 7)
    const padding = Buffer.from([1, 2, 3])
    for (const of of formats) {
      const frame = encodePacket(of, largest, { padding })
      expect(decodePackets(of, inPieces(frame, 65_536))).toHaveLength(1)
      const tooLong = encodePacket(of, Buffer.alloc(maxPacketBytes + 4))
      const prefix = of === 'abridged' ? 'abridged' : 'intermediate'
      expect(reasonOf(() => decodePackets(of, [tooLong.subarray(0, 4)]))).toBe(`${prefix}_max_size`)
    }
  })

  it('refuses lengths that hold no payload', () => {
    expect(reasonOf(() => decodePackets('padded', [hex('03000000')]))).toBe('intermediate_bad_length')
    expect(reasonOf(() => decodePackets('padded', [hex('00000080')]))).toBe('intermediate_bad_length')
    expect(reasonOf(() => decodePackets('abridged', [hex('80')]))).toBe('abridged_bad_length')
    expect(reasonOf(() => decodePackets('abridged', [hex('ff7e0000')]))).toBe('abridged_bad_length')
  })

  it('drops the last L mod 4 bytes of a padded frame only, so whole words of padding stay', () => {
    const frame = encodePacket('padded', Buffer.alloc(40, 1), { padding: Buffer.alloc(15, 2) })
    expect(decodePackets('padded', [frame])[0]?.payload).toHaveLength(2 * 52)
  })

  it('refuses to encode what is no packet', () => {
    expect(() => encodePacket('padded', Buffer.alloc(0))).toThrow(OptionError)
    expect(() => encodePacket('abridged', Buffer.alloc(5))).toThrow(OptionError)
  })

  it('a transport error code of four bytes is a packet like any other', () => {
    for (const of of formats) {
      const wire = encodePacket(of, hex('6cfeffff'))
      expect(decodeReplies(of, [wire])).toEqual([{ kind: 'packet', payload: hex('6cfeffff') }])
    }
  })
})

describe('what a decoder holds', () => {
  it('nothing between packets, and views of a chunk that has whole packets', () => {
    const decoder = new PacketDecoder('padded')
    const chunk = Buffer.concat([
      encodePacket('padded', Buffer.alloc(64, 1)),
      encodePacket('padded', Buffer.alloc(8, 2)),
    ])
    decoder.push(chunk)
    const packets = drain(decoder)
    expect(packets.map(({ payload }) => payload.buffer === chunk.buffer)).toEqual([true, true])
    expect(decoder.heldBytes).toBe(0)
  })

  it('what came and as much again, not what a length announces', () => {
    const decoder = new PacketDecoder('intermediate')
    decoder.push(hex('fcff0f00'))
    expect(decoder.next()).toBeNull()
    expect(decoder.heldBytes).toBe(0)
    for (let came = 1; came <= 4096; came += 1) {
      decoder.push(Buffer.alloc(1))
      decoder.next()
      expect(decoder.heldBytes).toBeLessThanOrEqual(2 * came)
    }
  })

  it('a packet of 1 MiB, byte by byte, costs no more than in proportion', () => {
    const decoder = new PacketDecoder('padded')
    const frame = encodePacket('padded', Buffer.alloc(maxPacketBytes, 9))
    const packets = oneByOne(frame).flatMap((byte) => {
      decoder.push(byte)
      return decoder.next() ?? []
    })
    expect(packets).toHaveLength(1)
    expect(packets[0]?.payload.equals(frame.subarray(4))).toBe(true)
  })
})

describe('properties', () => {
  test.prop([
    format,
    fc.array(fc.tuple(payload, fc.boolean(), fc.uint8Array({ maxLength: 3 })), { maxLength: 8 }),
    fc.nat(),
  ])('decode ∘ encode = id, however the bytes are cut, several packets at a time', (of, packets, seed) => {
    const frames = packets.map(([payload, quickAck, padding]) =>
      encodePacket(of, payload, { quickAck, padding }),
    )
    const expected = packets.map(([payload, quickAck]) => ({ payload: payload.toString('hex'), quickAck }))
    const bytes = Buffer.concat(frames)
    expect(decodePackets(of, inPieces(bytes, 1 + (seed % 97)))).toEqual(expected)
    expect(decodePackets(of, [bytes])).toEqual(expected)
  })

  test.prop([
    format,
    fc.array(fc.oneof(payload, fc.uint8Array({ minLength: 4, maxLength: 4 })), { maxLength: 8 }),
    fc.nat(),
  ])('the way back: packets and quick acks in any order', (of, items, seed) => {
    const wire: Buffer[] = []
    const expected: Reply[] = []
    for (const item of items) {
      if (Buffer.isBuffer(item)) {
        wire.push(encodePacket(of, item))
        expected.push({ kind: 'packet', payload: item })
      } else {
        // Telegram sets the top bit of what is the last byte of the word.
        const confirm = Buffer.from([...item.subarray(0, 3), (item[3] ?? 0) | 0x80])
        wire.push(encodeQuickAck(of, confirm))
        expected.push({ kind: 'quick-ack', confirm })
      }
    }
    expect(decodeReplies(of, inPieces(Buffer.concat(wire), 1 + (seed % 31)))).toEqual(expected)
  })

  test.prop([format, fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 })])(
    'any bytes are packets or a typed error, the same however they are cut',
    (of, bytes, size) => {
      const outcome = (pieces: readonly Buffer[]): unknown => {
        const decoder = new PacketDecoder(of)
        const packets: string[] = []
        try {
          for (const piece of pieces) {
            decoder.push(piece)
            for (const { payload, quickAck } of drain(decoder))
              packets.push(`${payload.toString('hex')} ${quickAck}`)
            expect(decoder.heldBytes).toBeLessThanOrEqual(2 * bytes.length)
          }
        } catch (error) {
          if (!(error instanceof ClientBytesError)) throw error
          return { error: error.reason }
        }
        return packets
      }
      const whole = outcome([Buffer.from(bytes)])
      expect(outcome(inPieces(Buffer.from(bytes), size))).toEqual(whole)
      const replies = new ReplyDecoder(of)
      replies.push(bytes)
      reasonOf(() => drain(replies))
    },
  )

  test.prop([fc.uint8Array({ minLength: 4, maxLength: 4 })])(
    'padding is 0 to 3 bytes, and only where the format has it',
    (drawn) => {
      expect(drawPadding('padded', () => drawn)).toHaveLength((drawn[0] ?? 0) % 4)
      expect(drawPadding('abridged', () => drawn)).toHaveLength(0)
    },
  )
})

describe('3.3 a frame in lent memory', () => {
  it.each(['abridged', 'intermediate', 'padded'] as const)('is the same as one of its own (%s)', (format) => {
    const scratch = new Scratch()
    for (const words of [1, 200, 0x7f, 40_000, 3]) {
      const payload = Buffer.alloc(4 * words, words)
      const padding = Buffer.from([1, 2, 3])
      const lent = encodePacket(format, payload, { padding, quickAck: true, scratch })
      expect(lent.equals(encodePacket(format, payload, { padding, quickAck: true }))).toBe(true)
    }
  })
})
