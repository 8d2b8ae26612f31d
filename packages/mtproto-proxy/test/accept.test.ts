import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Acceptance, maxWaitingBytes } from '../src/accept/acceptance.js'
import type { AcceptEffect, AcceptOptions, AllowedProtocol, BadClient } from '../src/accept/types.js'
import type { Newcomer, Verdict } from '../src/gatekeeper.js'
import { clientHelloDigest } from '../src/wire/client-hello.js'
import { encodeClientHello } from '../src/wire/client-hello-encoder.js'
import { ipToText } from '../src/wire/ip-address.js'
import { createHeader } from '../src/wire/obfuscated2.js'
import { encodePacket } from '../src/wire/packet-encoder.js'
import type { PacketFormat } from '../src/wire/packet-format.js'
import { deriveSniKey } from '../src/wire/secret.js'
import { changeCipherSpec, encodeTlsRecords } from '../src/wire/tls-records.js'
import { everyCut, inPieces, oneByOne } from './support/pieces.js'
import { fakeTls } from './vectors/client-vectors.js'
import { hex } from './vectors/vectors.js'

const now = 1_700_000_000
const key = hex('d0d6e111bada5511fcce9584deadbeef')
const fill = (size: number): Uint8Array => Buffer.alloc(size, 0x5a)
const everything: readonly AllowedProtocol[] = ['fake_tls', 'secure', 'abridged', 'intermediate']

const defaults: AcceptOptions = {
  listener: 'main',
  keys: [
    { name: 'bob', key: Buffer.alloc(16, 1) },
    { name: 'alice', key },
  ],
  allowed: new Set(everything),
  perSniSalt: null,
  timeSkew: { past: 600, future: 1200 },
  certificateBytes: [100, 100],
  badClient: 'swallow',
  fronting: false,
  isBalancer: () => false,
  random: fill,
  x25519PublicKey: () => fill(32),
}

const admitted: Verdict = { transferred: () => true, leave: () => undefined }
const refusedBy = (refused: 'policy_error' | 'replay_session_detected'): Verdict => ({ refused })

// What newcomers send.

const packets = [Buffer.alloc(4, 7), Buffer.alloc(600, 8)]

function headerStream(format: PacketFormat, secret: Uint8Array = key, dcId = -4): Buffer {
  const { wire, streams } = createHeader({ key: secret, format, dcId, random: fill })
  const frames = packets.map((payload, index) => encodePacket(format, payload, { quickAck: index === 1 }))
  return Buffer.concat([wire, streams.outgoing.update(Buffer.concat(frames))])
}

function hello(o: { secret?: Uint8Array; timestamp?: number; domain?: string } = {}): Buffer {
  const { secret = key, timestamp = now, domain = 'Example.com' } = o
  return encodeClientHello({ key: secret, domain, timestamp, x25519PublicKey: fill(32), random: fill })
}

/** A hello with something replaced, and a digest that fits again. */
function forged(from: string, to: string): Buffer {
  const text = hello().toString('hex')
  expect(text.split(from)).toHaveLength(2)
  const record = hex(text.replace(from, to))
  record.fill(0, 11, 43)
  const digest = clientHelloDigest(record, key)
  digest.writeUInt32LE((digest.readUInt32LE(28) ^ now) >>> 0, 28)
  digest.copy(record, 11)
  return record
}

function insideTls(stream: Buffer): Buffer {
  return Buffer.concat([
    changeCipherSpec,
    encodeTlsRecords(stream.subarray(0, 64)),
    encodeTlsRecords(stream.subarray(64)),
  ])
}

const hostOfHello = '0000001000' + '0e00000b' + Buffer.from('Example.com').toString('hex')
const noSni = forged(hostOfHello, hostOfHello.replace(/^0000/, '7777'))
const tlsClient = Buffer.concat([hello(), insideTls(headerStream('padded'))])
const derived = deriveSniKey(key, 'salt', 'Example.com')
const derivedClient = Buffer.concat([hello({ secret: derived }), insideTls(headerStream('padded', derived))])
const stranger = Buffer.concat([headerStream('padded', Buffer.alloc(16, 9)), Buffer.alloc(300, 3)])
const proxyHeader = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\r\n')

