import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { KeyPair } from '../src/tox/crypto/box.js'
import { SharedKeys } from '../src/tox/crypto/shared-keys.js'
import { Connection } from '../src/tox/net-crypto/connection.js'
import { CookieJar } from '../src/tox/net-crypto/cookies.js'
import { openCookieRequest, openHandshake, packetKinds } from '../src/tox/net-crypto/packets.js'
import { udpPath } from '../src/tox/net-crypto/path.js'
import { ReceiveWindow } from '../src/tox/net-crypto/receive-window.js'
import { encodeRequest } from '../src/tox/net-crypto/request-packet.js'
import { SendWindow } from '../src/tox/net-crypto/send-window.js'
import { distance } from '../src/tox/net-crypto/serial.js'
import { hex } from '../src/wire/identity.js'
import { calm, type Peer, Sea, Told } from './support/net-crypto-rig.js'
import { udpTraffic } from './support/transport.js'

const message = (n: number): Buffer => Buffer.from([0x40, n >> 8, n & 0xff])
const bytes = (text: string): Buffer => Buffer.from(text, 'hex')

function pair(seed = 1): { readonly sea: Sea; readonly a: Peer; readonly b: Peer } {
  const sea = new Sea(seed)
  const a = sea.peer('a')
  const b = sea.peer('b')
  a.befriend(b)
  return { sea, a, b }
}

const weather = fc.record({
  loss: fc.double({ min: 0, max: 0.35, noNaN: true }),
  twice: fc.double({ min: 0, max: 0.3, noNaN: true }),
  latency: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 400 })),
})

