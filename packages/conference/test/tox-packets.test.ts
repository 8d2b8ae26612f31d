import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { cryptoReady, KeyPair, macBytes, nonceBytes, open, seal } from '../src/tox/crypto/box.js'
import { advanceNonce, nonceTail } from '../src/tox/crypto/nonce.js'
import { SharedKeys } from '../src/tox/crypto/shared-keys.js'
import { parseToxId, ToxIdError, toxId } from '../src/tox/crypto/tox-id.js'
import { openDht, sealDht } from '../src/tox/dht/packets.js'
import { RateLimit } from '../src/tox/limits/rate-limit.js'
import { CookieJar, cookieBytes } from '../src/tox/net-crypto/cookies.js'
import {
  cookieRequestFrom,
  DataOpener,
  DataSealer,
  openCookieRequest,
  openCookieResponse,
  openHandshake,
  packetKinds,
  sealCookieRequest,
  sealCookieResponse,
  sealHandshake,
} from '../src/tox/net-crypto/packets.js'
import { encodeRequest, readRequest } from '../src/tox/net-crypto/request-packet.js'
import { FrameOpener, FrameSealer } from '../src/tox/relay/frame-stream.js'
import { decodeFrame, encodeFrame } from '../src/tox/relay/frames.js'
import { openHello, openOffer, sealHello, sealOffer } from '../src/tox/relay/hello.js'
import { hex } from '../src/wire/identity.js'
import { type RecordedPacket, relayTraffic, udpTraffic } from './support/transport.js'

await cryptoReady

function laterNonce(nonce: Uint8Array, count: number): Uint8Array {
  const later = Uint8Array.from(nonce)
  advanceNonce(later, count)
  return later
}

const { js, node, derived, packets } = udpTraffic
const bytes = (text: string): Buffer => Buffer.from(text, 'hex')
const first = (kind: string, dir = 'js->node'): RecordedPacket => {
  const found = packets.find((packet) => packet.kind === kind && packet.dir === dir)
  if (!found) throw new Error(`no ${kind}`)
  return found
}
const ourDht = new KeyPair(bytes(js.dhtSk))
const ourReal = new KeyPair(bytes(js.realSk))

describe('12.2 keys and boxes', () => {
  it('agree with libtoxcore', () => {
    expect(ourReal.name).toBe(js.realPk)
    expect(ourDht.name).toBe(js.dhtPk)
    expect(hex(ourDht.agree(bytes(node.dhtPk)) ?? bytes(''))).toBe(derived.dhtSharedKey)
    expect(hex(ourReal.agree(bytes(node.realPk)) ?? bytes(''))).toBe(derived.longTermSharedKey)
  })

  it('refuse points by which anybody would have the same key', () => {
    expect(ourReal.agree(Buffer.alloc(32))).toBeNull()
    expect(ourReal.agree(bytes(`01${'00'.repeat(31)}`))).toBeNull()
  })

  it('a secret half shows in nothing that prints a pair', () => {
    expect(JSON.stringify(ourReal)).not.toContain(js.realSk)
    expect(ourReal).not.toHaveProperty('secretKey')
    expect(hex(ourReal.secret())).toBe(js.realSk)
  })

  test.prop([fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'a box that was changed anywhere does not open',
    (plain, at, by) => {
      const key = bytes(derived.sessionSharedKey)
      const nonce = Buffer.alloc(nonceBytes)
      const box = seal(key, nonce, plain)
      expect(box.length).toBe(plain.length + macBytes)
      expect(open(key, nonce, box)).toEqual(plain)
      box[at % box.length] = (box[at % box.length] ?? 0) ^ by
      expect(open(key, nonce, box)).toBeNull()
    },
  )

  test.prop([fc.uint8Array({ minLength: 24, maxLength: 24 }), fc.nat(65_535), fc.nat(65_535)])(
    'nonces count up as one big-endian number',
    (nonce, a, b) => {
      const counted = (BigInt(`0x${hex(nonce)}`) + BigInt(a)) % (1n << 192n)
      expect(hex(laterNonce(nonce, a))).toBe(counted.toString(16).padStart(48, '0'))
      expect(laterNonce(laterNonce(nonce, a), b)).toEqual(laterNonce(nonce, a + b))
      expect(nonceTail(laterNonce(nonce, a))).toBe((nonceTail(nonce) + a) % 65_536)
    },
  )
})

describe('12.2 shared keys', () => {
  const others = Array.from({ length: 6 }, (_, at) => new KeyPair(Buffer.alloc(32, at + 1)).publicKey)
  const [a, b, c, d] = others as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]

  it('with strangers are computed once, and only so many new ones in a second', () => {
    const keys = new SharedKeys(ourDht, { perSecond: 2, remembered: 4 })
    const key = keys.from(a, 0)
    expect(key).toEqual(ourDht.agree(a))
    expect(keys.from(b, 0)).not.toBeNull()
    expect(keys.from(c, 0)).toBeNull()
    expect(keys.from(a, 0)).toBe(key)
    expect(keys.from(c, 500)).not.toBeNull()
  })

  it('with those whom we write to are computed even then, and no flood drives them out', () => {
    const keys = new SharedKeys(ourDht, { perSecond: 3, remembered: 2 })
    const chosen = keys.toward(d)
    for (const other of [a, b, c, a, b, c]) keys.from(other, 0)
    expect(keys.from(d, 0)).toBe(chosen)
    expect(keys.toward(others[4] ?? a)).not.toBeNull()
  })

  it('the one used longest ago is forgotten first', () => {
    const keys = new SharedKeys(ourDht, { remembered: 2 })
    const key = keys.toward(a)
    const lost = keys.toward(b)
    expect(keys.toward(a)).toBe(key)
    keys.toward(c)
    expect(keys.toward(a)).toBe(key)
    expect(keys.toward(b)).not.toBe(lost)
  })

  it('a limit fills again while nothing is done, up to its burst', () => {
    const limit = new RateLimit(10, 5)
    const burst = (now: number): number =>
      Array.from({ length: 20 }, () => limit.take(now)).filter(Boolean).length
    expect([burst(0), burst(100), burst(10_000)]).toEqual([5, 1, 5])
  })
})

