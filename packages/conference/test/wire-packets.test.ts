import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import {
  type ConferencePacket,
  decodePacket,
  encodeLossy,
  encodeMessage,
  encodePacket,
  encodePeerResponses,
  extensionIds,
  maxPacketBytes,
  type PeerEntry,
  type SimplePacket,
  withConference,
} from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { type Scenario, vectorFile } from './support/vectors.js'

interface Sample {
  readonly hex: string
  readonly is: Record<string, unknown>
}

const samples = (vectorFile('packets') as { packets: Sample[] }).packets
const recorded = [
  'basic',
  'freeze-rejoin',
  'member-invite',
  'quit-and-reload',
  'split-titles',
  'real-udp',
].flatMap((name) => (vectorFile(name) as Pick<Scenario, 'wire'>).wire.filter((line) => 'hex' in line))

/** What the recording calls a packet. */
function kindOf(packet: ConferencePacket | null): string | undefined {
  if (packet?.kind !== 'message') return packet?.kind
  return packet.body.kind === 'chat' ? 'message' : packet.body.kind
}

/** Writes a packet again from what was read of it. */
function again(packet: ConferencePacket, original: Buffer): Uint8Array {
  switch (packet.kind) {
    case 'peer-response':
      return encodePeerResponses(packet.conference, packet.entries)[0] ?? new Uint8Array()
    case 'message': {
      const { author, messageNumber, messageId, conference } = packet
      return withConference(
        encodeMessage(author, messageNumber, messageId, original.subarray(10)),
        conference,
      )
    }
    case 'lossy': {
      const { author, lossyNumber, messageId, data, conference } = packet
      return withConference(encodeLossy(author, lossyNumber, messageId, data), conference)
    }
    default:
      return encodePacket(packet)
  }
}

describe('packets of the real library', () => {
  it.each(samples.map(({ hex, is }) => ({ kind: is['kind'], hex, is })))(
    'spec 2: $kind $hex',
    ({ hex, is, kind }) => {
      const packet = decodePacket(Buffer.from(hex, 'hex'))
      const names = ['peerNumber', 'senderGroupNumber', 'messageNumber', 'lossyNumber']
      const numbers = names.flatMap((name) => (name in is ? [JSON.stringify(is[name])] : []))
      expect(kindOf(packet)).toBe(kind)
      const words = JSON.stringify(packet)
      for (const number of numbers) expect(words).toContain(number)
      if (typeof is['id'] === 'string') expect(words).toContain(is['id'])
      expect(packet && Buffer.from(again(packet, Buffer.from(hex, 'hex'))).toString('hex')).toBe(hex)
    },
  )

  it('spec 2: all recorded ones are read as what they are', () => {
    expect(recorded.length).toBeGreaterThan(1000)
    const kinds = recorded.map(({ hex }) => kindOf(decodePacket(Buffer.from(hex, 'hex'))))
    expect(kinds).toEqual(recorded.map(({ is }) => is['kind']))
  })

  it('T4: a long list is cut into packets of 1318, 1266 and 1046 bytes', () => {
    const answer = (vectorFile('big-list') as { checkpoints: { answer: { hex: string }[] } }).checkpoints
      .answer
    const lists = answer.map(({ hex }) => Buffer.from(hex, 'hex')).filter((packet) => packet[3] === 9)
    const entries = lists.flatMap((list) => {
      const packet = decodePacket(list)
      return packet?.kind === 'peer-response' ? packet.entries : []
    })
    const packets = encodePeerResponses(7, entries)
    expect(packets.map(({ length }) => length)).toEqual([1318, 1266, 1046])
    expect(packets.map((packet) => Buffer.from(packet))).toEqual(lists)
  })
})

const u16 = fc.nat(0xffff)
const identifiers = fc
  .uint8Array({ minLength: 33, maxLength: 33 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const keys = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const upTo = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes))