describe('12.3 a connection to one that wants us', () => {
  it('is up after a cookie, two handshakes and a data packet each', () => {
    const { sea, a, b } = pair()
    const { connection, told } = a.dial(b)
    sea.clock.advance(55)
    expect(connection.phase).toBe('up')
    expect(told.isUp).toBe(true)
    expect(b.incoming.map(({ connection: { phase, dhtKey } }) => [phase, dhtKey])).toEqual([
      ['up', a.dht.name],
    ])
    const kinds = sea.log.map(({ packet }) => packet[0])
    expect(kinds.slice(0, 4)).toEqual([0x18, 0x19, 0x1a, 0x1a])
  })

  it('replays the recorded side of a node: libtoxcore would have had each message of ours and we have its own', () => {
    const { js, node, packets } = udpTraffic
    const find = (kind: string, dir: string): Buffer =>
      bytes(packets.find((packet) => packet.kind === kind && packet.dir === dir)?.hex ?? '')
    const plainOf = (kind: string): Buffer =>
      bytes(packets.find((packet) => packet.kind === kind && packet.dir === 'js->node')?.plain ?? '')
    const request = find('cookie-request', 'js->node')
    const greeting = find('handshake', 'js->node')
    // The very bytes that the recorded side drew: session secret, base nonce, echo, then a nonce for each packet.
    const drawn = [
      bytes(js.sessionSk),
      plainOf('handshake').subarray(0, 24),
      plainOf('cookie-request').subarray(64),
      request.subarray(33, 57),
      plainOf('handshake').subarray(120, 144),
      greeting.subarray(113, 137),
    ]
    const random = (): Uint8Array => drawn.shift() ?? Buffer.alloc(24)
    const real = new KeyPair(bytes(js.realSk))
    const dht = new KeyPair(bytes(js.dhtSk))
    const sent: Uint8Array[] = []
    const told = new Told()
    const connection = new Connection(
      {
        real,
        dht,
        realShared: new SharedKeys(real),
        dhtShared: new SharedKeys(dht),
        cookies: new CookieJar(random, bytes(js.cookieKey)),
        random,
      },
      { realKey: bytes(node.realPk), dhtKey: bytes(node.dhtPk) },
      { send: (_path, packet) => sent.push(packet), up: () => undefined },
    )
    const way = udpPath({ host: '127.0.0.1', port: 33_445 })
    connection.paths.add(way)
    connection.events = told
    connection.start(253)
    expect(hex(sent[0] ?? bytes(''))).toBe(hex(request))
    connection.cookie(find('cookie-response', 'node->js'), 265)
    // Same cookie outside, nonces and keys; only the time in our own cookie is written in our own way.
    const shared = real.agree(bytes(node.realPk)) ?? bytes('')
    const [theirs, ours] = [greeting, sent[1] ?? bytes('')].map((packet) => openHandshake(packet, shared))
    expect(hex(ours?.baseNonce ?? bytes(''))).toBe(hex(theirs?.baseNonce ?? bytes('')))
    expect(hex(ours?.sessionKey ?? bytes(''))).toBe(js.sessionPk)
    expect(hex((sent[1] ?? bytes('')).subarray(0, 137))).toBe(hex(greeting.subarray(0, 137)))
    const answer = openHandshake(find('handshake', 'node->js'), shared)
    if (!answer) throw new Error('the handshake does not open')
    connection.handshake(answer, bytes(node.dhtPk), 285)
    const data = packets.filter(({ kind, dir }) => kind === 'data' && dir === 'node->js')
    for (const { hex: packet } of data) {
      // The node acknowledges what the recorded side sent: as many numbers must have been sent here.
      if (told.isUp) connection.send(Buffer.of(0x18), 290)
      connection.data(bytes(packet), way, 290)
    }
    expect(told.isUp).toBe(true)
    const lossless = data.filter(({ data: payload = '' }) => Number.parseInt(payload.slice(0, 2), 16) >= 16)
    expect(told.messages).toEqual(lossless.map(({ data: payload }) => payload))
  })

  it('both dial at once: one connection, up on both sides', () => {
    for (const apart of [0, 5, 12, 20, 25, 35, 60]) {
      const { sea, a, b } = pair()
      const one = a.dial(b)
      sea.clock.advance(apart)
      const incoming = b.incoming.length
      const other = incoming === 0 ? b.dial(a) : null
      sea.clock.advance(5000)
      expect([a.netCrypto.size, b.netCrypto.size]).toEqual([1, 1])
      expect(one.told.isUp && !one.told.end).toBe(true)
      expect(a.incoming.length).toBe(0)
      if (other) expect([other.told.isUp, other.told.end, b.incoming.length]).toEqual([true, null, 0])
      one.connection.send(message(1), sea.clock.now())
      ;(other ?? b.incoming[0])?.connection.send(message(2), sea.clock.now())
      sea.clock.advance(1000)
      expect((other ?? b.incoming[0])?.told.messages).toEqual([hex(message(1))])
      expect(one.told.messages).toEqual([hex(message(2))])
    }
  })

  it('nobody answers: asked 8 times in 8 s, then given up', () => {
    const { sea, a, b } = pair()
    sea.weather = { ...calm, loss: 1 }
    const { told } = a.dial(b)
    sea.clock.advance(9000)
    expect(told.end).toBe('unreachable')
    expect(sea.log.length).toBe(8)
    expect(a.netCrypto.size).toBe(0)
  })

  it('to one who does not want us: refused after 8 handshakes, and it remembers nothing', () => {
    const { sea, a, b } = pair()
    b.wanted.clear()
    const { told } = a.dial(b)
    sea.clock.advance(10_000)
    expect(told.end).toBe('refused')
    expect(sea.log.filter(({ packet }) => packet[0] === packetKinds.handshake).length).toBe(8)
    expect(b.netCrypto.size).toBe(0)
  })

  it('a node that was started again with another DHT key takes the place of its old self', () => {
    const { sea, a, b } = pair()
    a.dial(b)
    sea.clock.advance(1000)
    const [old] = b.incoming
    a.restart(2000)
    const again = a.dial(b)
    sea.clock.advance(1000)
    expect(old?.told.end).toBe('superseded')
    expect(b.incoming.length).toBe(2)
    expect(again.told.isUp).toBe(true)
    expect(b.netCrypto.size).toBe(1)
    again.connection.send(message(7), sea.clock.now())
    sea.clock.advance(100)
    expect(b.incoming[1]?.told.messages).toEqual([hex(message(7))])
  })

  it('closing tells the other side at once', () => {
    const { sea, a, b } = pair()
    const { connection } = a.dial(b)
    sea.clock.advance(1000)
    a.netCrypto.close(connection, sea.clock.now())
    sea.clock.advance(70)
    expect(b.incoming[0]?.told.end).toBe('killed')
    expect([a.netCrypto.size, b.netCrypto.size]).toEqual([0, 0])
  })
})