describe('12.6 Tox IDs', () => {
  test.prop([fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(0xffffffff)])(
    'are read as written',
    (key, nospam) => {
      const realKey = hex(key.with(31, (key[31] ?? 0) & 0x7f))
      expect(parseToxId(toxId({ realKey, nospam }))).toEqual({ realKey, nospam })
    },
  )

  it('one wrong digit, a short or an empty one is refused', () => {
    const good = toxId({ realKey: js.realPk, nospam: 7 })
    const wrong = `${good.startsWith('A') ? 'B' : 'A'}${good.slice(1)}`
    for (const text of [wrong, good.slice(1), '', `${good}00`]) {
      expect(() => parseToxId(text)).toThrow(ToxIdError)
    }
    expect(parseToxId(` ${good.toLowerCase()}\n`).realKey).toBe(js.realPk)
  })
})

describe('12.3 packets between two nodes, as recorded with libtoxcore', () => {
  const dhtShared = bytes(derived.dhtSharedKey)
  const realShared = bytes(derived.longTermSharedKey)

  it('cookie request', () => {
    const { hex: packet, plain = '' } = first('cookie-request')
    const request = { realKey: bytes(js.realPk), echo: bytes(plain).subarray(64) }
    const nonce = bytes(packet).subarray(33, 57)
    expect(hex(sealCookieRequest(ourDht.publicKey, dhtShared, nonce, request))).toBe(packet)
    expect(cookieRequestFrom(bytes(packet))).toEqual(bytes(js.dhtPk))
    const opened = openCookieRequest(bytes(packet), dhtShared)
    expect([hex(opened?.realKey ?? bytes('')), hex(opened?.echo ?? bytes(''))]).toEqual([
      js.realPk,
      hex(request.echo),
    ])
  })

  it('cookie response', () => {
    const { hex: packet, plain = '' } = first('cookie-response', 'node->js')
    const cookie = bytes(plain).subarray(0, cookieBytes)
    const echo = bytes(plain).subarray(cookieBytes)
    expect(hex(openCookieResponse(bytes(packet), dhtShared, echo) ?? bytes(''))).toBe(hex(cookie))
    expect(openCookieResponse(bytes(packet), dhtShared, Buffer.alloc(8))).toBeNull()
    expect(hex(sealCookieResponse(dhtShared, bytes(packet).subarray(1, 25), cookie, echo))).toBe(packet)
  })

  it('handshake', () => {
    for (const { hex: packet, plain = '' } of packets.filter(({ kind }) => kind === 'handshake')) {
      const theirCookie = bytes(packet).subarray(1, 1 + cookieBytes)
      const nonce = bytes(packet).subarray(1 + cookieBytes, 1 + cookieBytes + nonceBytes)
      const handshake = {
        baseNonce: bytes(plain).subarray(0, 24),
        sessionKey: bytes(plain).subarray(24, 56),
        cookie: bytes(plain).subarray(120),
      }
      expect(hex(sealHandshake(theirCookie, realShared, nonce, handshake))).toBe(packet)
      const opened = openHandshake(bytes(packet), realShared)
      expect(hex(opened?.cookie ?? bytes(''))).toBe(hex(handshake.cookie))
      // Another cookie outside than the one that was hashed.
      const swapped = bytes(packet)
      swapped[5] = (swapped[5] ?? 0) ^ 1
      expect(openHandshake(swapped, realShared)).toBeNull()
    }
  })

  it('data packets: each byte, in both directions', () => {
    const session = new KeyPair(bytes(js.sessionSk))
    expect(session.name).toBe(js.sessionPk)
    const key = bytes(derived.sessionSharedKey)
    for (const dir of ['js->node', 'node->js']) {
      const sent = packets.filter((packet) => packet.kind === 'data' && packet.dir === dir)
      const base = bytes(sent[0]?.nonce ?? '')
      const opener = new DataOpener(key, base)
      const sealer = new DataSealer(key, base)
      expect(sent.length).toBeGreaterThan(8)
      for (const { hex: packet, ackedUpTo = 0, number = 0, data = '' } of sent) {
        const opened = opener.open(bytes(packet))
        expect(opened && { ...opened, payload: hex(opened.payload) }).toEqual({
          acknowledged: ackedUpTo,
          number,
          payload: data,
        })
        expect(hex(sealer.seal({ acknowledged: ackedUpTo, number, payload: bytes(data) }))).toBe(packet)
      }
    }
  })

  test.prop([fc.array(fc.nat(21_000), { minLength: 1, maxLength: 12 })])(
    'data packets open over many turns of their two bytes, also when the one before was lost or comes late',
    (gaps) => {
      const key = bytes(derived.sessionSharedKey)
      const base = Buffer.alloc(24, 0xff)
      const packetAt = (at: number): Uint8Array =>
        new DataSealer(key, laterNonce(base, at)).seal({
          acknowledged: 1,
          number: at,
          payload: Buffer.of(16),
        })
      const opener = new DataOpener(key, base)
      let at = 0
      for (const gap of gaps) {
        const before = at
        at += gap
        expect(opener.open(packetAt(at))?.number).toBe(at)
        expect(opener.open(packetAt(before))?.number).toBe(before)
      }
    },
  )

  it('DHT packets', () => {
    const kinds = ['nodes-request', 'nodes-response', 'ping-request', 'ping-response']
    const seen = packets.filter(({ kind }) => kinds.includes(String(kind)))
    expect(new Set(seen.map(({ kind }) => kind)).size).toBe(4)
    for (const { hex: packet, kind, dir } of seen) {
      const message = openDht(bytes(packet), dhtShared)
      expect(message?.kind).toBe(kind)
      if (!message) continue
      const sender = dir === 'js->node' ? js.dhtPk : node.dhtPk
      expect(hex(sealDht(bytes(sender), dhtShared, bytes(packet).subarray(33, 57), message))).toBe(packet)
    }
  })
})

