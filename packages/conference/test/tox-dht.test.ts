import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { seededRandom, VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { cryptoReady, KeyPair } from '../src/tox/crypto/box.js'
import { SharedKeys } from '../src/tox/crypto/shared-keys.js'
import { type Address, addressText, isLocal, isUsable } from '../src/tox/dht/address.js'
import { Dht } from '../src/tox/dht/dht.js'
import { compareDistance, keepNearest, sharedBits } from '../src/tox/dht/nearest.js'
import { type NodeInfo, packNodes, unpackNodes } from '../src/tox/dht/packed-nodes.js'
import { dhtKinds, encodeLanDiscovery, openDht, sealDht } from '../src/tox/dht/packets.js'
import { hex } from '../src/wire/identity.js'
import { seededBytes } from './support/net-crypto-rig.js'

await cryptoReady

/** A node of the hash table, and what it was told. */
interface DhtNode {
  readonly keys: KeyPair
  readonly address: Address
  readonly dht: Dht
  readonly found: { readonly dhtKey: string; readonly isLocal: boolean }[]
  isOn: boolean
}

/** Nodes on virtual time, and all that they sent. */
class Net {
  readonly clock = new VirtualClock()
  readonly nodes = new Map<string, DhtNode>()
  readonly sent: { readonly from: Address; readonly to: Address; readonly packet: Uint8Array }[] = []
  readonly #random = seededRandom(4)

  constructor() {
    this.clock.sweep(1000, (now) => {
      for (const { dht, isOn } of this.nodes.values()) if (isOn) dht.tick(now)
    })
  }

  add(host = `1.0.0.${this.nodes.size + 1}`): DhtNode {
    const keys = new KeyPair(seededBytes(`node ${this.nodes.size}`)(32))
    const address = { host, port: 33_445 }
    const found: DhtNode['found'] = []
    const dht = new Dht(
      { keys, shared: new SharedKeys(keys), random: seededBytes(`random ${this.nodes.size}`) },
      {
        send: (to, packet) => this.#carry(address, to, packet),
        found: ({ dhtKey }, local) => found.push({ dhtKey, isLocal: local }),
      },
    )
    const node = { keys, address, dht, found, isOn: true }
    this.nodes.set(addressText(address), node)
    return node
  }

  #carry(from: Address, to: Address, packet: Uint8Array): void {
    this.sent.push({ from, to, packet })
    this.clock.after(5 + this.#random() * 50, () => {
      const node = this.nodes.get(addressText(to))
      if (node?.isOn) node.dht.receive(packet, from, this.clock.now())
    })
  }
}

const infoOf = ({ keys, address }: DhtNode): NodeInfo => ({ dhtKey: keys.name, address })

it('12.4 nodes that know nobody but the first one, and look for each other, find each other', () => {
  const net = new Net()
  const first = net.add()
  const others = Array.from({ length: 4 }, () => net.add())
  for (const { dht } of others) dht.bootstrap([infoOf(first)])
  const all = [first, ...others]
  for (const one of all) {
    for (const other of all) if (other !== one) one.dht.search(other.keys.name, net.clock.now())
  }
  net.clock.advance(15_000)
  for (const { keys, found } of all) {
    const wanted = all.map((each) => each.keys.name).filter((name) => name !== keys.name)
    expect(new Set(found.map(({ dhtKey }) => dhtKey))).toEqual(new Set(wanted))
  }
})