describe('12.3 lossless packets', () => {
  test.prop([fc.nat(), weather, fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 300 })], {
    numRuns: 40,
  })(
    'arrive once and in order both ways, whatever is lost, repeated or overtaken, while lossy ones may not',
    (seed, rough, there, back) => {
      const { sea, a, b } = pair(seed)
      const one = a.dial(b)
      sea.clock.advance(100)
      const other = b.incoming[0]
      if (!other) throw new Error('not up on calm water')
      sea.weather = rough
      for (let n = 0; n < Math.max(there, back); n += 1) {
        if (n < there) one.connection.send(message(n), sea.clock.now())
        if (n < back) other.connection.send(message(n), sea.clock.now())
        one.connection.send(Buffer.from([0xc7, n & 0xff]), sea.clock.now())
        sea.clock.advance(n % 7)
      }
      // However rough, half a minute without loss settles it.
      sea.clock.advance(30_000)
      sea.weather = calm
      sea.clock.advance(30_000)
      const all = (count: number): string[] => Array.from({ length: count }, (_, n) => hex(message(n)))
      expect(other.told.messages).toEqual(all(there))
      expect(one.told.messages).toEqual(all(back))
      expect([one.connection.unacknowledged, other.connection.unacknowledged]).toEqual([0, 0])
      expect(one.told.end ?? other.told.end).toBeNull()
    },
  )

  test.prop([fc.nat(), weather], { numRuns: 60 })(
    'and a connection comes about, if both dial, in any weather that lets something through',
    (seed, rough) => {
      const { sea, a, b } = pair(seed)
      sea.weather = rough
      let [one, other] = [a.dial(b), b.dial(a)]
      for (let second = 0; second < 60; second += 1) {
        sea.clock.advance(1000)
        // As a lifecycle does: again after each failure.
        if (one.told.end && !a.incoming.some(({ connection }) => connection.phase === 'up')) one = a.dial(b)
        if (other.told.end && !b.incoming.some(({ connection }) => connection.phase === 'up'))
          other = b.dial(a)
      }
      expect([a.netCrypto.size, b.netCrypto.size]).toEqual([1, 1])
      const live = [...a.incoming, one].find(({ connection }) => connection.phase === 'up')
      live?.connection.send(message(3), sea.clock.now())
      sea.clock.advance(10_000)
      const heard = [...b.incoming, other].flatMap(({ told }) => told.messages)
      expect(heard).toEqual([hex(message(3))])
    },
  )

  it('12.3 what is missing is asked for at once and again, not once in a second', () => {
    const { sea, a, b } = pair()
    const { connection } = a.dial(b)
    sea.clock.advance(1000)
    sea.weather = { ...calm, loss: 1 }
    connection.send(message(1), sea.clock.now())
    sea.weather = calm
    connection.send(message(2), sea.clock.now())
    sea.clock.advance(20)
    sea.weather = { ...calm, loss: 1 }
    sea.log.length = 0
    sea.clock.advance(2000)
    expect(sea.log.filter(({ from }) => from === b).length).toBeGreaterThan(5)
    sea.weather = calm
    sea.clock.advance(500)
    expect(b.incoming[0]?.told.messages).toEqual([hex(message(1)), hex(message(2))])
  })

  it('a thousand in a row are sent as fast as they are acknowledged, not faster', () => {
    const { sea, a, b } = pair()
    const { connection } = a.dial(b)
    sea.clock.advance(1000)
    const before = sea.log.length
    for (let n = 0; n < 1000; n += 1) connection.send(message(n), sea.clock.now())
    expect(sea.log.length - before).toBeLessThanOrEqual(100)
    sea.clock.advance(2000)
    expect(b.incoming[0]?.told.messages.length).toBe(1000)
  })

  it('a receiver that pauses is sent no more than fits in a window, and gets all of it later', () => {
    const { sea, a, b } = pair()
    const { connection } = a.dial(b)
    sea.clock.advance(1000)
    const [other] = b.incoming
    other?.connection.pause(true)
    for (let n = 0; n < 3000; n += 1) connection.send(message(n), sea.clock.now())
    sea.clock.advance(20_000)
    expect(other?.told.messages).toEqual([])
    const held = connection.unacknowledged
    expect(held).toBeGreaterThan(0)
    other?.connection.pause(false)
    sea.clock.advance(20_000)
    expect(other?.told.messages.length).toBe(3000)
    expect(connection.unacknowledged).toBe(0)
  })
})

