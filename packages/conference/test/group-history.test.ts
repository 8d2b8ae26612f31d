import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import {
  conferenceMemories,
  decodeExtension,
  decodePacket,
  defaultRules,
  type Extension,
  encodeExtension,
  type LateMessage,
  maxLateTextBytes,
  maxPacketBytes,
  messageIds,
  savedConferences,
} from '@holdfast/conference'
import { Simulation } from '@holdfast/conference/testing'
import { describe, expect, it } from 'vitest'
import { identifier, key, Rig } from './support/rig.js'

const B = 0x10
const C = 0x20
const D = 0x30

function rig(history = defaultRules.history): Rig {
  const rig = new Rig()
  rig.rules = { ...defaultRules, repair: false, history }
  rig.create()
  rig.now += 3600
  return rig
}

function says(rig: Rig, from: number, extension: Extension): Rig {
  return rig.bytes(from, encodeExtension(0, extension))
}

function extensions(rig: Rig, to?: number): (Extension | null)[] {
  return rig
    .sent(to)
    .flatMap((packet) => (packet.kind === 'extension' ? [decodeExtension(packet.id, packet.data)] : []))
}

function late(author: number, messageNumber: number, text: string, age = 3): LateMessage {
  return { kind: 'late', author, messageNumber, messageId: messageIds.chat, age, text: Buffer.from(text) }
}

function messages(rig: Rig): unknown[] {
  return rig.news.filter(({ kind }) => kind === 'message')
}

const day = 86_400

/** Another process goes on from what was saved, when the clock shows so many seconds more; B is back. */
function restarted(before: Rig, later: number): Rig {
  const after = new Rig()
  after.rules = before.rules
  after.now = before.now + later
  const memories = conferenceMemories(before.machine, false)
  after.do({ kind: 'restore', conferences: savedConferences(before.machine), memories })
  after.friend(B).up(B).packet(B, { kind: 'rejoin', identifier })
  return after.packet(B, { kind: 'online', sender: B, identifier }).forget()
}

/** B's link broke for two minutes, and is back. */
function afterSplit(with_: Rig): Rig {
  const rig = with_.join(B).down(B)
  for (let n = 0; n < 120; n += 1) rig.wait(1)
  rig.up(B).packet(B, { kind: 'rejoin', identifier }).packet(B, { kind: 'online', sender: B, identifier })
  return rig.forget()
}

