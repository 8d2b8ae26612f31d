import { messageIds, savedConferences } from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { dhtKey, entry, identifier, key, Rig } from './support/rig.js'

const B = 0x10
const C = 0x20
const D = 0x30

/** Nobody hears of B any more, while C goes on. */
function silence(rig: Rig, seconds: number): Rig {
  for (let n = 0; n < seconds; n += 1) rig.wait(1).message(C, C, 1000 + rig.now, messageIds.ping)
  return rig
}

describe('a member that falls silent', () => {
  it('R2: is frozen when a minute has passed in whole seconds, and not before', () => {
    const rig = new Rig().create().join(B).join(C)
    silence(rig, 59)
    expect(rig.live).toEqual([B, C])
    silence(rig, 1)
    expect([rig.live, rig.frozen]).toEqual([[C], [B]])
    expect(rig.news).toContainEqual({ kind: 'frozen', conference: 0, who: key(B), why: 'silent' })
  })

  it('R2: we ourselves never time out', () => {
    const rig = new Rig().create().wait(300)
    rig
      .friend(B)
      .up(B)
      .do({ kind: 'invite', conference: 0, friend: key(B) })
    rig.packet(B, { kind: 'invite-accept', sender: 1, receiver: 0, identifier })
    expect(rig.forget().packet(B, { kind: 'peer-query', conference: 0 }).sent(B)[0]).toMatchObject({
      entries: [{ realKey: key(0x40) }, { realKey: key(B) }],
    })
  })

  it('U7: is frozen in the same tick as others who fell silent with it', () => {
    const rig = new Rig().create().join(B).newPeer(B, B, 1, C, C).newPeer(B, B, 2, D, D)
    rig.now += 60
    expect(rig.tick().frozen).toEqual([B, C, D])
  })

  it('U8: is in the list of the frozen when that is told', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .join(C)
      .message(B, B, 1, messageIds.freeze, Buffer.from([0, B]))
    expect(rig.news.map(({ kind }) => kind)).toEqual(['frozen'])
    expect([rig.live, rig.frozen]).toEqual([[C], [B]])
  })

  it('R3: gets no packets but a Rejoin', () => {
    const rig = silence(new Rig().create().join(B).join(C), 60)
    expect(rig.kinds(B)).toContain('rejoin')
    rig.forget().do({ kind: 'say', conference: 0, text: 'hello', as: 'chat' })
    expect(rig.sent().map(({ to }) => to)).toEqual([C])
  })

  it('R4, R5: is in the list of the frozen, and in none that we send', () => {
    const rig = silence(new Rig().create().join(B).join(C), 60).forget()
    expect([rig.live, rig.frozen]).toEqual([[C], [B]])
    const [response] = rig.packet(C, { kind: 'peer-query', conference: 0 }).sent(C)
    expect(response).toMatchObject({ kind: 'peer-response', entries: [{ peerNumber: 0 }, { peerNumber: C }] })
  })

  it('R6: leaves its place among the closest to another at the next tick', () => {
    const rig = new Rig().create().join(B).join(C)
    for (const [number, peer] of [0x50, 0x60, 0x70].entries()) rig.newPeer(C, C, number + 1, peer, peer)
    rig.tick()
    const closest = (): (string | undefined)[] => rig.conference.closest.map((slot) => slot?.realKey)
    expect(closest()).not.toContain(key(0x70))
    expect(closest()).toContain(key(B))
    silence(rig, 40)
    for (const peer of [0x50, 0x60, 0x70]) rig.message(C, peer, 1, messageIds.ping)
    silence(rig, 20)
    expect(closest()).not.toContain(key(B))
    rig.tick()
    expect(closest()).toContain(key(0x70))
  })

  it('R7: freezes with all others at once when our last connection goes', () => {
    const rig = new Rig().create().join(B).newPeer(B, B, 1, C, C).forget()
    expect(rig.live).toEqual([B, C])
    rig.down(B)
    expect([rig.live, rig.frozen]).toEqual([[], [B, C]])
    expect(rig.news.map((news) => 'why' in news && news.why)).toEqual(['no-connection', 'no-connection'])
  })

  it('R7: not while another connection is online', () => {
    const rig = new Rig().create().join(B).join(C).down(B)
    expect(rig.live).toEqual([B, C])
  })

  it('R17, L2: is asked for over a friend connection that is up, also if R7 froze it', () => {
    const rig = new Rig().create().join(B).newPeer(B, B, 1, C, C).friend(C).up(C).forget()
    rig.down(B)
    expect(rig.kinds(C)).toEqual(['rejoin'])
    expect(rig.connection(C)).toMatchObject({ state: 'connecting', reasons: { introducer: true } })
  })
})