describe('12.3 what is asked for', () => {
  it('is sent again once it is older than a round trip, and then not before another', () => {
    const sent: string[] = []
    const window = new SendWindow((number, payload) => sent.push(`${number} ${hex(payload)}`))
    for (const n of [1, 2, 3]) window.push(Buffer.of(0x40, n), 0)
    const missing = encodeRequest(3, (index) => index !== 1)
    window.requested(missing, 150)
    expect(sent).toEqual(['0 4001', '1 4002', '2 4003'])
    // The second one took 150 ms, which the estimate of 200 has moved towards.
    window.requested(missing, 250)
    window.requested(missing, 300)
    expect(sent.slice(3)).toEqual(['0 4001', '2 4003'])
    window.requested(missing, 500)
    expect(sent.length).toBe(7)
    expect([window.acknowledge(3, 550), window.bytes, window.inFlight]).toEqual([true, 0, 0])
  })

  it('an acknowledgement of what was never sent is no acknowledgement', () => {
    const window = new SendWindow(() => undefined)
    window.push(Buffer.of(0x40), 0)
    expect([window.acknowledge(2, 1), window.acknowledge(0xffffffff, 1), window.bytes]).toEqual([
      false,
      false,
      1,
    ])
  })

  it('numbers go on after the last of 32 bits', () => {
    const window = new ReceiveWindow()
    expect([distance(0xfffffffe, 3), distance(3, 0xfffffffe)]).toEqual([5, 0xfffffffb])
    window.extend(40_000)
    expect(hex(window.request())).toBe('01')
    window.put(1024, Buffer.of(1))
    expect(window.take()).toBeNull()
    expect(window.request().length).toBe(1026)
  })
})