interface Outcome {
  readonly asked: Omit<Newcomer, 'replayKey'> | null
  readonly source: string | null
  readonly sent: number
  readonly decided: string
  readonly detail: unknown
}

/** Lets somebody come in pieces; the gatekeeper answers `late` pieces after it was asked. */
function meet(pieces: readonly Buffer[], o: Partial<AcceptOptions>, verdict: Verdict, late = 0): Outcome {
  const machine = new Acceptance({ ...defaults, ...o }, '203.0.113.1')
  let outcome: Outcome = { asked: null, source: null, sent: 0, decided: 'waiting', detail: null }
  let answerIn = Number.POSITIVE_INFINITY
  let last: AcceptEffect | null = null
  const apply = (effects: readonly AcceptEffect[]): void => {
    for (const effect of effects) {
      expect(last).toBeNull()
      switch (effect.kind) {
        case 'address':
          outcome = { ...outcome, source: effect.source && ipToText(effect.source.ip) }
          break
        case 'ask': {
          const { listener, secret, ip, sni } = effect.newcomer
          outcome = { ...outcome, asked: { listener, secret, ip, sni } }
          answerIn = late
          break
        }
        case 'send':
          outcome = { ...outcome, sent: outcome.sent + effect.bytes.length }
          break
        case 'tunnel': {
          last = effect
          const { format, dcId, secret, sni, protocol } = effect.client
          outcome = { ...outcome, decided: 'tunnel', detail: { format, dcId, secret, sni, protocol } }
          break
        }
        case 'front':
        case 'alert-and-close':
        case 'close':
        case 'swallow':
          last = effect
          outcome = { ...outcome, decided: effect.kind, detail: effect.reason }
      }
    }
  }
  const fronted: Buffer[] = []
  const received: unknown[] = []
  for (const piece of pieces) {
    const before = last as AcceptEffect | null
    if (before?.kind === 'tunnel') before.client.codec.push(piece)
    else if (before?.kind === 'front') fronted.push(piece)
    else {
      // The chunk is lent: what is kept of it must be a copy.
      const chunk = Buffer.from(piece)
      apply(machine.handle({ kind: 'bytes', chunk, unixSeconds: now }))
      if (answerIn === 0) apply(machine.handle({ kind: 'verdict', verdict }))
      answerIn -= 1
      chunk.fill(0xcc)
    }
    const after = last as AcceptEffect | null
    if (after?.kind !== 'tunnel') continue
    for (let packet = after.client.codec.next(); packet; packet = after.client.codec.next()) {
      received.push(`${packet.payload.toString('hex')} ${packet.quickAck}`)
    }
  }
  if (answerIn < Number.POSITIVE_INFINITY && answerIn >= 0)
    apply(machine.handle({ kind: 'verdict', verdict }))
  const end = last as AcceptEffect | null
  if (end?.kind === 'tunnel') {
    for (let packet = end.client.codec.next(); packet; packet = end.client.codec.next()) {
      received.push(`${packet.payload.toString('hex')} ${packet.quickAck}`)
    }
    outcome = { ...outcome, detail: { ...(outcome.detail as object), received } }
  }
  if (end?.kind === 'front') {
    const bytes = Buffer.concat([end.bytes, ...fronted]).toString('hex')
    outcome = { ...outcome, detail: { reason: end.reason, sni: end.sni, bytes } }
  }
  if (end !== null) {
    expect(machine.phase).toBe('decided')
    expect(machine.heldBytes).toBe(0)
    expect(machine.handle({ kind: 'bytes', chunk: fill(9), unixSeconds: now })).toEqual([])
    expect(machine.handle({ kind: 'verdict', verdict })).toEqual([])
  }
  return outcome
}

interface Situation {
  readonly title: string
  readonly bytes: Buffer
  readonly o?: Partial<AcceptOptions>
  readonly verdict?: Verdict
  readonly decided: string
  readonly detail: unknown
  /** Whether the gatekeeper is asked. */
  readonly asks?: boolean
}

