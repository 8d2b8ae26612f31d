import { Buffer } from 'node:buffer'
import { maxTextBytes, messageIds, savedConferences } from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { dhtKey, entry, identifier, key, Rig, self } from './support/rig.js'

const B = 0x10
const C = 0x20
const D = 0x30
const others = [0x50, 0x60, 0x70, 0x80, 0x90]

/** We have accepted B's invitation, and wait for our number. */
function joining(): Rig {
  const rig = new Rig().friend(B).up(B).packet(B, { kind: 'invite', sender: 7, identifier })
  return rig.do({ kind: 'accept', from: key(B), identifier })
}

describe('coming in', () => {
  it('T1: whoever creates a conference is its member 0', () => {
    const rig = new Rig().do({ kind: 'create', identifier })
    expect(rig.conference).toMatchObject({ phase: 'connected', selfNumber: 0, title: new Uint8Array() })
    expect(rig.news.map(({ kind }) => kind)).toEqual(['opened', 'connected'])
    expect(rig.do({ kind: 'create', identifier }).refused).toEqual(['known-already'])
  })

  it('T1: an identifier is a type byte and 32 bytes, and a limit a whole number', () => {
    const rig = new Rig().create()
    for (const wrong of ['', `02${'ab'.repeat(32)}`, `00${'AB'.repeat(32)}`])
      rig.do({ kind: 'create', identifier: wrong })
    for (const max of [-1, Number.NaN, 0.5]) rig.do({ kind: 'set-max-frozen', conference: 0, max })
    rig.do({ kind: 'set-max-frozen', conference: 9, max: 1 })
    expect(rig.refused).toEqual([
      ...Array<string>(3).fill('no-identifier'),
      ...Array<string>(3).fill('no-limit'),
      'no-such-conference',
    ])
  })

  it('T2: only friends who are online as friends are invited, and may invite', () => {
    const rig = new Rig()
      .create()
      .friend(B, 'offline')
      .up(B)
      .do({ kind: 'invite', conference: 0, friend: key(B) })
    expect([rig.refused, rig.sent()]).toEqual([['no-such-friend'], []])
    const guest = new Rig().friend(B, 'offline').up(B).packet(B, { kind: 'invite', sender: 7, identifier })
    expect(guest.news).toEqual([])
    expect(guest.friend(B).packet(B, { kind: 'invite', sender: 7, identifier }).news).toEqual([
      { kind: 'invited', from: key(B), identifier },
    ])
  })

  it('T2: an invitation waits for the application, and can be declined', () => {
    const rig = new Rig().friend(B).up(B).packet(B, { kind: 'invite', sender: 7, identifier })
    expect(rig.sent()).toEqual([])
    rig.do({ kind: 'decline', from: key(B), identifier }).do({ kind: 'accept', from: key(B), identifier })
    expect(rig.refused).toEqual(['no-such-invitation'])
  })

  it('T3: accepting tells the inviter, whose connection is online at once, and asks who is in', () => {
    const rig = joining()
    expect(rig.sent(B)).toMatchObject([
      { kind: 'invite-accept', sender: 0, receiver: 7, identifier },
      { kind: 'peer-query', conference: 7 },
    ])
    expect(rig.connection(B)).toMatchObject({
      state: 'online',
      theirNumber: 7,
      reasons: { introducer: true },
    })
  })

  it('T3: the inviter gives a number that is free in both lists, and tells everybody', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .friend(C)
      .up(C)
      .do({ kind: 'invite', conference: 0, friend: key(C) })
    const numbers = [0, B, C]
    rig.random = () => (numbers.shift() ?? 0) / 0x1_0000
    rig.forget().packet(C, { kind: 'invite-accept', sender: 3, receiver: 0, identifier })
    expect(rig.sent(B)).toMatchObject([{ body: { kind: 'new-peer', peerNumber: C, realKey: key(C) } }])
    expect(rig.connection(C)).toMatchObject({
      state: 'online',
      theirNumber: 3,
      reasons: { introducing: true },
    })
  })

  it('T3: gives up after 33 tries', () => {
    const rig = new Rig()
      .create()
      .friend(B)
      .up(B)
      .do({ kind: 'invite', conference: 0, friend: key(B) })
    let tries = 0
    rig.random = () => Number((tries += 1) > 33) / 0x1_0000
    rig.packet(B, { kind: 'invite-accept', sender: 3, receiver: 0, identifier })
    expect([tries, rig.live]).toEqual([33, []])
  })

  it('spec 8: whoever was not invited does not get in', () => {
    const rig = new Rig().create().friend(B).up(B)
    rig.packet(B, { kind: 'invite-accept', sender: 3, receiver: 0, identifier })
    expect(rig.live).toEqual([])
  })

  it('T5.1: finding ourselves in the list makes us a member, and tell our name', () => {
    const rig = joining().do({ kind: 'set-name', name: 'me' }).forget()
    rig.list(B, [entry(3, B, 'Bea'), entry(9, self, 'me')]).tick()
    expect(rig.conference).toMatchObject({ phase: 'connected', selfNumber: 9 })
    expect(rig.news.map(({ kind }) => kind)).toEqual(['joined', 'name', 'connected'])
    expect(rig.sent(B)).toMatchObject([
      { author: 9, messageNumber: 1, body: { kind: 'ping' } },
      { author: 9, messageNumber: 2, body: { kind: 'name', name: Buffer.from('me') } },
    ])
  })

  it('T5.2: entries of another key under a known number are skipped, and told as a clash', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .list(B, [entry(B, C), entry(0, D), entry(5, D)])
    expect(rig.live).toEqual([D, B])
    expect(rig.news.filter(({ kind }) => kind === 'number-clash')).toHaveLength(2)
  })

  it('T5.3, L3: an entry of a known key under another number replaces the old one', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .newPeer(B, B, 1, 5, C)
      .forget()
      .list(B, [entry(6, C)])
    expect([...rig.conference.roster.live.keys()]).toEqual([6, B])
    expect(rig.news.map(({ kind }) => kind)).toEqual(['left', 'joined'])
  })

  it('T5.4: names are taken only where none is known', () => {
    const rig = new Rig().create().join(B).join(C).message(B, B, 1, messageIds.name, 'Bea')
    rig.list(B, [entry(B, B, 'Bob'), entry(C, C, 'Cid')])
    const names = [...rig.conference.roster.live.values()].map(({ value }) =>
      Buffer.from(value.name).toString(),
    )
    expect(names).toEqual(['Bea', 'Cid'])
  })

  it('U2: entries behind a frozen member are read', () => {
    const rig = new Rig().create().join(B).newPeer(B, B, 1, C, C).down(B).up(B)
    rig.packet(B, { kind: 'online', sender: B, identifier }).list(B, [entry(C, C), entry(D, D)])
    expect([rig.live, rig.frozen]).toEqual([[D], [B, C]])
  })

  it('U6: an empty name is no name, and a later list may have one', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .list(B, [entry(C, C, '')])
      .forget()
      .list(B, [entry(C, C, 'Cid')])
    expect(rig.news).toEqual([{ kind: 'name', conference: 0, of: key(C), name: 'Cid' }])
  })

  it('U9: an acceptance that nobody answers is given up after a minute', () => {
    const rig = joining().forget().wait(59)
    expect(rig.news).toEqual([])
    rig.wait(1)
    expect(rig.news).toEqual([{ kind: 'gave-up', conference: 0, identifier }])
    expect([rig.machine.conferences.size, rig.wanted('release')]).toEqual([0, [B]])
    rig.packet(B, { kind: 'invite', sender: 7, identifier }).do({ kind: 'accept', from: key(B), identifier })
    expect(rig.refused).toEqual([])
  })

  it('T3: an interruption while joining is survived', () => {
    const rig = joining().down(B).forget().up(B).packet(B, { kind: 'online', sender: 8, identifier })
    expect(rig.sent(B)).toMatchObject([
      { kind: 'online' },
      { kind: 'peer-query', conference: 8 },
      { kind: 'online' },
    ])
  })
})