describe('12.4 a hash table of 80 nodes that all came in by one', () => {
  const net = new Net()
  const door = net.add()
  const nodes = Array.from({ length: 79 }, () => net.add())
  for (const { dht } of nodes) dht.bootstrap([infoOf(door)])
  net.clock.advance(120_000)

  it('everybody knows some, and nobody too many', () => {
    const sizes = [...net.nodes.values()].map(({ dht }) => dht.size)
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(8)
    expect(Math.max(...sizes)).toBeLessThan(80)
  })

  it('anybody finds anybody by its DHT key within seconds', () => {
    for (let pair = 0; pair < 10; pair += 1) {
      const [seeker, sought] = [nodes[pair], nodes[78 - pair]]
      if (!seeker || !sought) throw new Error('there are not so many')
      seeker.dht.search(sought.keys.name, net.clock.now())
      net.clock.advance(4000)
      expect(seeker.found.map(({ dhtKey }) => dhtKey)).toContain(sought.keys.name)
      seeker.dht.stopSearch(sought.keys.name)
    }
  })

  it('a node that has gone is forgotten by all after 122 s, and found again when it is back', () => {
    const [gone, seeker] = [nodes[50], nodes[3]]
    if (!gone || !seeker) throw new Error('there are not so many')
    gone.isOn = false
    net.clock.advance(125_000)
    expect([...net.nodes.values()].filter(({ dht }) => dht.whereIs(gone.keys.name)).length).toBe(0)
    seeker.dht.search(gone.keys.name, net.clock.now())
    net.clock.advance(5000)
    gone.isOn = true
    gone.dht.bootstrap([infoOf(door)])
    net.clock.advance(10_000)
    expect(seeker.found.map(({ dhtKey }) => dhtKey)).toContain(gone.keys.name)
    seeker.dht.stopSearch(gone.keys.name)
  })

  it('in quiet times each node sends a few packets a second at most', () => {
    const before = net.sent.length
    net.clock.advance(60_000)
    expect((net.sent.length - before) / 60 / 80).toBeLessThan(5)
  })
})

describe('12.4 two nodes', () => {
  it('never say that they know nobody: real nodes would forget who does', () => {
    const net = new Net()
    const [a, b] = [net.add(), net.add()]
    a.dht.bootstrap([infoOf(b)])
    a.dht.tick(0)
    net.clock.advance(60)
    expect(net.sent.some(({ from, packet }) => from === b.address && packet[0] === 0x04)).toBe(false)
    net.clock.advance(30_000)
    expect([a.dht.size, b.dht.size]).toEqual([1, 1])
  })

  it('12.7 of a local network answer a call with who they are', () => {
    const net = new Net()
    const [a, b] = [net.add('127.0.0.1'), net.add('192.168.0.7')]
    a.dht.callOut(b.address)
    net.clock.advance(500)
    expect(a.found).toContainEqual({ dhtKey: b.keys.name, isLocal: true })
    expect(b.found).toContainEqual({ dhtKey: a.keys.name, isLocal: true })
  })

  it('12.7 far away do not answer a call', () => {
    const net = new Net()
    const [a, b] = [net.add('8.8.8.8'), net.add('192.168.0.7')]
    b.dht.receive(encodeLanDiscovery(a.keys.publicKey), a.address, 0)
    expect(net.sent).toEqual([])
  })
})

describe('hostile', () => {
  test.prop([fc.array(fc.tuple(fc.constantFrom(0, 1, 2, 4, 0x21), fc.uint8Array({ maxLength: 320 })))])(
    'junk is not answered, and changes nothing',
    (junk) => {
      const net = new Net()
      const a = net.add()
      for (const [kind, body] of junk) {
        a.dht.receive(Buffer.concat([Buffer.of(kind), body]), { host: '9.9.9.9', port: 1 }, 0)
      }
      expect([net.sent.length, a.dht.size]).toEqual([0, 0])
    },
  )

  it('five hundred strangers who ask are answered, but not all asked back', () => {
    const net = new Net()
    const a = net.add()
    let pings = 0
    for (let n = 0; n < 1000; n += 2) {
      // Any 32 bytes are somebody's key, and both sides agree on the same.
      const stranger = seededBytes(`stranger ${n}`)(32)
      const shared = a.keys.agree(stranger)
      if (!shared) throw new Error('no such key')
      const ping = sealDht(stranger, shared, Buffer.alloc(24, 1), {
        kind: 'ping-request',
        id: Buffer.alloc(8),
      })
      a.dht.receive(ping, { host: '9.9.9.9', port: 1 + n }, n)
    }
    for (const { packet } of net.sent) if (packet[0] === 0x00) pings += 1
    expect(net.sent.length - pings).toBeGreaterThan(300)
    expect(pings).toBeLessThanOrEqual(31)
    expect(a.dht.size).toBe(0)
  })

  it('calls of the local network, however many, cost a few requests, and leave us enough to ask others', () => {
    const net = new Net()
    const [a, b] = [net.add('192.168.0.7'), net.add('192.168.0.8')]
    for (let n = 0; n < 1000; n += 1) {
      const call = encodeLanDiscovery(seededBytes(`caller ${n}`)(32))
      a.dht.receive(call, { host: '10.1.2.3', port: 1 + n }, 0)
    }
    expect(net.sent.length).toBeLessThanOrEqual(40)
    a.dht.bootstrap([infoOf(b)])
    a.dht.tick(0)
    const asked = net.sent.filter(({ to, packet }) => to === b.address && packet[0] === dhtKinds.nodesRequest)
    expect(asked.length).toBe(1)
  })

  it('an answer that was not asked for, or comes from another key, teaches nothing', () => {
    const net = new Net()
    const [a, b, c] = [net.add(), net.add(), net.add()]
    a.dht.bootstrap([infoOf(b)])
    a.dht.tick(0)
    const request = net.sent[0]
    const sharedB = b.keys.agree(a.keys.publicKey)
    const sharedC = c.keys.agree(a.keys.publicKey)
    const opened = request && sharedB && openDht(request.packet, sharedB)
    if (!opened || !sharedC) throw new Error('nothing was asked')
    const answer = sealDht(c.keys.publicKey, sharedC, Buffer.alloc(24), {
      kind: 'nodes-response',
      nodes: [infoOf(b)],
      id: opened.id,
    })
    a.dht.receive(answer, c.address, 10)
    expect(a.dht.size).toBe(0)
  })
})

