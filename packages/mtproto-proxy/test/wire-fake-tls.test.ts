import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ClientBytesError } from '../src/wire/client-bytes-error.js'
import { isTimely, parseClientHello, verifyClientHello } from '../src/wire/client-hello.js'
import { encodeClientHello } from '../src/wire/client-hello-encoder.js'
import { type ClientOpeningStep, openClient } from '../src/wire/client-opening.js'
import { ObfuscatedStream } from '../src/wire/obfuscated-stream.js'
import { createHeader, openHeader } from '../src/wire/obfuscated2.js'
import type { ClientPacket } from '../src/wire/packet-decoder.js'
import { encodePacket } from '../src/wire/packet-encoder.js'
import { ServerCodec } from '../src/wire/server-codec.js'
import { encodeServerHello } from '../src/wire/server-hello.js'
import { ServerHelloReader, type ServerHelloResult } from '../src/wire/server-hello-reader.js'
import { decodeErrorAlert, encodeTlsRecords, TlsRecordDecoder } from '../src/wire/tls-records.js'
import { everyCut, inPieces, oneByOne } from './support/pieces.js'
import { fakeTls, formatOf } from './vectors/client-vectors.js'
import { hex } from './vectors/vectors.js'

const key = { name: 'alice', key: hex(fakeTls.secret) }
const stranger = { name: 'bob', key: Buffer.alloc(16, 1) }
const fill = (size: number): Uint8Array => Buffer.alloc(size, 0x5a)
const [recorded] = fakeTls.cases
if (!recorded) throw new Error('no recorded hello')

function unwrap(pieces: readonly Buffer[]): Buffer {
  const decoder = new TlsRecordDecoder()
  const out: Buffer[] = []
  for (const piece of pieces) {
    decoder.push(piece)
    for (let some = decoder.next(); some !== null; some = decoder.next()) out.push(some)
    expect(decoder.heldBytes).toBeLessThanOrEqual(5)
  }
  return Buffer.concat(out)
}

function answer(pieces: readonly Buffer[], clientRandom: string): ServerHelloResult | null {
  const reader = new ServerHelloReader(key.key, hex(clientRandom))
  for (const [index, piece] of pieces.entries()) {
    const result = reader.push(piece)
    if (result === null) continue
    if (result.kind !== 'proxy') return result
    return { kind: 'proxy', rest: Buffer.concat([result.rest, ...pieces.slice(index + 1)]) }
  }
  return null
}