describe('an invitation to where we are already', () => {
  it('L4: is answered by ourselves, and both ask each other who is in', () => {
    const rig = new Rig().create().friend(B).up(B).packet(B, { kind: 'invite', sender: 7, identifier })
    expect(rig.sent(B)).toMatchObject([
      { kind: 'invite-member', sender: 0, receiver: 7, peerNumber: 0 },
      { kind: 'peer-query', conference: 7 },
    ])
    const reasons = { closest: false, introducing: true, introducer: true }
    expect(rig.connection(B)).toMatchObject({ state: 'online', theirNumber: 7, reasons })
  })

  it('L4: its answer brings the member back under its own number', () => {
    const rig = new Rig()
      .create()
      .join(C)
      .friend(B)
      .up(B)
      .do({ kind: 'invite', conference: 0, friend: key(B) })
    rig.forget().packet(B, { kind: 'invite-member', sender: 5, receiver: 0, identifier, peerNumber: 77 })
    expect(rig.conference.numbers.get(key(B))).toBe(77)
    expect(rig.sent(C)).toMatchObject([{ body: { kind: 'new-peer', peerNumber: 77, realKey: key(B) } }])
    expect(rig.sent(B)[0]).toMatchObject({ kind: 'peer-query', conference: 5 })
    expect(rig.connection(B)).toMatchObject({
      state: 'online',
      reasons: { introducing: true, introducer: true },
    })
  })

  it('U3: heals a conference whose other side has forgotten everybody', () => {
    const rig = new Rig().create().join(B).do({ kind: 'set-max-frozen', conference: 0, max: 0 }).down(B)
    expect([rig.live, rig.frozen]).toEqual([[], []])
    rig.up(B).do({ kind: 'invite', conference: 0, friend: key(B) })
    rig.packet(B, { kind: 'invite-member', sender: B, receiver: 0, identifier, peerNumber: B })
    expect(rig.live).toEqual([B])
  })
})