describe('12.4 packed nodes', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6())
  test.prop([fc.array(fc.tuple(host, fc.integer({ min: 1, max: 65_535 }), fc.boolean()), { maxLength: 8 })])(
    'are unpacked as packed',
    (list) => {
      const nodes = list.map(([at, port, isTcp], n) => ({
        via: isTcp ? ('tcp' as const) : ('udp' as const),
        address: { host: at, port },
        dhtKey: hex(Buffer.alloc(32, n)),
      }))
      const packed = packNodes(nodes)
      const unpacked = unpackNodes(packed)
      expect(unpacked?.map(({ address: { port }, via, dhtKey }) => ({ port, via, dhtKey }))).toEqual(
        nodes.map(({ address: { port }, via, dhtKey }) => ({ port, via, dhtKey })),
      )
      expect(hex(packNodes(unpacked ?? []))).toBe(hex(packed))
      for (let cut = 1; cut < packed.length; cut += 7) {
        const part = unpackNodes(packed.subarray(0, cut))
        if (part) expect(hex(packNodes(part))).toBe(hex(packed.subarray(0, cut)))
      }
    },
  )

  it('as recorded with libtoxcore', () => {
    const key = '2641c062e31f8fb1e0383c23afce9b0c4209c2c8c1c139563645c3b234129d77'
    expect(unpackNodes(Buffer.from(`027f0000019c7d${key}`, 'hex'))).toEqual([
      { via: 'udp', address: { host: '127.0.0.1', port: 40_061 }, dhtKey: key },
    ])
  })

  it('addresses of nobody and of everybody are not written to', () => {
    const bad = ['0.0.0.0', '0.1.2.3', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', 'example.org']
    expect(bad.filter((at) => isUsable({ host: at, port: 1 }))).toEqual([])
    expect(isUsable({ host: '1.2.3.4', port: 0 })).toBe(false)
    expect(['1.2.3.4', '127.0.0.1', '2001:db8::1'].every((at) => isUsable({ host: at, port: 1 }))).toBe(true)
    expect(
      ['127.0.0.1', '10.1.1.1', '172.16.0.1', '192.168.1.1', '::1', 'fe80::1', 'fd00::1'].every(isLocal),
    ).toBe(true)
    expect(['8.8.8.8', '172.32.0.1', '2001:db8::1', '128.0.0.1'].some(isLocal)).toBe(false)
  })
})

describe('12.4 distance', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex)
  test.prop([key, key, key])('is by XOR', (to, a, b) => {
    const far = (one: string): bigint => BigInt(`0x${one}`) ^ BigInt(`0x${to}`)
    const [x, y] = [far(a), far(b)]
    expect(Math.sign(compareDistance(to, a, b))).toBe(x < y ? -1 : x > y ? 1 : 0)
    const nearest: { readonly dhtKey: string }[] = []
    for (const dhtKey of [a, b, to]) keepNearest(to, nearest, { dhtKey }, 2)
    expect(nearest.map(({ dhtKey }) => dhtKey)).toEqual([to, x < y ? a : b])
    expect(sharedBits(to, a)).toBe(x === 0n ? 256 : 256 - x.toString(2).length)
  })
})
