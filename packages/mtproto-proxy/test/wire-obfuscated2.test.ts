import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { OptionError } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { ObfuscatedStream } from '../src/wire/obfuscated-stream.js'
import { createHeader, headerReplayKey, isForbiddenHeader, openHeader } from '../src/wire/obfuscated2.js'
import { ServerCodec } from '../src/wire/server-codec.js'
import { inPieces, oneByOne } from './support/pieces.js'
import { formatOf, obfuscated2 } from './vectors/client-vectors.js'
import { hex } from './vectors/vectors.js'

const key = { name: 'alice', key: hex(obfuscated2.secret) }
const stranger = { name: 'bob', key: Buffer.alloc(16, 1) }
const never = (): never => {
  throw new Error('nothing is to be drawn')
}

describe('3.2 obfuscated2 headers', () => {
  it.each(obfuscated2.cases)('a $proto client of DC $dc', (c) => {
    const client = createHeader({
      key: key.key,
      format: formatOf(c.proto),
      dcId: c.dc,
      random: () => hex(c.random),
    })
    expect(client.wire.toString('hex')).toBe(c.wire)
    expect(client.streams.outgoing.update(hex(c.payload_c2s.plain)).toString('hex')).toBe(
      c.payload_c2s.cipher,
    )
    expect(client.streams.incoming.update(hex(c.payload_s2c.cipher)).toString('hex')).toBe(
      c.payload_s2c.plain,
    )

    const opened = openHeader(hex(c.wire), [stranger, key])
    expect(opened).toMatchObject({ key: { name: 'alice' }, format: formatOf(c.proto), dcId: c.dc })
    expect(opened?.streams.incoming.update(hex(c.payload_c2s.cipher)).toString('hex')).toBe(
      c.payload_c2s.plain,
    )
    expect(opened?.streams.outgoing.update(hex(c.payload_s2c.plain)).toString('hex')).toBe(
      c.payload_s2c.cipher,
    )
  })

  it('a header for a data centre itself, which has no secret', () => {
    const c = obfuscated2.direct_to_dc_no_secret
    const made = createHeader({
      key: null,
      format: formatOf(c.proto),
      dcId: c.dc,
      random: () => hex(c.random),
    })
    expect(made.wire.toString('hex')).toBe(c.wire)
  })

  it('a header that another implementation recorded', () => {
    const c = obfuscated2.server_side_fixture_from_mtg
    const opened = openHeader(hex(c.wire), [{ name: 'only', key: hex(c.secret) }])
    expect(opened).toMatchObject({ format: formatOf(c.proto), dcId: c.dc })
    expect(opened?.streams.outgoing.update(hex(c.server_sends.plain)).toString('hex')).toBe(
      c.server_sends.cipher,
    )
    expect(opened?.streams.incoming.update(hex(c.server_receives.cipher)).toString('hex')).toBe(
      c.server_receives.plain,
    )
  })

  it.each(obfuscated2.captured_tdlib)('a $proto stream captured from TDLib, however it is cut', (c) => {
    const stream = hex(c.stream_c2s)
    for (const pieces of [
      [stream.subarray(64)],
      oneByOne(stream.subarray(64)),
      inPieces(stream.subarray(64), 37),
    ]) {
      const opened = openHeader(stream.subarray(0, 64), [{ name: 'only', key: hex(c.secret) }])
      expect(opened).toMatchObject({ format: formatOf(c.proto), dcId: c.dc })
      if (opened === null) return
      const codec = new ServerCodec(opened.format, new ObfuscatedStream(opened.streams, null), never)
      const packets = pieces.flatMap((piece) => {
        codec.push(piece)
        const got = []
        for (let packet = codec.next(); packet !== null; packet = codec.next()) got.push(packet)
        return got
      })
      expect(packets).toHaveLength(c.packets)
      expect(packets[0]).toEqual({ payload: hex(c.first_packet), quickAck: c.first_packet_quick_ack })
      expect(codec.heldBytes).toBe(0)
    }
  })

  it('no key fits: no header', () => {
    expect(openHeader(hex(obfuscated2.cases[0]?.wire ?? ''), [stranger])).toBeNull()
    expect(openHeader(Buffer.alloc(64), [])).toBeNull()
  })

  it.each(obfuscated2.forbidden_headers)(
    'draws again when it begins like $why',
    ({ prefix = '11223344', bytes_4_to_8 = '' }) => {
      const bad = Buffer.alloc(64, 5)
      hex(prefix + bytes_4_to_8).copy(bad)
      expect(isForbiddenHeader(bad)).toBe(true)
      const draws = [bad, Buffer.alloc(64, 9)]
      const { wire } = createHeader({
        key: key.key,
        format: 'padded',
        dcId: 2,
        random: () => draws.shift() ?? never(),
      })
      expect(wire.subarray(0, 56)).toEqual(Buffer.alloc(56, 9))
      expect(draws).toEqual([])
    },
  )

  it('gives up on randomness that is none', () => {
    const random = (): Uint8Array => new Uint8Array(64)
    expect(() => createHeader({ key: null, format: 'padded', dcId: 2, random })).toThrow(OptionError)
  })

  it('8: what must not come twice are the bytes that make the keys', () => {
    const wire = Buffer.from(Array.from({ length: 64 }, (_, i) => i))
    expect(headerReplayKey(wire)).toEqual(wire.subarray(8, 56))
  })

  test.prop([
    fc.uint8Array({ minLength: 64, maxLength: 64 }).filter((bytes) => !isForbiddenHeader(bytes)),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.constantFrom('abridged', 'intermediate', 'padded'),
    fc.integer({ min: -32_768, max: 32_767 }),
  ])('whoever knows the key reads what was written', (drawn, secret, format, dcId) => {
    const { wire } = createHeader({ key: secret, format, dcId, random: () => drawn })
    expect(openHeader(wire, [{ name: 'it', key: secret }])).toMatchObject({ format, dcId })
  })
})