describe('messages', () => {
  const hello = { kind: 'say', conference: 0, text: 'hello', as: 'chat' } as const

  it('T6: go to every online connection under its own number for the conference', () => {
    const rig = new Rig().create().join(B).join(C).do(hello)
    expect(rig.sent()).toMatchObject([
      { to: B, conference: B, author: 0, body: { kind: 'chat', text: Buffer.from('hello') } },
      { to: C, conference: C },
    ])
  })

  it('T6: use no number while nobody can hear them', () => {
    const rig = new Rig().create().do(hello).do(hello)
    expect([rig.refused, rig.conference.messageNumber]).toEqual([['no-connection', 'no-connection'], 0])
    expect(joining().do(hello).refused).toEqual(['no-connection'])
  })

  it('T6: are at most 1363 bytes, and not empty', () => {
    const rig = new Rig().create().join(B)
    rig.do({ ...hello, text: 'x'.repeat(maxTextBytes) }).do({ ...hello, text: 'x'.repeat(maxTextBytes + 1) })
    expect(rig.do({ ...hello, text: '' }).refused).toEqual(['too-long', 'empty'])
  })

  it('T6: number 0 is skipped when they wrap around', () => {
    const saved = savedConferences(new Rig().create().join(B).machine).map((one) => ({
      ...one,
      messageNumber: 0xffff_ffff,
    }))
    const rig = new Rig().do({ kind: 'restore', conferences: saved }).friend(B).up(B)
    rig.packet(B, { kind: 'online', sender: 1, identifier }).do(hello)
    expect(rig.conference.messageNumber).toBeLessThan(5)
    expect(
      rig.sent().flatMap((packet) => (packet.kind === 'message' ? [packet.messageNumber] : [])),
    ).not.toContain(0)
  })

  it('T7.5: are passed on to all but whom they came from', () => {
    const rig = new Rig().create().join(B).join(C).newPeer(B, B, 1, D, D).forget().chat(B, D, 5, 'hello')
    expect(rig.sent().map(({ to }) => to)).toEqual([C])
  })

  it('T7.5: also back to their author, over its own connection', () => {
    const rig = new Rig().create().join(B).chat(B, B, 5, 'hello')
    expect(rig.sent()).toMatchObject([{ to: B, author: B, messageNumber: 5 }])
  })

  it('T7: our own that come back are told as echoed, once', () => {
    const rig = new Rig().create().join(B).join(C).do(hello)
    const { messageNumber } = rig.conference
    rig.forget().chat(B, 0, messageNumber, 'hello').chat(C, 0, messageNumber, 'hello')
    expect(rig.news).toEqual([{ kind: 'echoed', conference: 0, messageNumber }])
    expect(rig.sent().map(({ to }) => to)).toEqual([C])
  })

  it.each([
    ['an unknown id', 99, 'x'],
    ['an empty chat message', messageIds.chat, ''],
    ['a New Peer of the wrong length', messageIds.newPeer, 'x'],
    ['a Leave about somebody else', messageIds.leave, '\x00\x30'],
    ['a Freeze about somebody else', messageIds.freeze, '\x00\x30'],
    ['a name of 129 bytes', messageIds.name, 'x'.repeat(129)],
    ['an empty title', messageIds.title, ''],
  ])('T7.4: %s is not passed on, but has used its number up', (_what, id, data) => {
    const rig = new Rig().create().join(B).message(B, B, 5, id, data)
    expect([rig.sent(), rig.news, rig.live]).toEqual([[], [], [B]])
    expect(rig.chat(B, B, 5, 'the same number').news).toEqual([])
  })

  it('T8: are heard once, whichever way they come', () => {
    const rig = new Rig().create().join(B).join(C).newPeer(B, B, 1, D, D).forget()
    rig.chat(B, D, 5, 'hello').chat(C, D, 5, 'hello').chat(B, D, 5, 'hello')
    expect(rig.news).toHaveLength(1)
  })

  it('T14: Leave deletes its author, and lets go of its connection', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .join(C)
      .message(B, B, 5, messageIds.leave, Buffer.from([0, B]))
    expect([rig.live, rig.wanted('release'), rig.kinds(C)]).toEqual([[C], [B], ['leave']])
    expect(rig.news).toEqual([{ kind: 'left', conference: 0, who: key(B) }])
  })

  it('L3: Freeze freezes its author at once', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .join(C)
      .message(B, B, 5, messageIds.freeze, Buffer.from([0, B]))
    expect([rig.live, rig.frozen, rig.kinds(C)]).toEqual([[C], [B], ['freeze']])
    expect(rig.news).toEqual([{ kind: 'frozen', conference: 0, who: key(B), why: 'said-so' }])
  })

  it('L3: Freeze of somebody frozen or unknown neither thaws nor asks', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .newPeer(B, B, 1, D, D)
      .message(B, D, 1, messageIds.freeze, Buffer.from([0, D]))
    rig
      .forget()
      .message(B, D, 2, messageIds.freeze, Buffer.from([0, D]))
      .message(B, 999, 2, messageIds.freeze, '\x03\xe7')
    expect([rig.sent(), rig.frozen]).toEqual([[], [D]])
  })

  it('T15: a name of ours is told at once, and one of another if it is new', () => {
    const rig = new Rig().create().join(B).do({ kind: 'set-name', name: 'me' })
    expect(rig.kinds()).toEqual(['name'])
    rig.forget().message(B, B, 5, messageIds.name, 'Bea').message(B, B, 6, messageIds.name, 'Bea')
    expect(rig.news).toEqual([{ kind: 'name', conference: 0, of: key(B), name: 'Bea' }])
    expect(rig.do({ kind: 'set-name', name: 'x'.repeat(129) }).refused).toEqual(['too-long'])
  })

  it('T15: a name that nobody could hear is told as soon as somebody can', () => {
    const rig = new Rig().create().do({ kind: 'set-name', name: 'me' }).wait(3).join(B).tick()
    expect(rig.kinds(B)).toContain('name')
  })
})