describe('what was missed (spec 8.1, E2)', () => {
  it('E2: is asked for at the next tick of whoever says that it understands', () => {
    const rig_ = afterSplit(rig()).tick()
    expect(extensions(rig_)).toEqual([])
    says(rig_, B, { kind: 'hello' }).tick().tick()
    const [ask, ...more] = extensions(rig_, B)
    expect(more).toEqual([])
    expect(ask).toMatchObject({ kind: 'ask' })
    expect(ask && 'seconds' in ask && ask.seconds).toBeGreaterThanOrEqual(120)
  })

  it('E2: every connection that comes online is told that we understand', () => {
    const rig_ = afterSplit(rig()).down(B).up(B).forget().packet(B, { kind: 'online', sender: B, identifier })
    expect(extensions(rig_, B)).toContainEqual({ kind: 'hello' })
  })

  it('E2: is told as far as it is held, with its age, and not to its author', () => {
    const rig_ = rig().join(B).join(C).chat(B, B, 5, 'of B').chat(C, C, 6, 'of C').wait(30)
    rig_.message(B, B, 8, messageIds.ping).message(C, C, 8, messageIds.ping)
    rig_.do({ kind: 'say', conference: 0, text: 'ours', as: 'action' }).wait(30).forget()
    says(rig_, B, { kind: 'ask', seconds: 3600 })
    const { messageNumber } = [...rig_.conference.history.entries.values()][2] ?? { messageNumber: 0 }
    expect(extensions(rig_, B)).toEqual([
      late(C, 6, 'of C', 1),
      { ...late(0, messageNumber, 'ours', 0), messageId: messageIds.action },
    ])
  })

  it('E2: only of the time that was asked for', () => {
    const rig_ = rig().join(B).join(C).chat(C, C, 5, 'early').wait(50).chat(C, C, 6, 'lately').forget()
    expect(extensions(says(rig_, B, { kind: 'ask', seconds: 20 }), B)).toEqual([late(C, 6, 'lately', 0)])
  })

  it('E2: is told at most every ten seconds', () => {
    const rig_ = rig().join(B).join(C).chat(C, C, 5, 'hello').forget()
    for (let n = 0; n < 9; n += 1) says(rig_, B, { kind: 'ask', seconds: 3600 }).wait(1)
    expect(extensions(rig_, B)).toHaveLength(1)
  })

  it('E2: reaches the application once, marked late, however often it comes', () => {
    const rig_ = rig().join(B).join(C).forget()
    says(says(rig_, B, late(C, 7, 'missed')), B, late(C, 7, 'missed')).chat(B, C, 7, 'missed')
    expect(messages(rig_)).toEqual([
      {
        kind: 'message',
        conference: 0,
        from: key(C),
        text: 'missed',
        as: 'chat',
        messageNumber: 7,
        late: { minutes: 3 },
      },
    ])
  })

  it('E2: that was heard live is not told again', () => {
    const rig_ = rig().join(B).join(C).chat(C, C, 7, 'heard').forget()
    expect(messages(says(rig_, B, late(C, 7, 'heard')))).toEqual([])
  })

  it('E2: that is older than what is held is not told again', () => {
    const rig_ = rig({ bytes: 1000, count: 2 }).join(B).join(C)
    for (const number of [5, 6, 7]) rig_.chat(C, C, number, 'heard')
    expect(messages(says(rig_.forget(), B, late(C, 5, 'heard')))).toEqual([])
  })

  it('E2: cannot silence its author by a number that is far ahead', () => {
    const rig_ = rig({ bytes: 1000, count: 2 }).join(B).join(C)
    for (const number of [2 ** 20, 2 ** 20 + 1, 2 ** 20 + 2]) says(rig_, B, late(C, number, 'forged'))
    expect(rig_.conference.history.floors.get(C)).toBe(2 ** 20)
    rig_.forget().chat(C, C, 5, 'still here')
    expect(messages(rig_)).toMatchObject([{ text: 'still here', late: null }])
  })

  it('E2: is told on to those who understand, but not as a message that old peers would relay', () => {
    const rig_ = rig().join(B).join(C).join(D)
    says(rig_, C, { kind: 'hello' }).forget()
    says(rig_, B, late(D, 7, 'missed'))
    expect(extensions(rig_, C)).toEqual([late(D, 7, 'missed')])
    expect(rig_.kinds().filter((kind) => kind !== 'extension')).toEqual([])
    expect(rig_.sent(D)).toEqual([])
  })

  it('E2: in our own name, or of somebody unknown, is dropped', () => {
    const rig_ = rig().join(B).forget()
    expect(messages(says(says(rig_, B, late(0, 7, 'forged')), B, late(999, 7, 'who')))).toEqual([])
  })

  it('E2: of a number that is somebody else’s now is not told', () => {
    const rig_ = rig()
      .join(B)
      .join(C)
      .chat(C, C, 5, 'of C')
      .message(C, C, 6, messageIds.leave, Buffer.from([0, C]))
    rig_.newPeer(B, B, 1, C, D).forget()
    expect(extensions(says(rig_, B, { kind: 'ask', seconds: 3600 }), B)).toEqual([])
  })

  it('E2: is nothing that was said before we were members', () => {
    const rig_ = new Rig()
    rig_.rules = defaultRules
    rig_.create().join(B).join(C).forget()
    expect(messages(says(rig_, B, late(C, 7, 'earlier', 1)))).toEqual([])
    expect(messages(says(rig_, B, late(C, 7, 'now', 0)))).toHaveLength(1)
  })

  it('E2: survives a restart, and so does what was told', () => {
    const before = rig().join(B).join(C).chat(C, C, 7, 'heard')
    const after = restarted(before, 60)
    says(after, B, { kind: 'ask', seconds: 3600 })
    expect(extensions(after, B)).toEqual([late(C, 7, 'heard', 1)])
    expect(messages(says(after, B, late(C, 7, 'heard', 1)))).toEqual([])
  })

  it.each([60, 0, -day])('E2: is all asked for after a restart, however the clock stands: %i s', (later) => {
    const after = restarted(rig().join(B).join(C), later)
    says(after, B, { kind: 'hello' }).tick()
    const [ask] = extensions(after, B)
    expect(ask && 'seconds' in ask && ask.seconds).toBeGreaterThan(10 * 365 * day)
  })

  it('E2: is taken after a restart for which the clock was set back', () => {
    const after = restarted(rig().join(B).join(C).chat(C, C, 7, 'heard'), -day)
    says(says(after, B, late(C, 7, 'heard', 600)), B, late(C, 8, 'missed', 590))
    expect(messages(after)).toMatchObject([{ text: 'missed', late: { minutes: 590 } }])
  })

  it('E2: that was said before we were members is not taken after a restart, but all that came later is', () => {
    const before = new Rig()
    before.rules = defaultRules
    before.create().join(B).join(C).join(D).chat(C, C, 7, 'heard').wait(60)
    // We were members for a minute; the clock says that we were away for another, but it was an hour.
    const after = restarted(before, 60)
    says(says(after, B, late(C, 6, 'before us', 61)), B, late(C, 8, 'missed', 59))
    says(after, B, late(D, 3, 'of somebody never heard', 59))
    expect(messages(after)).toMatchObject([{ text: 'missed' }])
  })

  it('E2: is told with its age after a restart for which the clock was set back', () => {
    const before = rig().join(B).join(C).chat(C, C, 5, 'early').wait(50).chat(C, C, 6, 'lately')
    const after = restarted(before, -day).wait(20)
    expect(extensions(says(after, B, { kind: 'ask', seconds: 30 }), B)).toEqual([late(C, 6, 'lately', 0)])
    after.wait(10).forget()
    expect(extensions(says(after, B, { kind: 'ask', seconds: 3600 }), B)).toEqual([
      late(C, 5, 'early', 1),
      late(C, 6, 'lately', 0),
    ])
  })

  it('E3: after a clean end the numbers go on where they were; after a crash they skip 65536', () => {
    const { machine } = rig().join(B).do({ kind: 'close' })
    const restored = (isFinal: boolean): number => {
      const memories = conferenceMemories(machine, isFinal)
      return new Rig().do({ kind: 'restore', conferences: savedConferences(machine), memories }).conference
        .messageNumber
    }
    const last = machine.conferences.get(0)?.messageNumber ?? 0
    expect([restored(true), restored(false)]).toEqual([last, last + 65_536])
  })

  it('E2: is not held, told or asked for when it is switched off', () => {
    const rig_ = rig(null).join(B).join(C).chat(C, C, 5, 'hello').forget()
    says(says(rig_, B, { kind: 'hello' }), B, { kind: 'ask', seconds: 3600 }).tick()
    expect([extensions(rig_), rig_.conference.history.entries.size]).toEqual([[], 0])
  })

  it('I25: is bounded by count, bytes and age', () => {
    const rig_ = rig({ bytes: 1000, count: 20, age: 60_000 }).join(B)
    for (let n = 1; n < 50; n += 1) rig_.chat(B, B, n, 'short')
    expect(rig_.conference.history.entries.size).toBe(20)
    for (let n = 50; n < 60; n += 1) rig_.chat(B, B, n, 'x'.repeat(300))
    expect(rig_.conference.history).toMatchObject({ bytes: 900 })
    rig_.wait(59).chat(B, B, 90, 'a').wait(2).chat(B, B, 91, 'b')
    expect(rig_.conference.history.entries.size).toBe(2)
  })
})