describe('3.4 ClientHello', () => {
  it.each(fakeTls.cases)('of $domain: digest, time, host, suite and key share', (c) => {
    const record = hex(c.client_hello)
    expect(parseClientHello(record)).toEqual({
      random: hex(c.client_random),
      sessionId: hex(c.session_id),
      cipherSuite: Number.parseInt(c.cipher_suite, 16),
      keyShare: 'x25519',
      sni: c.domain,
    })
    expect(verifyClientHello(record, [stranger, key])).toEqual({ key, timestamp: c.timestamp })
  })

  it.each(fakeTls.reject)('$why', ({ client_hello }) => {
    expect(parseClientHello(hex(client_hello))).not.toBeNull()
    expect(verifyClientHello(hex(client_hello), [key])).toBeNull()
  })

  it('is malformed when its extensions do not fill it', () => {
    expect(parseClientHello(hex(fakeTls.malformed.client_hello))).toBeNull()
    expect(Buffer.from(decodeErrorAlert).toString('hex')).toBe(fakeTls.malformed.expected_alert)
  })

  it.each(fakeTls.captured_from_mtg_fixtures)(
    '$source',
    ({ secret, domain, valid, timestamp, client_hello }) => {
      const record = hex(client_hello)
      expect(parseClientHello(record)).toMatchObject({ sni: domain, keyShare: 'x25519', cipherSuite: 0x1303 })
      const only = { name: 'only', key: hex(secret) }
      expect(verifyClientHello(record, [only])).toEqual(valid ? { key: only, timestamp } : null)
    },
  )

  it('is malformed when any byte of it is missing or one too many', () => {
    const record = hex(recorded.client_hello)
    for (let length = 0; length < record.length; length += 1) {
      expect(parseClientHello(record.subarray(0, length))).toBeNull()
    }
    expect(parseClientHello(Buffer.concat([record, Buffer.alloc(1)]))).toBeNull()
    expect(verifyClientHello(record.subarray(0, 20), [key])).toBeNull()
  })

  it('its time may be 10 min behind and 20 min ahead, an uptime, or anything', () => {
    const skew = { past: 600, future: 1200 }
    const now = 1_700_000_000
    expect([-601, -600, 0, 1200, 1201].map((off) => isTimely(now + off, now, skew))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
    expect([0, 86_399_999, 86_400_000].map((uptime) => isTimely(uptime, now, skew))).toEqual([
      true,
      true,
      false,
    ])
    expect(isTimely(86_400_000, now, 'off')).toBe(true)
  })

  test.prop([
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.stringMatching(/^[a-z0-9.-]{1,253}$/),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.uint8Array({ minLength: 5, maxLength: 5 }),
  ])('one of ours says what it was given', (secret, domain, timestamp, drawn) => {
    const random = (size: number): Uint8Array => (size === 5 ? drawn : fill(size))
    const record = encodeClientHello({ key: secret, domain, timestamp, x25519PublicKey: fill(32), random })
    expect(record.length).toBeGreaterThanOrEqual(517)
    if (domain.length < 180) expect(record.subarray(0, 5).toString('hex')).toBe('1603010200')
    const mine = { name: 'mine', key: secret }
    expect(verifyClientHello(record, [stranger, mine])).toEqual({ key: mine, timestamp })
    expect(parseClientHello(record)).toMatchObject({ sni: domain, keyShare: 'x25519', cipherSuite: 0x1301 })
  })

  test.prop([fc.nat({ max: 516 }), fc.integer({ min: 0, max: 255 })], { numRuns: 3000 })(
    'with any byte changed it is a hello or malformed, never an exception, and never of the same digest',
    (at, value) => {
      const record = hex(recorded.client_hello)
      const same = record[at] === value
      record[at] = value
      parseClientHello(record)
      const inTime = at >= 39 && at < 43
      expect(verifyClientHello(record, [key]) !== null).toBe(same || inTime)
    },
  )

  test.prop([fc.uint8Array({ maxLength: 300 })])('any extensions are a hello or malformed', (extensions) => {
    const head = hex(recorded.client_hello).subarray(5, 5 + 4 + 2 + 32)
    const rest = Buffer.concat([hex('0000021301010000'), extensions])
    rest.writeUInt16BE(extensions.length, 6)
    const hello = Buffer.concat([head, rest])
    hello.writeUIntBE(hello.length - 4, 1, 3)
    const record = Buffer.concat([hex('1603010000'), hello])
    record.writeUInt16BE(hello.length, 3)
    const parsed = parseClientHello(record)
    if (parsed !== null) expect(parsed.cipherSuite).toBe(0x1301)
  })
})

describe('3.4 ServerHello', () => {
  it.each(fakeTls.cases)('for $domain: three records, and a client takes them cut anywhere', (c) => {
    const wire = encodeServerHello({
      key: key.key,
      clientRandom: hex(c.client_random),
      sessionId: hex(c.session_id),
      cipherSuite: Number.parseInt(c.cipher_suite, 16),
      x25519PublicKey: hex(c.server_key_share_x25519),
      certificate: hex(c.server_app_data),
    })
    expect(wire.toString('hex')).toBe(c.server_response)
    const more = Buffer.concat([wire, hex('1703030001aa')])
    const expected = { kind: 'proxy', rest: hex('1703030001aa') }
    for (const pieces of everyCut(more)) expect(answer(pieces, c.client_random)).toEqual(expected)
    expect(answer(oneByOne(more), c.client_random)).toEqual(expected)
    expect(answer([wire.subarray(0, -1)], c.client_random)).toBeNull()
  })

  it('of somebody else is told from a proxy', () => {
    const wire = hex(recorded.server_response)
    const random = recorded.client_random
    wire[wire.length - 1] = (wire[wire.length - 1] ?? 0) ^ 1
    expect(answer([wire], random)).toEqual({ kind: 'web-server' })
    expect(answer([hex('160303000100'), hex('160303000100')], random)).toEqual({ kind: 'web-server' })
    expect(answer([hex('1603030000'), hex('1403030000'), hex('1703030000')], random)).toEqual({
      kind: 'web-server',
    })
    expect(answer([Buffer.from(decodeErrorAlert)], random)).toEqual({ kind: 'alert' })
    expect(answer([Buffer.from('HTTP/1.1 400')], random)).toEqual({ kind: 'not-tls' })
    expect(answer([hex('1603034fff')], random)).toEqual({ kind: 'not-tls' })
  })
})

describe('3.4 records', () => {
  it.each(fakeTls.records)('of $payload_len bytes', ({ payload_len, wire, headers }) => {
    const payload = Buffer.alloc(payload_len, 'hello')
    const encoded = encodeTlsRecords(payload)
    if (wire !== undefined) expect(encoded.toString('hex')).toBe(wire)
    let at = 0
    for (const header of headers ?? []) {
      expect(encoded.subarray(at, at + 5).toString('hex')).toBe(header)
      at += 5 + hex(header).readUInt16BE(3)
    }
    expect(unwrap([encoded])).toEqual(payload)
    expect(unwrap(inPieces(encoded, 7))).toEqual(payload)
  })

  it('ChangeCipherSpec and empty records are skipped, at any cut', () => {
    const stream = hex('1703030000140303000101170303000261620000'.slice(0, -4) + '1703030001' + '63')
    for (const pieces of everyCut(stream)) expect(unwrap(pieces).toString()).toBe('abc')
  })

  it.each([
    ['15030300020232', 'tls_bad_record'],
    ['1603030001', 'tls_bad_record'],
    ['1703010001', 'tls_bad_record'],
    ['1703034101', 'tls_max_size'],
  ])('%s is refused: %s', (bytes, reason) => {
    for (const pieces of [[hex(bytes)], oneByOne(hex(bytes))]) {
      expect(() => unwrap(pieces)).toThrow(expect.objectContaining({ name: 'ClientBytesError', reason }))
    }
  })

  test.prop([fc.uint8Array({ maxLength: 40_000 }), fc.integer({ min: 1, max: 20_000 })])(
    'what is wrapped comes out',
    (payload, size) => {
      expect(unwrap(inPieces(encodeTlsRecords(payload), size))).toEqual(Buffer.from(payload))
    },
  )

  test.prop([fc.uint8Array({ maxLength: 100 })])('any bytes are payload or a typed error', (bytes) => {
    try {
      unwrap([Buffer.from(bytes)])
    } catch (error) {
      expect(error).toBeInstanceOf(ClientBytesError)
    }
  })
})

describe('3.4 an exchange captured from TDLib', () => {
  const c = fakeTls.captured_tdlib_1_8_65
  it('hello and first packet, however the stream is cut', () => {
    const record = hex(c.client_hello)
    const only = { name: 'only', key: hex(c.secret) }
    expect(verifyClientHello(record, [only])).toEqual({ key: only, timestamp: c.timestamp })
    expect(parseClientHello(record)).toMatchObject({ sni: c.domain, keyShare: 'x25519' })
    for (const size of [1, 13, 1000]) {
      const inner = unwrap(inPieces(hex(c.client_after_hello), size))
      const opened = openHeader(inner.subarray(0, 64), [only])
      expect(opened).toMatchObject({ format: formatOf(c.inner_proto), dcId: c.inner_dc })
      if (opened === null) return
      const codec = new ServerCodec(opened.format, new ObfuscatedStream(opened.streams, null), fill)
      codec.push(inner.subarray(64))
      expect(codec.next()).toEqual({ payload: hex(c.inner_first_packet), quickAck: c.inner_first_quick_ack })
    }
  })
})

describe('an opening of ours', () => {
  const common = { dcId: -3, timestamp: 1_700_000_000, x25519PublicKey: fill(32), random: fill }

  function serve(step: ClientOpeningStep, records: TlsRecordDecoder | null): void {
    if (step.kind !== 'ready') throw new Error(`expected to be ready, got ${step.kind}`)
    records?.push(step.send)
    const header = records ? records.next() : step.send
    const opened = openHeader(header ?? Buffer.alloc(64), [stranger, key])
    expect(opened).toMatchObject({ key, dcId: -3 })
    if (opened === null) return
    const server = new ServerCodec(opened.format, new ObfuscatedStream(opened.streams, records), fill)
    const got: ClientPacket[] = []
    for (const size of [4, 40_000]) {
      server.push(step.codec.encode(Buffer.alloc(size, 3), { quickAck: size === 4 }))
      for (let packet = server.next(); packet !== null; packet = server.next()) got.push(packet)
      for (const piece of inPieces(server.encode(Buffer.alloc(size, 4)), 1111)) step.codec.push(piece)
      step.codec.push(server.encodeQuickAck(hex('010203ff')))
      expect(step.codec.next()).toEqual({ kind: 'packet', payload: Buffer.alloc(size, 4) })
      expect(step.codec.next()).toEqual({ kind: 'quick-ack', confirm: hex('010203ff') })
      expect(step.codec.next()).toBeNull()
    }
    expect(got).toEqual([
      { payload: Buffer.alloc(4, 3), quickAck: true },
      { payload: Buffer.alloc(40_000, 3), quickAck: false },
    ])
    expect(server.heldBytes).toBe(0)
  }

  it('packets before a record that is broken come first, then its error, however it is cut', () => {
    const { wire, streams } = createHeader({ key: key.key, format: 'padded', dcId: 2, random: fill })
    const packet = streams.outgoing.update(encodePacket('padded', Buffer.alloc(8, 1)))
    const bytes = Buffer.concat([encodeTlsRecords(packet), decodeErrorAlert, encodeTlsRecords(packet)])
    for (const pieces of [...everyCut(bytes), oneByOne(bytes)]) {
      const opened = openHeader(wire, [key])
      if (opened === null) throw new Error('not opened')
      const codec = new ServerCodec(
        'padded',
        new ObfuscatedStream(opened.streams, new TlsRecordDecoder()),
        fill,
      )
      for (const piece of pieces) codec.push(piece)
      expect(codec.next()).toEqual({ payload: Buffer.alloc(8, 1), quickAck: false })
      const broken: unknown = expect.objectContaining({ reason: 'tls_bad_record' })
      expect(() => codec.next()).toThrow(broken)
      codec.push(bytes)
      expect(() => codec.next()).toThrow(broken)
    }
  })

  it.each(['abridged', 'intermediate'] as const)('plain, %s', (plainFormat) => {
    serve(openClient({ ...common, plainFormat, secret: { kind: 'plain', key: key.key } }), null)
  })

  it('secure', () => {
    serve(openClient({ ...common, plainFormat: 'abridged', secret: { kind: 'secure', key: key.key } }), null)
  })

  it.each([1, 100_000])('fake-TLS, the answer in pieces of %i bytes', (size) => {
    const secret = { kind: 'fake-tls', key: key.key, domain: 'example.com' } as const
    const first = openClient({ ...common, plainFormat: 'abridged', secret })
    if (first.kind !== 'hello') throw new Error('no hello')
    const hello = parseClientHello(first.send)
    if (hello === null) throw new Error('malformed')
    const wire = encodeServerHello({
      key: key.key,
      clientRandom: hello.random,
      sessionId: hello.sessionId,
      cipherSuite: hello.cipherSuite ?? 0,
      x25519PublicKey: fill(32),
      certificate: fill(2000),
    })
    const steps = inPieces(wire, size).map((piece) => first.answer(piece))
    expect(steps.slice(0, -1).every((step) => step === null)).toBe(true)
    const last = steps.at(-1)
    if (!last) throw new Error('no step')
    serve(last, new TlsRecordDecoder())
  })

  it('fake-TLS to somebody who does not know the key', () => {
    const secret = { kind: 'fake-tls', key: key.key, domain: 'example.com' } as const
    const first = openClient({ ...common, plainFormat: 'abridged', secret })
    if (first.kind !== 'hello') throw new Error('no hello')
    expect(first.answer(Buffer.from(decodeErrorAlert))).toEqual({ kind: 'refused', why: 'alert' })
  })
})