describe('impostors (spec 8)', () => {
  it('spec 8: a message in our name with a number that we never used is dropped and told', () => {
    const rig = new Rig().create().join(B).join(C).chat(B, 0, 5000, 'I did not say this')
    expect(rig.news).toEqual([{ kind: 'spoofed', conference: 0, via: key(B) }])
    expect(rig.sent()).toEqual([])
  })

  it('spec 8: nobody else can say that we leave', () => {
    const rig = new Rig().create().join(B).message(B, 0, 1, messageIds.leave, '\0\0')
    expect(rig.news).toEqual([{ kind: 'spoofed', conference: 0, via: key(B) }])
  })

  it('spec 8: nor that somebody leaves who could tell us directly', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .join(C)
      .message(B, C, 50, messageIds.leave, Buffer.from([0, C]))
    expect([rig.live, rig.sent()]).toEqual([[B, C], []])
    expect(rig.message(C, C, 50, messageIds.leave, Buffer.from([0, C])).live).toEqual([B])
  })

  it('U5: a New Peer with the number of another is told as a clash, and not passed on', () => {
    const rig = new Rig().create().join(B).join(C).forget().newPeer(B, B, 1, C, D, 1)
    expect(rig.news).toEqual([{ kind: 'number-clash', conference: 0, who: key(D), peerNumber: C }])
    expect(rig.conference.roster.live.get(C)?.value.dhtKey).toBe(dhtKey(C))
    expect(rig.sent()).toEqual([])
  })
})