describe('a frozen member', () => {
  function withFrozen(): Rig {
    return silence(new Rig().create().join(B).join(C), 60).forget()
  }

  it.each([
    ['R8: a message of its own', 'message', (rig: Rig) => rig.message(C, B, 5, messageIds.ping)],
    ['R9: a Rejoin', 'rejoin', (rig: Rig) => rig.packet(B, { kind: 'rejoin', identifier })],
    ['R10: a New Peer message about it', 'new-peer', (rig: Rig) => rig.newPeer(C, C, 9000, B, B)],
  ])('%s thaws it', (_what, by, happens) => {
    const rig = happens(withFrozen())
    expect([rig.live, rig.frozen]).toEqual([[B, C], []])
    expect(rig.news).toContainEqual({ kind: 'thawed', conference: 0, who: key(B), by })
  })

  it('R11: keeps its name and the numbers of its messages', () => {
    const rig = new Rig().create().join(B).join(C).message(B, B, 7, messageIds.name, 'Bea')
    silence(rig, 60).forget().chat(C, B, 7, 'again')
    expect(rig.live).toEqual([B, C])
    expect(rig.news.filter(({ kind }) => kind === 'message')).toEqual([])
    expect(Buffer.from(rig.conference.roster.live.get(B)?.value.name ?? '').toString()).toBe('Bea')
  })

  it('R12: many that thaw have one Name from us, at the next tick', () => {
    const rig = new Rig().create().join(B).newPeer(B, B, 1, C, C).newPeer(B, B, 2, D, D).down(B).up(B)
    rig.packet(B, { kind: 'online', sender: B, identifier }).wait(1).forget()
    rig.message(B, B, 3, messageIds.ping).message(B, C, 3, messageIds.ping).message(B, D, 3, messageIds.ping)
    expect(rig.kinds().filter((kind) => kind === 'name')).toEqual([])
    expect(
      rig
        .tick()
        .kinds()
        .filter((kind) => kind === 'name'),
    ).toEqual(['name'])
    expect(
      rig
        .forget()
        .wait(5)
        .kinds()
        .filter((kind) => kind === 'name'),
    ).toEqual([])
  })

  it('R13: a New Peer message sets its DHT key', () => {
    const rig = withFrozen().newPeer(C, C, 9000, B, B, 1)
    expect(rig.conference.roster.live.get(B)?.value).toMatchObject({
      dhtKey: dhtKey(B, 1),
      dhtKeyFresh: true,
    })
  })

  it('R14: a Peer Response sets its DHT key, and leaves it frozen', () => {
    const rig = withFrozen().list(C, [entry(B, B, '', 1)])
    expect(rig.frozen).toEqual([B])
    expect(rig.conference.roster.frozen.get(B)?.value.dhtKey).toBe(dhtKey(B, 1))
  })

  it('R14: once thawed, the first word on its DHT key is believed, and no later one of a Peer Response', () => {
    const rig = withFrozen().message(C, B, 5, messageIds.ping)
    rig.list(C, [entry(B, B, '', 1)]).list(C, [entry(B, B, '', 2)])
    expect(rig.conference.roster.live.get(B)?.value.dhtKey).toBe(dhtKey(B, 1))
  })

  it('R16, L1: is sent Rejoin, and then Online, though we had no connection to it, when its friend connection comes up', () => {
    const rig = withFrozen().down(B).forget().up(B, 1)
    expect(rig.kinds(B)).toEqual(['rejoin', 'online'])
    expect(rig.connection(B)).toMatchObject({ state: 'connecting', reasons: { introducer: true } })
  })

  it('R16: is asked who is in once that connection is online', () => {
    const rig = withFrozen().down(B).up(B, 1).forget()
    rig.packet(B, { kind: 'online', sender: 9, identifier })
    expect(rig.sent(B)[0]).toMatchObject({ kind: 'peer-query', conference: 9 })
  })

  it('R18: that sends Rejoin is met, and sent Online', () => {
    const rig = withFrozen().down(B).up(B, 1).forget().packet(B, { kind: 'rejoin', identifier })
    expect(rig.live).toEqual([B, C])
    expect(rig.conference.roster.live.get(B)?.value).toMatchObject({
      dhtKey: dhtKey(B, 1),
      dhtKeyFresh: true,
    })
    expect(rig.connection(B)?.reasons.introducing).toBe(true)
    expect(rig.kinds(B)).toEqual(['online'])
  })

  it('R18: a Rejoin of a stranger, or for another conference, is ignored', () => {
    const rig = withFrozen().friend(D).up(D).forget()
    const { machine } = rig
    rig
      .packet(D, { kind: 'rejoin', identifier })
      .packet(B, { kind: 'rejoin', identifier: `01${'ab'.repeat(32)}` })
    expect(rig.machine).toBe(machine)
  })

  it('R19: that comes online is introduced to everybody, with the DHT key of its link, and told our name', () => {
    const rig = withFrozen().down(B).up(B, 1).packet(B, { kind: 'rejoin', identifier }).forget()
    rig.packet(B, { kind: 'online', sender: 9, identifier }).tick()
    expect(rig.sent(C)).toMatchObject([
      { body: { kind: 'new-peer', peerNumber: B, realKey: key(B), dhtKey: dhtKey(B, 1) } },
      { body: { kind: 'name' } },
    ])
  })

  it('R20: its connection carries nothing but Online until an Online was received', () => {
    const rig = withFrozen().down(B).up(B, 1).packet(B, { kind: 'rejoin', identifier }).forget()
    rig.do({ kind: 'say', conference: 0, text: 'hello', as: 'chat' }).chat(C, C, 9001, 'hello too').tick()
    rig.packet(B, { kind: 'peer-query', conference: 0 })
    expect(rig.kinds(B)).toEqual(['online'])
  })

  it('R21: coming online makes us ping, if our last ping is 20 s old', () => {
    const due = withFrozen().down(B).up(B)
    due.now += 21
    expect(due.forget().packet(B, { kind: 'online', sender: 9, identifier }).kinds(C)).toEqual(['ping'])
    const recent = withFrozen().wait(20).down(B).up(B).forget()
    expect(recent.packet(B, { kind: 'online', sender: 9, identifier }).kinds(C)).toEqual([])
  })
})

