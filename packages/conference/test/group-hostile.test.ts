import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { defaultRules, messageIds, newPeerData } from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { entry, identifier, key, Rig } from './support/rig.js'

const B = 0x10
const C = 0x20

/** A key of a member that does not exist. */
function forged(n: number): string {
  return n.toString(16).padStart(64, '0')
}

function floodOfPeers(rig: Rig, many: number, from = 1): Rig {
  for (let n = from; n < from + many; n += 1) {
    rig.message(B, B, n, messageIds.newPeer, newPeerData(1000 + (n % 60_000), forged(n), forged(n)))
  }
  return rig
}

describe('a hostile member', () => {
  it('cannot have us list more members than we take, and is told of as full', () => {
    const rig = new Rig()
    rig.rules = { ...defaultRules, maxPeers: 50 }
    floodOfPeers(rig.create().join(B), 200)
    expect(rig.conference.roster.live.size).toBe(50)
    expect(rig.news.filter(({ kind }) => kind === 'full').length).toBeGreaterThan(0)
    rig.down(B)
    expect(rig.conference.roster.frozen.size).toBe(50)
  })

  it('cannot make the list of the frozen grow beyond its limit, nor the index of keys beyond both lists', () => {
    const rig = new Rig().create().join(B)
    for (let round = 0; round < 4; round += 1) {
      floodOfPeers(rig, 300, 1 + round * 300)
        .down(B)
        .up(B)
      rig.packet(B, { kind: 'rejoin', identifier }).packet(B, { kind: 'online', sender: B, identifier })
    }
    const { roster, numbers } = rig.conference
    expect(roster.frozen.size).toBeLessThanOrEqual(128)
    expect(numbers.size).toBe(roster.frozen.size + roster.live.size)
  })

  it('cannot make us hold more than 16 connections, and 14 after a tick', () => {
    const rig = new Rig().create()
    for (let peer = 1; peer < 40; peer += 1) rig.join(0x60 + peer)
    expect(rig.conference.connections).toHaveLength(16)
    expect(rig.tick().conference.connections).toHaveLength(14)
  })

  it('cannot make us remember more than eight numbers by jumping ahead', () => {
    const rig = new Rig().create().join(B)
    for (let n = 0; n < 100; n += 1) rig.chat(B, B, (n * 2 ** 28) >>> 0, 'jump')
    expect(rig.conference.roster.live.get(B)?.value.recent.length).toBe(8)
  })

  it('is answered four lists a second, however often it asks', () => {
    const rig = new Rig().create().join(B)
    for (let n = 0; n < 100; n += 1) rig.packet(B, { kind: 'peer-query', conference: 0 })
    expect(rig.sent(B)).toHaveLength(4)
    rig.now += 1
    expect(rig.packet(B, { kind: 'peer-query', conference: 0 }).sent(B)).toHaveLength(5)
  })

  it('cannot take the number of a member, or ours, or the key of another', () => {
    const rig = new Rig().create().join(B).join(C)
    rig.list(B, [entry(0, 0x55), entry(C, 0x55), entry(77, 0x40)]).newPeer(B, B, 9, 0, 0x55)
    expect([rig.live, rig.conference.selfNumber]).toEqual([[B, C], 0])
  })

  it('cannot list a member whose key can be nobody’s', () => {
    const rig = new Rig().create().join(B)
    rig.message(B, B, 1, messageIds.newPeer, newPeerData(5, 'f'.repeat(64), forged(1)))
    expect(rig.live).toEqual([B])
  })

  it('is heard only in conferences that it has a connection of', () => {
    const rig = new Rig().create().join(B).friend(C).up(C)
    const { machine } = rig.forget()
    rig.chat(C, B, 5, 'hello').packet(C, { kind: 'peer-query', conference: 0 })
    rig.packet(C, { kind: 'title-response', conference: 0, title: Buffer.from('mine') })
    expect(rig.machine).toBe(machine)
    expect(rig.effects).toEqual([])
  })
})

describe('a hostile friend', () => {
  it('cannot pile up invitations', () => {
    const rig = new Rig().friend(B).up(B).friend(C).up(C).packet(C, { kind: 'invite', sender: 1, identifier })
    for (let n = 0; n < 500; n += 1)
      rig.packet(B, { kind: 'invite', sender: 1, identifier: `00${forged(n)}` })
    expect(rig.machine.invitations).toHaveLength(17)
    expect(rig.do({ kind: 'accept', from: key(C), identifier }).refused).toEqual([])
  })

  it('gets in once for each invitation', () => {
    const rig = new Rig().create().join(B)
    const before = rig.machine
    rig.packet(B, { kind: 'invite-accept', sender: 3, receiver: 0, identifier })
    expect(rig.machine).toBe(before)
  })
})

describe('whatever comes', () => {
  const bytes = fc.uint8Array({ maxLength: 120 })
  // Real kinds and ids more often than chance would have them.
  const packets = fc
    .tuple(
      fc.constantFrom(0x60, 0x61, 0x62, 0x63, 0x64, 0xc7),
      fc.constantFrom(0, 1, 2, 8, 9, 10, 0x10, 0x40),
      bytes,
    )
    .map(([kind, id, rest]) => Buffer.from([kind, 0, 0, id, ...rest]))

  test.prop([fc.array(fc.tuple(fc.constantFrom(B, C), packets), { maxLength: 60 })], { numRuns: 200 })(
    'the machine goes on, and nobody is live and frozen (I22)',
    (all) => {
      const rig = new Rig().create().join(B).join(C)
      for (const [from, packet] of all) rig.bytes(from, packet)
      rig.wait(70)
      const { live, frozen } = rig.conference.roster
      expect([...live.keys()].filter((number) => frozen.has(number))).toEqual([])
      expect(rig.conference.connections.length).toBeLessThanOrEqual(16)
      expect(rig.conference.numbers.size).toBe(live.size + frozen.size)
    },
  )

  test.prop([bytes])('what is no packet of ours changes nothing', (junk) => {
    const rig = new Rig().create().join(B)
    const { machine } = rig
    const packet = Buffer.from([0x30, ...junk])
    expect(rig.bytes(B, packet).machine).toBe(machine)
  })
})