describe('connections', () => {
  const greet = (rig: Rig, peer: number): Rig =>
    rig.up(peer).packet(peer, { kind: 'online', sender: peer, identifier })

  it('T4: who is in is told with ourselves and the title', () => {
    const rig = new Rig().create().do({ kind: 'set-title', conference: 0, title: 'T' }).join(B)
    rig.packet(B, { kind: 'peer-query', conference: 0 })
    expect(rig.sent(B)).toMatchObject([
      { kind: 'peer-response', entries: [{ peerNumber: 0, realKey: key(self) }, { peerNumber: B }] },
      { kind: 'title-response', title: Buffer.from('T') },
    ])
  })

  it('T7.2, T13: an introducer whose messages reach us otherwise is thanked, once more than four are online', () => {
    const rig = new Rig().create().join(B).newPeer(B, B, 1, C, C).down(B).friend(C).up(C).up(B)
    rig
      .packet(C, { kind: 'online', sender: C, identifier })
      .packet(B, { kind: 'online', sender: B, identifier })
    for (const peer of others.slice(0, 2)) rig.join(peer)
    rig.wait(1).forget().message(B, C, 50, messageIds.ping)
    expect(rig.connection(C)?.reasons.introducer).toBe(true)
    rig.join(others[2]!).message(B, C, 51, messageIds.ping)
    expect(rig.sent(C)).toContainEqual({ kind: 'peer-introduced', conference: C, to: C })
    expect(rig.connection(C)).toBeNull()
  })

  it('T13: whoever is introduced needs our help no more', () => {
    const rig = new Rig().create().join(B).packet(B, { kind: 'peer-introduced', conference: 0 })
    expect(rig.wanted('release')).toEqual([B])
  })

  it('T10.1: the closest are wanted with their DHT keys, and greeted if their link is up', () => {
    const rig = new Rig().create().join(B).newPeer(B, B, 1, C, C, 3).forget().tick()
    expect(rig.effects).toContainEqual({ kind: 'want', realKey: key(C), dhtKey: dhtKey(C, 3), conference: 0 })
    expect(greet(rig.forget(), C).kinds(C)).toEqual(['online', 'online'])
  })

  it('T10.2: we ping every 20 s', () => {
    const rig = new Rig().create().join(B).wait(1).forget()
    expect(rig.wait(19).kinds()).toEqual([])
    expect(rig.wait(1).kinds()).toEqual(['ping'])
    expect(rig.forget().wait(20).kinds()).toEqual(['ping'])
  })

  it('T11: a link that goes down makes its connections wait, and one that comes up greets', () => {
    const rig = new Rig().create().join(B).join(C).down(B)
    expect(rig.connection(B)?.state).toBe('connecting')
    expect(rig.up(B).kinds(B)).toEqual(['online'])
  })

  it('T12: an Online for a conference that we want no link for is ignored', () => {
    const rig = new Rig().create().friend(B).up(B)
    const { machine } = rig
    expect(rig.packet(B, { kind: 'online', sender: 1, identifier }).machine).toBe(machine)
  })

  it('T12: the first connection to come online is asked who is in', () => {
    const rig = new Rig().create().join(B).join(C).wait(1).down(C).forget()
    expect(greet(rig, C).kinds(C)).not.toContain('peer-query')
    rig.down(C).down(B).forget()
    expect(greet(rig, B).kinds(B)).toContain('peer-query')
  })

  it('L5: of 16 connections two are kept free, dropping first who is connecting and not closest', () => {
    const rig = new Rig().create()
    for (let peer = 1; peer <= 16; peer += 1) rig.join(0x60 + peer)
    expect(rig.conference.connections).toHaveLength(16)
    rig.down(0x6a).down(0x6b).forget().tick()
    expect(rig.conference.connections).toHaveLength(14)
    expect(rig.wanted('release')).toEqual([0x6a, 0x6b])
  })

  it('L: at most 128 frozen members are kept, friends first, then who was active last', () => {
    const rig = new Rig().create().join(B).friend(0x77)
    for (let n = 0; n < 130; n += 1) rig.wait(Number(n === 65)).newPeer(B, B, n + 1, 1000 + n, 0x50 + n)
    expect(rig.live).toHaveLength(131)
    rig.down(B)
    expect(rig.frozen).toHaveLength(128)
    expect(rig.frozen).toContain(0x77)
    expect(rig.news.filter(({ kind }) => kind === 'forgotten')).toHaveLength(3)
    rig.do({ kind: 'set-max-frozen', conference: 0, max: 1 })
    expect(rig.frozen).toHaveLength(1)
  })
})