describe('12.3 cookies', () => {
  const owner = { realKey: bytes(js.realPk), dhtKey: bytes(js.dhtPk) }
  const random = (count: number): Uint8Array => Buffer.alloc(count, 9)

  it('are good for 15 s, for nobody else, and only here', () => {
    const jar = new CookieJar(random)
    const cookie = jar.bake(owner, 1000)
    expect(cookie.length).toBe(cookieBytes)
    expect(hex(jar.open(cookie, 16_000)?.realKey ?? bytes(''))).toBe(js.realPk)
    expect(jar.open(cookie, 16_001)).toBeNull()
    expect(jar.open(cookie, 999)).toBeNull()
    expect(new CookieJar(random, Buffer.alloc(32, 1)).open(cookie, 1000)).toBeNull()
    expect(jar.open(cookie.subarray(1), 1000)).toBeNull()
  })
})

describe('12.3 request packets', () => {
  test.prop([fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 60 }), fc.nat(700)])(
    'tell what is missing, over gaps of any length',
    (gaps, tail) => {
      const missing = new Set<number>()
      let at = -1
      for (const gap of gaps) missing.add((at += gap))
      const count = at + 1 + tail
      const told: number[] = []
      let reached = 0
      readRequest(
        encodeRequest(count, (index) => missing.has(index)),
        count,
        (index, isMissing) => {
          reached = index
          if (isMissing) told.push(index)
        },
      )
      expect(told).toEqual([...missing])
      expect(reached).toBeLessThanOrEqual(count)
    },
  )

  it('what upstream writes: distances, and a zero for each 255 without any', () => {
    expect(hex(encodeRequest(0, () => true))).toBe('01')
    expect(hex(encodeRequest(4, (index) => index === 0 || index === 3))).toBe('010103')
    expect(hex(encodeRequest(300, (index) => index === 299))).toBe('01002d')
  })

  test.prop([fc.uint8Array({ maxLength: 1373 }), fc.nat(2000)])('junk ends the walk', (junk, count) => {
    let steps = 0
    readRequest(junk, count, () => {
      steps += 1
    })
    expect(steps).toBeLessThanOrEqual(count)
  })
})