const simple: fc.Arbitrary<SimplePacket> = fc.oneof(
  fc.record({ kind: fc.constant('invite' as const), sender: u16, identifier: identifiers }),
  fc.record({
    kind: fc.constant('invite-accept' as const),
    sender: u16,
    receiver: u16,
    identifier: identifiers,
  }),
  fc.record({
    kind: fc.constant('invite-member' as const),
    sender: u16,
    receiver: u16,
    identifier: identifiers,
    peerNumber: u16,
  }),
  fc.record({ kind: fc.constant('online' as const), sender: u16, identifier: identifiers }),
  fc.record({ kind: fc.constant('rejoin' as const), identifier: identifiers }),
  fc.record({ kind: fc.constantFrom('peer-introduced' as const, 'peer-query' as const), conference: u16 }),
  fc.record({ kind: fc.constant('title-response' as const), conference: u16, title: upTo(200) }),
  fc.record({
    kind: fc.constant('extension' as const),
    conference: u16,
    id: fc.integer({ min: extensionIds.first, max: extensionIds.last }),
    data: upTo(200),
  }),
)
const entries: fc.Arbitrary<PeerEntry[]> = fc.array(
  fc.record({ peerNumber: u16, realKey: keys, dhtKey: keys, name: upTo(128) }),
  { maxLength: 60 },
)

describe('packets', () => {
  test.prop([simple])('spec 2: are read as what was written', (packet) => {
    expect(decodePacket(encodePacket(packet))).toEqual(packet)
  })

  test.prop([u16, entries])('T4: lists of any length come whole, in packets that fit', (conference, list) => {
    const packets = encodePeerResponses(conference, list)
    const read = packets.flatMap((packet) => {
      const decoded = decodePacket(packet)
      return decoded?.kind === 'peer-response' ? decoded.entries : []
    })
    expect(read).toEqual(list)
    expect(Math.max(0, ...packets.map(({ length }) => length))).toBeLessThanOrEqual(maxPacketBytes)
  })

  test.prop([fc.uint8Array({ maxLength: 1500 })], { numRuns: 500 })(
    'spec 2: any bytes are a packet or nothing',
    (bytes) => {
      expect(() => decodePacket(bytes)).not.toThrow()
    },
  )

  test.prop([fc.constantFrom(...samples), fc.nat(1373), fc.uint8Array({ maxLength: 4 })], { numRuns: 500 })(
    'spec 2: damaged ones are a packet or nothing',
    ({ hex }, at, put) => {
      const bytes = Buffer.from(hex, 'hex')
      bytes.set(put.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
      expect(() => [decodePacket(bytes), decodePacket(bytes.subarray(0, at))]).not.toThrow()
    },
  )

  it.each([
    ['invite', { kind: 'invite', sender: 0, identifier: '00'.repeat(33) }, [-1, 1]],
    [
      'invite-accept',
      { kind: 'invite-accept', sender: 0, receiver: 0, identifier: '00'.repeat(33) },
      [-1, 1],
    ],
    [
      'invite-member',
      { kind: 'invite-member', sender: 0, receiver: 0, identifier: '00'.repeat(33), peerNumber: 0 },
      [-1, 1],
    ],
    ['online', { kind: 'online', sender: 0, identifier: '00'.repeat(33) }, [-1, 1]],
    ['rejoin', { kind: 'rejoin', identifier: '00'.repeat(33) }, [-1]],
  ] as const)('spec 2: %s must have its length', (_kind, packet, wrong) => {
    const bytes = Buffer.concat([encodePacket(packet), Buffer.alloc(1)])
    for (const by of wrong) expect(decodePacket(bytes.subarray(0, bytes.length - 1 + by))).toBeNull()
    if (packet.kind === 'rejoin') expect(decodePacket(bytes)).toEqual(packet)
  })

  it('R1: Rejoin is 64 and the identifier, 34 bytes', () => {
    const bytes = encodePacket({ kind: 'rejoin', identifier: `00${'ab'.repeat(32)}` })
    expect(Buffer.from(bytes).toString('hex')).toBe(`6400${'ab'.repeat(32)}`)
    expect(bytes).toHaveLength(34)
  })

  it('spec 2: what is read is a copy', () => {
    const bytes = Buffer.from('6200000a486f6c64', 'hex')
    const packet = decodePacket(bytes)
    bytes.fill(0)
    expect(packet).toEqual({ kind: 'title-response', conference: 0, title: Buffer.from('Hold') })
  })

  it('spec 8.1: an unknown sub-id outside the range of extensions is nothing', () => {
    expect(decodePacket(Buffer.from('620000df', 'hex'))).toBeNull()
    expect(decodePacket(Buffer.from('620000f0', 'hex'))).toBeNull()
  })
})