const received = packets.map((payload, index) => `${payload.toString('hex')} ${index === 1}`)
const inTunnel = (format: PacketFormat, protocol: string, sni: string | null = null): unknown => ({
  format,
  dcId: -4,
  secret: 'alice',
  sni,
  protocol,
  received,
})
const allowed = (...of: AllowedProtocol[]): Partial<AcceptOptions> => ({ allowed: new Set(of) })
const fronting = { fronting: true }
const fronted = (reason: string, bytes: Buffer, sni: string | null = 'example.com'): unknown => ({
  reason,
  sni,
  bytes: bytes.toString('hex'),
})

const situations: readonly Situation[] = [
  // 3.2
  {
    title: 'abridged',
    bytes: headerStream('abridged'),
    decided: 'tunnel',
    detail: inTunnel('abridged', 'mtp_abridged'),
    asks: true,
  },
  {
    title: 'intermediate',
    bytes: headerStream('intermediate'),
    decided: 'tunnel',
    detail: inTunnel('intermediate', 'mtp_intermediate'),
    asks: true,
  },
  {
    title: 'secure',
    bytes: headerStream('padded'),
    decided: 'tunnel',
    detail: inTunnel('padded', 'mtp_secure'),
    asks: true,
  },
  // 3.4
  {
    title: 'fake-TLS',
    bytes: tlsClient,
    decided: 'tunnel',
    detail: inTunnel('padded', 'mtp_secure_fake_tls', 'example.com'),
    asks: true,
  },
  {
    title: 'fake-TLS, header and packets in one record',
    bytes: Buffer.concat([hello(), changeCipherSpec, encodeTlsRecords(headerStream('padded'))]),
    decided: 'tunnel',
    detail: inTunnel('padded', 'mtp_secure_fake_tls', 'example.com'),
    asks: true,
  },
  {
    title: 'fake-TLS, a key of the host',
    bytes: derivedClient,
    o: { perSniSalt: 'salt' },
    decided: 'tunnel',
    detail: inTunnel('padded', 'mtp_secure_fake_tls', 'example.com'),
    asks: true,
  },
  {
    title: 'fake-TLS, an uptime for a clock',
    bytes: Buffer.concat([hello({ timestamp: 77 }), insideTls(headerStream('padded'))]),
    decided: 'tunnel',
    detail: inTunnel('padded', 'mtp_secure_fake_tls', 'example.com'),
    asks: true,
  },
  {
    title: 'behind a balancer',
    bytes: Buffer.concat([proxyHeader, headerStream('padded')]),
    o: { isBalancer: () => true },
    decided: 'tunnel',
    detail: inTunnel('padded', 'mtp_secure'),
    asks: true,
  },
  {
    title: 'fake-TLS behind a balancer',
    bytes: Buffer.concat([proxyHeader, tlsClient]),
    o: { isBalancer: () => true },
    decided: 'tunnel',
    detail: inTunnel('padded', 'mtp_secure_fake_tls', 'example.com'),
    asks: true,
  },
  // 3.5, TLS path in order
  {
    title: 'a hello that is too short',
    bytes: hex(`16030101ff${'00'.repeat(40)}`),
    decided: 'close',
    detail: 'tls_client_hello_too_short',
  },
  {
    title: 'a record that is too long',
    bytes: hex(`1603014001${'00'.repeat(40)}`),
    decided: 'alert-and-close',
    detail: 'tls_bad_client_hello',
  },
  {
    title: 'a hello where TLS is not allowed',
    bytes: hello(),
    o: allowed('secure'),
    decided: 'swallow',
    detail: 'disabled_protocol',
  },
  {
    title: 'a short hello where TLS is not allowed',
    bytes: hex(`16030101ff${'00'.repeat(40)}`),
    o: allowed('secure'),
    decided: 'swallow',
    detail: 'tls_client_hello_too_short',
  },
  {
    title: 'a malformed hello',
    bytes: hex(fakeTls.malformed.client_hello),
    o: fronting,
    decided: 'alert-and-close',
    detail: 'tls_bad_client_hello',
  },
  {
    title: 'no host, and a key per host',
    bytes: noSni,
    o: { perSniSalt: 'salt' },
    decided: 'alert-and-close',
    detail: 'tls_no_sni',
  },
  {
    title: 'a wrong secret',
    bytes: hello({ secret: fill(16) }),
    decided: 'close',
    detail: 'tls_invalid_digest',
  },
  {
    title: 'a wrong secret, fronting',
    bytes: hello({ secret: fill(16) }),
    o: fronting,
    decided: 'front',
    detail: fronted('tls_invalid_digest', hello({ secret: fill(16) })),
  },
  {
    title: 'a wrong secret, fronting, behind a balancer',
    bytes: Buffer.concat([proxyHeader, hello({ secret: fill(16) }), fill(99)]),
    o: { ...fronting, isBalancer: () => true },
    decided: 'front',
    detail: fronted('tls_invalid_digest', Buffer.concat([hello({ secret: fill(16) }), fill(99)])),
  },
  {
    title: 'the base key where there is one per host',
    bytes: hello(),
    o: { perSniSalt: 'salt' },
    decided: 'close',
    detail: 'tls_invalid_digest',
  },
  {
    title: 'a clock that is slow',
    bytes: hello({ timestamp: now - 601 }),
    o: fronting,
    decided: 'front',
    detail: fronted('tls_invalid_digest', hello({ timestamp: now - 601 })),
  },
  {
    title: 'a clock that is fast',
    bytes: hello({ timestamp: now + 1201 }),
    decided: 'close',
    detail: 'tls_invalid_digest',
  },
  {
    title: 'no key share',
    bytes: forged('0033002b0029', '7733002b0029'),
    decided: 'close',
    detail: 'tls_missing_key_share_ext',
  },
  {
    title: 'a key share of another group',
    bytes: forged('001d00205a', '001e00205a'),
    decided: 'close',
    detail: 'tls_unsupported_key_shares',
  },
  {
    title: 'no suite of TLS 1.3',
    bytes: forged('130113021303', 'c001c002c003'),
    decided: 'close',
    detail: 'tls_unsupported_cipher_suites',
  },
  {
    title: 'a hello again',
    bytes: tlsClient,
    verdict: refusedBy('replay_session_detected'),
    decided: 'close',
    detail: 'replay_session_detected',
    asks: true,
  },
  {
    title: 'a hello again, fronting',
    bytes: tlsClient,
    o: fronting,
    verdict: refusedBy('replay_session_detected'),
    decided: 'front',
    detail: fronted('replay_session_detected', tlsClient),
    asks: true,
  },
  {
    title: 'a hello again, without a host',
    bytes: noSni,
    o: fronting,
    verdict: refusedBy('replay_session_detected'),
    decided: 'close',
    detail: 'replay_session_detected',
    asks: true,
  },
  {
    title: 'no host',
    bytes: noSni,
    o: fronting,
    decided: 'alert-and-close',
    detail: 'tls_no_sni',
    asks: true,
  },
  {
    title: 'no host, and not welcome',
    bytes: noSni,
    verdict: refusedBy('policy_error'),
    decided: 'alert-and-close',
    detail: 'tls_no_sni',
    asks: true,
  },
  {
    title: 'fake-TLS, not welcome',
    bytes: tlsClient,
    o: fronting,
    verdict: refusedBy('policy_error'),
    decided: 'close',
    detail: 'policy_error',
    asks: true,
  },
  // 3.4, after the hello
  {
    title: 'another key within TLS',
    bytes: Buffer.concat([hello(), insideTls(stranger)]),
    decided: 'close',
    detail: 'unknown_protocol',
    asks: true,
  },
  {
    title: 'abridged within TLS',
    bytes: Buffer.concat([hello(), insideTls(headerStream('abridged'))]),
    decided: 'close',
    detail: 'disabled_protocol',
    asks: true,
  },
  {
    title: 'an alert after the hello',
    bytes: Buffer.concat([hello(), hex('15030300020232')]),
    decided: 'close',
    detail: 'tls_bad_record',
    asks: true,
  },
  {
    title: 'a record that is too long after the hello',
    bytes: Buffer.concat([hello(), hex('170303ffff00')]),
    decided: 'close',
    detail: 'tls_max_size',
    asks: true,
  },
  // 3.5, header path in order
  {
    title: 'no TLS where only TLS is allowed',
    bytes: headerStream('padded'),
    o: allowed('fake_tls'),
    decided: 'swallow',
    detail: 'tls_client_hello_expected',
  },
  { title: 'a wrong secret without TLS', bytes: stranger, decided: 'swallow', detail: 'unknown_protocol' },
  {
    title: 'a wrong secret without TLS, close',
    bytes: stranger,
    o: { badClient: 'close' },
    decided: 'close',
    detail: 'unknown_protocol',
  },
  {
    title: 'a wrong secret without TLS, front',
    bytes: stranger,
    o: { ...fronting, badClient: 'front' },
    decided: 'front',
    detail: fronted('unknown_protocol', stranger, null),
  },
  {
    title: 'a header again',
    bytes: headerStream('padded'),
    verdict: refusedBy('replay_session_detected'),
    decided: 'swallow',
    detail: 'replay_session_detected',
    asks: true,
  },
  {
    title: 'a header again, front',
    bytes: headerStream('padded'),
    o: { ...fronting, badClient: 'front' },
    verdict: refusedBy('replay_session_detected'),
    decided: 'front',
    detail: fronted('replay_session_detected', headerStream('padded'), null),
    asks: true,
  },
  {
    title: 'a header again, of a format that is not allowed',
    bytes: headerStream('abridged'),
    o: allowed('secure'),
    verdict: refusedBy('replay_session_detected'),
    decided: 'swallow',
    detail: 'replay_session_detected',
    asks: true,
  },
  {
    title: 'a format that is not allowed',
    bytes: headerStream('abridged'),
    o: allowed('secure', 'intermediate'),
    decided: 'close',
    detail: 'disabled_protocol',
    asks: true,
  },
  {
    title: 'a format that is not allowed, and not welcome',
    bytes: headerStream('padded'),
    o: allowed('abridged'),
    verdict: refusedBy('policy_error'),
    decided: 'close',
    detail: 'disabled_protocol',
    asks: true,
  },
  {
    title: 'not welcome',
    bytes: headerStream('padded'),
    verdict: refusedBy('policy_error'),
    decided: 'close',
    detail: 'policy_error',
    asks: true,
  },
  // 3.1
  {
    title: 'no PROXY header where there should be one',
    bytes: headerStream('padded'),
    o: { isBalancer: () => true },
    decided: 'close',
    detail: 'proxy_header_invalid',
  },
  {
    title: 'less than a header',
    bytes: headerStream('padded').subarray(0, 63),
    decided: 'waiting',
    detail: null,
  },
  { title: 'less than a hello', bytes: hello().subarray(0, 516), decided: 'waiting', detail: null },
]

