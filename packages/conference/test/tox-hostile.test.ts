import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { cryptoReady, KeyPair, nonceBytes } from '../src/tox/crypto/box.js'
import type { Address } from '../src/tox/dht/address.js'
import { HostLimit } from '../src/tox/limits/host-limit.js'
import { sealCookieRequest } from '../src/tox/net-crypto/packets.js'
import { type BindUdp, bindUdp } from '../src/tox/udp-socket.js'
import { online, type TestNode, testNode } from './support/tox-nodes.js'

await cryptoReady

/** A socket at which packets can arrive from anywhere, and what was sent by it. */
class Wire {
  readonly sentTo: Address[] = []
  /** Where packets seem to come from. */
  source = (from: Address): Address => from
  arrive: (packet: Uint8Array, from: Address) => void = () => undefined

  readonly bind: BindUdp = async (at, receive) => {
    this.arrive = receive
    const port = await bindUdp(at, (packet, from) => receive(packet, this.source(from)))
    return {
      address: port.address,
      send: (to, packet) => {
        this.sentTo.push(to)
        return port.send(to, packet)
      },
      close: () => port.close(),
    }
  }
}

/** A cookie request that is good, of somebody new. */
function cookieRequest(to: TestNode): Uint8Array {
  const stranger = new KeyPair(randomBytes(32))
  const shared = stranger.agree(Buffer.from(to.node.dhtKey, 'hex'))
  if (!shared) throw new Error('no such key')
  const request = { realKey: stranger.publicKey, echo: randomBytes(8) }
  return sealCookieRequest(stranger.publicKey, shared, randomBytes(nonceBytes), request)
}

describe('hostile packets at the socket of a node', () => {
  it('12.3 one host has a hundred cookies a second, whatever address it forges is not flooded, and others have theirs', async () => {
    const wire = new Wire()
    await using a = await testNode('a', { bindUdp: wire.bind })
    const request = cookieRequest(a)
    const began = performance.now()
    for (let n = 0; n < 5000; n += 1) wire.arrive(request, { host: '203.0.113.5', port: 1 + n })
    const seconds = (performance.now() - began) / 1000
    expect(wire.sentTo.length).toBeGreaterThanOrEqual(200)
    expect(wire.sentTo.length).toBeLessThanOrEqual(201 + 100 * seconds)
    const other = { host: '198.51.100.7', port: 33_445 }
    wire.arrive(cookieRequest(a), other)
    expect(wire.sentTo.at(-1)).toEqual(other)
  })

  it('12.3 nothing is sent to port 0, from where a handshake can be forged', async () => {
    const wire = new Wire()
    await using a = await testNode('a', { bindUdp: wire.bind })
    await using b = await testNode('b')
    a.node.befriend(b.node.realKey)
    wire.source = (from) => ({ ...from, port: 0 })
    wire.arrive(cookieRequest(a), { host: '203.0.113.5', port: 0 })
    expect(wire.sentTo).toEqual([])
    wire.source = (from) => from
    b.node.befriend(a.node.realKey, a.place)
    await online(a, b)
    expect(wire.sentTo.some(({ port }) => port === 0)).toBe(false)
  })
})

describe('the limit of a host', () => {
  const limit = (salt = 7): HostLimit => new HostLimit({ perSecond: 10, burst: 20, salt })
  const taken = (of: HostLimit, hosts: readonly Address[]): number =>
    hosts.filter((host) => of.take(host, 0)).length
  const ports = (host: string): Address[] =>
    Array.from({ length: 100 }, (_, at) => ({ host, port: 1000 + at }))

  it('counts all ports of a host, and all addresses of a network of IPv6, together', () => {
    expect(taken(limit(), ports('9.9.9.9'))).toBe(20)
    const network = Array.from({ length: 100 }, (_, at) => ({ host: `2001:db8:0:1::${at + 1}`, port: 1 }))
    expect(taken(limit(), network)).toBeLessThanOrEqual(20)
    const far = Array.from({ length: 100 }, (_, at) => ({ host: `2001:db8:7:1:${at + 1}:2:3:4`, port: 1 }))
    expect(taken(limit(), far)).toBe(20)
  })

  it('of this host counts each port', () => {
    expect(taken(limit(), ports('127.0.0.1'))).toBe(100)
  })

  it('leaves others what is theirs: a flood from one takes the share of few', () => {
    const all = limit()
    for (let n = 0; n < 1000; n += 1) all.take({ host: '9.9.9.9', port: 1 }, 0)
    const others = Array.from({ length: 1000 }, (_, at) => ({
      host: `8.8.${Math.floor(at / 250)}.${at % 250}`,
      port: 1,
    }))
    expect(taken(all, others)).toBeGreaterThan(980)
  })
})