describe('a conference that splits', () => {
  function split(history: typeof defaultRules.history): Simulation {
    const simulation = new Simulation({
      seed: 5,
      peers: 6,
      friends: 'sparse',
      rules: { ...defaultRules, history },
    })
    simulation.assemble()
    const islands = simulation.peers.map((_, index) => index % 2)
    simulation.split(islands)
    for (let round = 0; round < 12; round += 1) {
      for (const peer of simulation.peers) simulation.say(peer)
      simulation.clock.advance(15_000)
    }
    simulation.merge()
    simulation.clock.advance(90_000)
    simulation.oracle.collect(simulation.peers)
    return simulation
  }

  it('E2: has everybody hear everything once, after the merge', () => {
    const { missing, repeated } = split(defaultRules.history).oracle.verdict()
    expect([missing, repeated]).toEqual([[], []])
  })

  it.each([0, -1, -0.003, 1])(
    'E2: tells who starts again all it missed, its clock set by %d days meanwhile',
    (days) => {
      const simulation = new Simulation({ seed: 6, peers: 4 })
      simulation.assemble()
      const [, absent, ...others] = simulation.peers
      if (!absent) throw new Error('nobody is away')
      absent.quit()
      for (let round = 0; round < 10; round += 1) {
        for (const peer of others) simulation.say(peer)
        simulation.clock.advance(60_000)
      }
      absent.wallOffset = days * 86_400_000
      absent.start()
      simulation.clock.advance(60_000)
      simulation.oracle.collect(simulation.peers)
      expect(simulation.oracle.verdict()).toEqual({ missing: [], repeated: [] })
    },
  )

  it('P6: without a history nobody hears what the others said', () => {
    const { missing, repeated } = split(null).oracle.verdict()
    expect([missing.length > 100, repeated]).toEqual([true, []])
  })
})