describe('12.8 the stream between client and relay, as recorded with libtoxcore', () => {
  const { js: ours, relay, stream, frames } = relayTraffic
  const dht = new KeyPair(bytes(ours.dhtSk))
  const session = new KeyPair(bytes(ours.tempSk))
  const shared = dht.agree(bytes(relay.publicKey)) ?? bytes('')
  const flow = (dir: string): Buffer =>
    Buffer.concat(stream.filter((part) => part.dir === dir).map((part) => bytes(part.hex)))
  const said = (dir: string): string[] => frames.filter((part) => part.dir === dir).map(({ plain }) => plain)
  const hello = flow('js->relay').subarray(0, 128)
  const welcome = flow('relay->js').subarray(0, 96)
  const theirs = openOffer(welcome, shared)
  const key = session.agree(theirs?.sessionKey ?? bytes('')) ?? bytes('')

  it('greeting and answer, byte for byte', () => {
    const offer = { sessionKey: session.publicKey, baseNonce: bytes(ours.baseNonce) }
    expect(hex(sealHello(dht.publicKey, shared, () => hello.subarray(32, 56), offer))).toBe(hex(hello))
    expect(hex(openHello(hello, shared)?.baseNonce ?? bytes(''))).toBe(ours.baseNonce)
    expect(hex(theirs?.baseNonce ?? bytes(''))).toBe(relay.baseNonce)
    if (theirs) expect(hex(sealOffer(shared, () => welcome.subarray(0, 24), theirs))).toBe(hex(welcome))
  })

  it('frames, cut at every boundary, and sealed byte for byte', () => {
    const both = [
      ['js->relay', ours.baseNonce, 128],
      ['relay->js', relay.baseNonce, 96],
    ] as const
    for (const [dir, nonce, from] of both) {
      const rest = flow(dir).subarray(from)
      const whole = said(dir)
      for (const size of [1, 2, 3, 7, 19, 100, 1000, rest.length]) {
        const opener = new FrameOpener(key, bytes(nonce))
        const opened: string[] = []
        for (let at = 0; at < rest.length; at += size) {
          expect(opener.read(rest.subarray(at, at + size), (content) => opened.push(hex(content)))).toBe(true)
        }
        expect(opened).toEqual(whole)
      }
      const sealer = new FrameSealer(key, bytes(nonce))
      expect(hex(Buffer.concat(whole.map((content) => sealer.seal(bytes(content)))))).toBe(hex(rest))
    }
  })

  it('their contents are read and written the same', () => {
    const kinds = new Set<string>()
    for (const { plain } of frames) {
      const frame = decodeFrame(bytes(plain))
      if (!frame) throw new Error(`cannot read ${plain}`)
      kinds.add(frame.kind)
      expect(hex(encodeFrame(frame))).toBe(plain)
    }
    expect([...kinds].sort()).toEqual(['data', 'on', 'received-apart', 'route', 'routed', 'send-apart'])
  })

  it('a length that no frame has ends the stream before anything is kept', () => {
    for (const length of [0, 16, 2049, 65_535]) {
      const head = Buffer.alloc(2)
      head.writeUInt16BE(length)
      expect(new FrameOpener(key, Buffer.alloc(24)).read(head, () => undefined)).toBe(false)
    }
  })

  test.prop([fc.uint8Array({ maxLength: 100 })])('junk in a frame is no frame, or one of ours', (junk) => {
    const frame = decodeFrame(junk)
    if (frame) expect(hex(encodeFrame(frame))).toBe(hex(junk))
  })
})

it('kinds of packets are those of the main network', () => {
  expect(packetKinds).toEqual({ cookieRequest: 0x18, cookieResponse: 0x19, handshake: 0x1a, data: 0x1b })
})