describe('an author nobody knows', () => {
  it('R15: has its message dropped, and whoever passed it on asked who is in', () => {
    const rig = new Rig().create().join(B).join(C).forget().chat(B, 999, 1, 'hello')
    expect(rig.sent()).toEqual([{ kind: 'peer-query', conference: B, to: B }])
    expect(rig.news).toEqual([])
  })

  it('R15: not if that connection is not online', () => {
    const rig = new Rig().create().join(B).join(C).down(B).up(B).forget().chat(B, 999, 1, 'hello')
    expect(rig.sent()).toEqual([])
  })

  it('R15: costs one query a second per connection, however many there are', () => {
    const rig = new Rig().create().join(B).forget()
    for (let author = 500; author < 600; author += 1) rig.chat(B, author, 1, 'hello')
    expect(rig.kinds()).toEqual(['peer-query'])
    rig.now += 1
    expect(rig.chat(B, 999, 1, 'hello').kinds()).toEqual(['peer-query', 'peer-query'])
  })
})

describe('what is saved', () => {
  it('R23: is every conference with all members, frozen or not, but without ourselves', () => {
    const rig = silence(new Rig().create().join(B).join(C), 60)
    const [saved] = savedConferences(rig.machine)
    expect(saved?.peers.map(({ realKey }) => realKey)).toEqual([key(C), key(B)])
  })

  it('R24: comes back with everybody frozen', () => {
    const conferences = savedConferences(new Rig().create().join(B).join(C).machine)
    const rig = new Rig().do({ kind: 'restore', conferences })
    expect([rig.live, rig.frozen]).toEqual([[], [B, C]])
    expect(rig.news).toEqual([{ kind: 'opened', conference: 0, identifier }])
  })

  it('R24: does not bring back whom a forged file lists twice, or as ourselves', () => {
    const conferences = savedConferences(new Rig().create().join(B).machine).map((one) => ({
      ...one,
      peers: [
        ...one.peers,
        ...one.peers,
        { ...one.peers[0]!, realKey: key(0x40), peerNumber: 7 },
        { ...one.peers[0]!, realKey: key(C), peerNumber: 0 },
      ],
    }))
    const rig = new Rig().do({ kind: 'restore', conferences })
    expect(rig.frozen).toEqual([B])
  })

  it('R25: closing the program says Freeze and keeps the conference; only leaving says Leave and deletes it', () => {
    const rig = new Rig().create().join(B).do({ kind: 'close' })
    expect(rig.kinds()).toEqual(['freeze'])
    expect(rig.machine.conferences.size).toBe(1)
    rig.forget().do({ kind: 'leave', conference: 0 })
    expect(rig.kinds()).toEqual(['leave'])
    expect(rig.wanted('release')).toEqual([B])
    expect(rig.machine.conferences.size).toBe(0)
  })

  it('spec 9: continues 65536 message numbers and 8192 lossy numbers later', () => {
    const rig = new Rig().create().join(B)
    const { messageNumber } = rig.conference
    expect(savedConferences(rig.machine)[0]).toMatchObject({
      messageNumber: messageNumber + 65_536,
      lossyNumber: 8192,
    })
  })
})