describe('extensions', () => {
  const text = fc.uint8Array({ minLength: 1, maxLength: maxLateTextBytes }).map((bytes) => Buffer.from(bytes))
  const anyExtension: fc.Arbitrary<Extension> = fc.oneof(
    fc.constant({ kind: 'hello' as const }),
    fc.record({ kind: fc.constant('ask' as const), seconds: fc.nat(0xffff_ffff) }),
    fc.record({
      kind: fc.constant('late' as const),
      author: fc.nat(0xffff),
      messageNumber: fc.nat(0xffff_ffff),
      messageId: fc.constantFrom(messageIds.chat, messageIds.action),
      age: fc.nat(0xffff),
      text,
    }),
  )

  test.prop([fc.nat(0xffff), anyExtension])(
    'E2: are read as what was written, and fit into a packet',
    (conference, extension) => {
      const bytes = encodeExtension(conference, extension)
      const packet = decodePacket(bytes)
      expect(bytes.length).toBeLessThanOrEqual(maxPacketBytes)
      expect(packet?.kind === 'extension' && decodeExtension(packet.id, packet.data)).toEqual(extension)
    },
  )

  test.prop([fc.nat(255), fc.uint8Array({ maxLength: 40 })])(
    'E2: any bytes are an extension or nothing',
    (id, bytes) => {
      expect(() => decodeExtension(id, bytes)).not.toThrow()
    },
  )
})

describe('a short interruption (spec 8.1, E1)', () => {
  function interrupted(repair: boolean): Rig {
    const rig = new Rig()
    rig.rules = { ...defaultRules, repair, history: null }
    rig.create().join(B).join(C).wait(1).packet(B, { kind: 'peer-introduced', conference: 0 })
    rig.packet(C, { kind: 'peer-introduced', conference: 0 }).down(B).up(B).forget()
    return rig.packet(B, { kind: 'online', sender: B, identifier })
  }

  it('E1: has us tell our name and DHT key again', () => {
    const rig = interrupted(true)
    expect(rig.sent(C)).toMatchObject([
      { body: { kind: 'new-peer', peerNumber: 0, realKey: key(0x40) } },
      { body: { kind: 'name' } },
    ])
  })

  it('E1: at most once a minute', () => {
    const rig = interrupted(true).forget().down(B).up(B).packet(B, { kind: 'online', sender: B, identifier })
    expect(rig.kinds(C)).toEqual([])
  })

  it('P4, P5: is never made up for by real peers, nor by us without E1', () => {
    expect(interrupted(false).kinds(C)).toEqual([])
  })
})
