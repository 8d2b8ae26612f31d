import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { admission } from '@holdfast/core'
import { seededRandom, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { decodeFriendPacket, encodeFriendPacket, type FriendPacket } from '../src/tox/friends/packets.js'
import { ToxFriendLinks } from '../src/tox/friends/tox-friend-links.js'
import { toxEndpoint } from '../src/tox/net-crypto/tox-link.js'
import { hex } from '../src/wire/identity.js'
import { calm, type Peer, Sea } from './support/net-crypto-rig.js'

/** Friend links of one node of the rig, and what they told. */
class Links {
  readonly links: ToxFriendLinks
  readonly told: string[] = []
  readonly #peer: Peer

  constructor(sea: Sea, peer: Peer, finds: readonly Peer[]) {
    this.#peer = peer
    const { clock } = sea
    const env = { ...testEnv({ clock }), admission: admission({ clock }), random: seededRandom(3) }
    const whereabouts = {
      tell: (realKey: string, dhtKey: string) =>
        this.told.push(`told ${realKey.slice(0, 4)} ${dhtKey.slice(0, 4)}`),
      forget: () => undefined,
      locate: (realKey: string) =>
        new Promise<ReturnType<typeof toxEndpoint>>((resolve) => {
          const found = finds.find(({ real }) => real.name === realKey)
          if (found) resolve(toxEndpoint(realKey, found.dht.name, [found.path]))
        }),
    }
    this.links = new ToxFriendLinks(
      { env, netCrypto: peer.netCrypto, whereabouts },
      {
        up: ({ dhtKey }) => this.told.push(`up ${dhtKey.slice(0, 4)}`),
        down: () => this.told.push('down'),
        packet: (_link, packet) => this.told.push(hex(packet)),
      },
    )
    peer.onIncoming = (connection) => this.links.incoming(connection)
  }

  want(other: Peer, by = 'test'): void {
    this.#peer.wanted.add(other.real.name)
    this.links.want(other.real.name, null, by)
  }
}

interface Pair {
  readonly sea: Sea
  readonly a: Peer
  readonly b: Peer
  readonly ours: Links
  readonly theirs: Links
}

/** Two nodes; the second does not know where the first one is. */
function pair(): Pair {
  const sea = new Sea(1)
  const [a, b] = [sea.peer('a'), sea.peer('b')]
  return { sea, a, b, ours: new Links(sea, a, [b]), theirs: new Links(sea, b, []) }
}

async function linked(): Promise<Pair> {
  const all = pair()
  all.ours.want(all.b)
  all.theirs.want(all.a)
  await all.sea.clock.advanceAsync(1000)
  expect(all.ours.told).toEqual([`up ${all.b.dht.name.slice(0, 4)}`])
  expect(all.theirs.told).toEqual([`up ${all.a.dht.name.slice(0, 4)}`])
  return all
}

describe('12.5 friend links', () => {
  it('are made by whoever finds the other, and adopted by the other', async () => {
    const { ours, theirs, a, b, sea } = await linked()
    ours.links.send(b.real.name, Buffer.from([0x60, 1]))
    theirs.links.sendLossy(a.real.name, Buffer.from([0xc7, 2]))
    await sea.clock.advanceAsync(100)
    expect(theirs.told.at(-1)).toBe('6001')
    expect(ours.told.at(-1)).toBe('c702')
  })

  it('say that they are alive at once and every 8 s, also while other things are said', async () => {
    const sea = new Sea(1)
    const [a, b] = [sea.peer('a'), sea.peer('b')]
    a.befriend(b)
    const ours = new Links(sea, a, [b])
    ours.want(b)
    for (let second = 0; second < 31; second += 1) {
      await sea.clock.advanceAsync(1000)
      ours.links.send(b.real.name, Buffer.of(0x60))
    }
    expect(b.incoming[0]?.told.messages.filter((one) => one === '10').length).toBe(4)
  })

  it('are dead after 32 s of silence, at most a quarter later, on both sides; and come back with the network', async () => {
    const { sea, ours, theirs } = await linked()
    sea.weather = { ...calm, loss: 1 }
    await sea.clock.advanceAsync(24_000)
    expect([ours.told.length, theirs.told.length]).toEqual([1, 1])
    await sea.clock.advanceAsync(16_500)
    expect([ours.told.at(-1), theirs.told.at(-1)]).toEqual(['down', 'down'])
    sea.weather = calm
    await sea.clock.advanceAsync(30_000)
    expect(ours.told.at(-1)).toMatch(/^up /)
    expect(theirs.told.at(-1)).toMatch(/^up /)
  })

  it('an interruption of 20 s is not noticed, and what was said in it arrives', async () => {
    const { sea, ours, theirs, b } = await linked()
    sea.weather = { ...calm, loss: 1 }
    ours.links.send(b.real.name, Buffer.from([0x60, 7]))
    await sea.clock.advanceAsync(20_000)
    sea.weather = calm
    await sea.clock.advanceAsync(3000)
    expect(theirs.told.slice(1)).toEqual(['6007'])
    expect(ours.told.length).toBe(1)
  })

  it('last as long as anybody has a lease, and then the other side is told at once', async () => {
    const { sea, ours, theirs, a, b } = await linked()
    ours.want(b, 'conference 0')
    ours.links.release(b.real.name, 'test')
    await sea.clock.advanceAsync(1000)
    expect(ours.told.length).toBe(1)
    ours.links.release(b.real.name, 'conference 0')
    a.wanted.delete(b.real.name)
    await sea.clock.advanceAsync(200)
    expect([ours.told.at(-1), theirs.told.at(-1)]).toEqual(['down', 'down'])
    expect(a.netCrypto.size).toBe(0)
  })

  it('a peer that comes with another DHT key goes down before it comes up', async () => {
    const { sea, theirs, a, b } = await linked()
    const old = a.dht.name.slice(0, 4)
    a.restart(2000)
    const again = new Links(sea, a, [b])
    again.want(b)
    await sea.clock.advanceAsync(1000)
    expect(theirs.told).toEqual([`up ${old}`, 'down', `up ${a.dht.name.slice(0, 4)}`])
  })

  it('a link that is not read is given up when a megabyte waits', async () => {
    const { sea, ours, b } = await linked()
    sea.weather = { ...calm, loss: 1 }
    for (let n = 0; n < 2000; n += 1) ours.links.send(b.real.name, Buffer.alloc(1000, 0x60))
    await sea.clock.advanceAsync(10)
    expect(ours.told.at(-1)).toBe('down')
  })

  it('closing says goodbye to everybody, after what was said', async () => {
    const { sea, ours, theirs, b } = await linked()
    ours.links.send(b.real.name, Buffer.from([0x60, 9]))
    const closing = ours.links.close()
    await sea.clock.advanceAsync(1500)
    await closing
    expect(theirs.told.slice(1)).toEqual(['6009', 'down'])
  })
})

describe('12.6 packets of friends', () => {
  const text = fc.string({ minLength: 1, maxLength: 30 })
  const packet: fc.Arbitrary<FriendPacket> = fc.oneof(
    fc.constantFrom('alive', 'online', 'offline').map((kind) => ({ kind })),
    fc.record({ kind: fc.constant('friend-request' as const), nospam: fc.nat(0xffffffff), text }),
    fc.record({ kind: fc.constantFrom('name', 'status-message', 'message', 'action'), text }),
    fc.record({
      kind: fc.constant('status' as const),
      status: fc.constantFrom('available', 'away', 'busy'),
    }),
    fc.record({ kind: fc.constant('typing' as const), isTyping: fc.boolean() }),
  )

  test.prop([packet])('are read as written', (one) => {
    expect(decodeFriendPacket(encodeFriendPacket(one))).toEqual(one)
  })

  it('are those that libtoxcore sends', () => {
    const recorded = ['18', '10', '304e6f6465', '31', '3200', '3300']
    expect(recorded.map((one) => decodeFriendPacket(Buffer.from(one, 'hex')))).toEqual([
      { kind: 'online' },
      { kind: 'alive' },
      { kind: 'name', text: 'Node' },
      { kind: 'status-message', text: '' },
      { kind: 'status', status: 'available' },
      { kind: 'typing', isTyping: false },
    ])
  })

  test.prop([fc.uint8Array({ maxLength: 1373 })])('junk is none, or read without harm', (junk) => {
    expect(() => decodeFriendPacket(junk)).not.toThrow()
  })

  it('what is too long, too short or unheard of is none', () => {
    const bad = [
      Buffer.alloc(130, 48),
      Buffer.alloc(1009, 49),
      Buffer.from([50, 3]),
      Buffer.of(50),
      Buffer.of(51),
      Buffer.of(64),
      Buffer.from([18, 0, 0, 0, 0]),
      Buffer.of(99),
      Buffer.alloc(0),
    ]
    expect(bad.map(decodeFriendPacket)).toEqual(bad.map(() => null))
  })
})