describe('hostile packets', () => {
  it('cookie requests, however many, leave nothing behind, and cost no more than a few agreements a second', () => {
    const { sea, a, b } = pair()
    const request = Buffer.alloc(145)
    request[0] = packetKinds.cookieRequest
    const began = performance.now()
    for (let n = 0; n < 5000; n += 1) {
      request.writeUInt32BE(n, 1)
      b.netCrypto.receive(request, a.path, sea.clock.now())
    }
    expect(performance.now() - began).toBeLessThan(2000)
    expect(b.netCrypto.size).toBe(0)
    expect(sea.log).toEqual([])
  })

  it('a handshake sent again while its cookie is good makes no second connection, and does not disturb the first', () => {
    const { sea, a, b } = pair()
    const { told } = a.dial(b)
    sea.clock.advance(500)
    const handshakes = sea.log.filter(({ from, packet }) => from === a && packet[0] === packetKinds.handshake)
    for (let n = 0; n < 100; n += 1) {
      for (const { packet } of handshakes) b.netCrypto.receive(packet, a.path, sea.clock.now())
    }
    expect(b.netCrypto.size).toBe(1)
    expect(b.incoming.length).toBe(1)
    sea.clock.advance(20_000)
    for (const { packet } of handshakes) b.netCrypto.receive(packet, a.path, sea.clock.now())
    expect([b.incoming[0]?.told.end, told.end]).toEqual([null, null])
  })

  it('handshakes with made-up cookies, or with a good one around a box of nobody, leave nothing behind', () => {
    const { sea, a, b } = pair()
    const { told } = a.dial(b)
    sea.clock.advance(500)
    const good = sea.log.find(({ from, packet }) => from === a && packet[0] === packetKinds.handshake)
    const forged = Buffer.from(good?.packet ?? [])
    expect(forged.length).toBe(385)
    for (let n = 0; n < 5000; n += 1) {
      const at = n % 2 === 0 ? 1 : 137
      forged.set(good?.packet ?? [], 0)
      forged.writeUInt32BE(n, at + 4)
      b.netCrypto.receive(forged, a.path, sea.clock.now())
    }
    expect(b.netCrypto.size).toBe(1)
    sea.clock.advance(20_000)
    expect([b.incoming.length, b.incoming[0]?.told.end, told.end]).toEqual([1, null, null])
  })

  it('no nonce is used twice, also when a handshake comes again before the connection is confirmed', () => {
    const { sea, a, b } = pair()
    a.dial(b)
    sea.clock.advance(35)
    // From here on nothing of a's arrives, so that b cannot be sure of it.
    const handshake = sea.log.find(({ from, packet }) => from === a && packet[0] === packetKinds.handshake)
    sea.weather = { ...calm, loss: 1 }
    for (let second = 0; second < 5; second += 1) {
      if (handshake) b.netCrypto.receive(handshake.packet, a.path, sea.clock.now())
      sea.clock.advance(1000)
    }
    const data = sea.log.filter(({ from, packet }) => from === b && packet[0] === packetKinds.data)
    expect(data.length).toBeGreaterThanOrEqual(5)
    expect(new Set(data.map(({ packet }) => hex(packet.subarray(1, 3)))).size).toBe(data.length)
  })

  it('a handshake sent again after the end makes a connection that never comes up, and goes away', () => {
    const { sea, a, b } = pair()
    const { connection } = a.dial(b)
    sea.clock.advance(500)
    const handshake = sea.log.find(({ from, packet }) => from === a && packet[0] === packetKinds.handshake)
    a.netCrypto.close(connection, sea.clock.now())
    a.wanted.clear()
    sea.clock.advance(500)
    if (handshake) b.netCrypto.receive(handshake.packet, a.path, sea.clock.now())
    expect(b.netCrypto.size).toBe(1)
    sea.clock.advance(10_000)
    expect(b.netCrypto.size).toBe(0)
    expect(b.incoming.length).toBe(1)
  })

  it('every packet ever sent, sent again: nothing is delivered twice but datagrams, and nothing breaks', () => {
    const { sea, a, b } = pair()
    const { connection, told } = a.dial(b)
    sea.clock.advance(500)
    for (let n = 0; n < 20; n += 1) connection.send(message(n), sea.clock.now())
    sea.clock.advance(2000)
    for (const { from, packet } of [...sea.log]) {
      const to = from === a ? b : a
      to.netCrypto.receive(packet, from.path, sea.clock.now())
    }
    sea.clock.advance(2000)
    expect(b.incoming[0]?.told.messages.length).toBe(20)
    expect([b.incoming.length, told.end, b.incoming[0]?.told.end]).toEqual([1, null, null])
  })

  test.prop(
    [
      fc.array(
        fc.tuple(
          fc.constantFrom(0x18, 0x19, 0x1a, 0x1b, 0xff),
          fc.uint8Array({ maxLength: 420 }),
          fc.constantFrom(0, 144, 160, 384),
          fc.nat(100),
        ),
        { maxLength: 40 },
      ),
    ],
    { numRuns: 60 },
  )('junk in every state changes nothing', (junk) => {
    const { sea, a, b } = pair()
    const { connection, told } = a.dial(b)
    for (const [kind, body, length, after] of junk) {
      const padded = Buffer.alloc(Math.max(length, body.length))
      padded.set(body)
      const packet = Buffer.concat([Buffer.of(kind), length > 0 ? padded.subarray(0, length) : body])
      for (const [to, from] of [
        [a, b],
        [b, a],
      ] as const) {
        to.netCrypto.receive(packet, from.path, sea.clock.now())
      }
      sea.clock.advance(after)
    }
    sea.clock.advance(3000)
    connection.send(message(1), sea.clock.now())
    sea.clock.advance(1000)
    expect([told.isUp, told.end]).toEqual([true, null])
    expect(b.incoming[0]?.told.messages).toEqual([hex(message(1))])
  })

  it('requests are opened by the key of their sender only', () => {
    const { sea, a, b } = pair()
    a.dial(b)
    const request = sea.log[0]?.packet ?? bytes('')
    expect(openCookieRequest(request, b.dht.agree(b.dht.publicKey) ?? bytes(''))).toBeNull()
  })
})