describe('3.5 and 3.6: what newcomers get', () => {
  it.each(situations)(
    '$title: $decided',
    ({ bytes, o = {}, verdict = admitted, decided, detail, asks = false }) => {
      const whole = meet([bytes], o, verdict)
      expect(whole).toMatchObject({ decided, detail })
      expect(whole.asked !== null).toBe(asks)
      for (const pieces of [...everyCut(bytes), oneByOne(bytes), inPieces(bytes, 100)]) {
        for (const late of asks ? [0, 1] : [0]) expect(meet(pieces, o, verdict, late)).toEqual(whole)
      }
      for (const late of [2, 10, 1e6]) expect(meet(oneByOne(bytes), o, verdict, late)).toEqual(whole)
    },
  )

  it('the gatekeeper learns who it is', () => {
    const { asked } = meet([tlsClient], {}, admitted)
    expect(asked).toEqual({ listener: 'main', secret: 'alice', ip: '203.0.113.1', sni: 'example.com' })
    const behind = meet(
      [Buffer.concat([proxyHeader, headerStream('abridged')])],
      { isBalancer: () => true },
      admitted,
    )
    expect(behind.asked).toEqual({ listener: 'main', secret: 'alice', ip: '192.0.2.7', sni: null })
    expect(behind.source).toBe('192.0.2.7')
  })

  it('8: what must not come twice are 32 bytes of the hello or 48 of the header', () => {
    const keyOf = (bytes: Buffer): string => {
      const [ask] = new Acceptance(defaults, '::1').handle({ kind: 'bytes', chunk: bytes, unixSeconds: now })
      return ask?.kind === 'ask' ? Buffer.from(ask.newcomer.replayKey ?? []).toString('hex') : ''
    }
    expect(keyOf(hello())).toBe(hello().toString('hex', 11, 43))
    expect(keyOf(headerStream('padded'))).toBe(headerStream('padded').toString('hex', 8, 56))
  })

  it('3.4: the ServerHello answers the recorded hello as other implementations do', () => {
    const [c] = fakeTls.cases
    if (!c) throw new Error('no case')
    const machine = new Acceptance(
      {
        ...defaults,
        certificateBytes: [c.server_app_data.length / 2, c.server_app_data.length / 2],
        random: (size) => (size === 4 ? fill(4) : hex(c.server_app_data)),
        x25519PublicKey: () => hex(c.server_key_share_x25519),
      },
      '::1',
    )
    machine.handle({ kind: 'bytes', chunk: hex(c.client_hello), unixSeconds: c.timestamp })
    const [send] = machine.handle({ kind: 'verdict', verdict: admitted })
    expect(send?.kind === 'send' && Buffer.from(send.bytes).toString('hex')).toBe(c.server_response)
  })

  it('3.4: the length of the certificate is between the two that were given', () => {
    const lengths = [0, 1, 100, 2 ** 32 - 1].map((drawn) => {
      const random = (size: number): Uint8Array => {
        const bytes = Buffer.alloc(size)
        if (size === 4) bytes.writeUInt32LE(drawn)
        return bytes
      }
      return meet([hello()], { certificateBytes: [2000, 2099], random }, admitted).sent - 127 - 6 - 5
    })
    expect(lengths).toEqual([2000, 2001, 2000, 2095])
  })

  it('bytes that wait for the gatekeeper are bounded', () => {
    const machine = new Acceptance(defaults, '::1')
    const push = (chunk: Buffer): readonly AcceptEffect[] =>
      machine.handle({ kind: 'bytes', chunk, unixSeconds: now })
    expect(push(headerStream('padded'))).toMatchObject([{ kind: 'ask' }])
    const held = machine.heldBytes
    expect(push(Buffer.alloc(maxWaitingBytes - held))).toEqual([])
    expect(push(Buffer.alloc(1))).toEqual([{ kind: 'close', reason: 'max_buffers_size' }])
  })

  test.prop([
    fc.constantFrom(
      tlsClient,
      stranger,
      noSni,
      headerStream('abridged'),
      Buffer.concat([proxyHeader, tlsClient]),
    ),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
    fc.constantFrom<BadClient>('close', 'swallow', 'front'),
    fc.boolean(),
    fc.integer({ min: 1, max: 700 }),
  ])(
    'damaged bytes are decided or waited for, the same however they are cut',
    (bytes, damage, badClient, behind, size) => {
      const damaged = Buffer.from(bytes)
      for (const [at, value] of damage) damaged[at % damaged.length] = value
      const o = { badClient, isBalancer: () => behind, fronting: true }
      const run = (pieces: readonly Buffer[]): unknown => {
        try {
          return meet(pieces, o, admitted)
        } catch (error) {
          // A packet in the tunnel may be broken: the session's affair.
          return (error as { reason?: string }).reason ?? error
        }
      }
      expect(run(inPieces(damaged, size))).toEqual(run([damaged]))
    },
  )
})
