import { fc, test } from '@fast-check/vitest'
import {
  addressOf,
  compareForReplacement,
  eventId,
  isProtected,
  isRootKind,
  kindClass,
  type NostrEvent,
  parseAddress,
  readEvent,
  referencesOf,
  serializeEvent,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { eventNamed, invalidEvents, rules, signedEvents } from './support/vectors.js'

describe('the id of an event', () => {
  it.each(signedEvents.events)('R89: is the hash of the serialization: $name', ({ serialized, event }) => {
    expect(serializeEvent(event)).toBe(serialized)
    expect(eventId(event)).toBe(event.id)
  })
})

describe('the shape of an event', () => {
  it.each(signedEvents.events)('R91: is right: $name', ({ event }) => {
    expect(readEvent(event)).toEqual({ kind: 'event', event })
  })

  /** Wrong in what is signed, not in shape: for the verifier. */
  const isForVerifier = (name: string): boolean =>
    /altered|negated|all zero|of another|not on the curve/.test(name) || name === 'id too short by nothing'

  it.each(invalidEvents)('R91: $name', ({ name, valid, event }) => {
    const isAccepted = valid === true || (typeof valid === 'string' && valid.startsWith('accept'))
    const expected = isAccepted || isForVerifier(name) ? 'event' : 'malformed'
    expect(readEvent(event).kind).toBe(expected)
  })

  const event = eventNamed('issue')

  it('R91: drops members that the id does not cover', () => {
    expect(readEvent({ ...event, extra: 1 })).toEqual({ kind: 'event', event })
  })

  it.each([
    ['larger than 1000 bytes', { content: 'x'.repeat(1000) }, { maxBytes: 1000 }],
    [
      'larger than 1000 bytes',
      { tags: Array.from({ length: 100 }, () => ['t', 'x'.repeat(20)]) },
      { maxBytes: 1000 },
    ],
    ['more than 3 tags', { tags: [['a'], ['b'], ['c'], ['d']] }, { maxTags: 3 }],
    ['created_at is too far in the future', { created_at: 1001 }, { latest: 1000 }],
    ['larger than 131072 bytes', { content: 'é'.repeat(65_536) }, {}],
  ])('R91: has limits: %s', (why, change, limits) => {
    expect(readEvent({ ...event, ...change }, limits)).toEqual({ kind: 'malformed', why, id: event.id })
  })

  test.prop([fc.jsonValue()])('R91: is judged without throwing, whatever the JSON', (value) => {
    expect(readEvent(value).kind).toBe('malformed')
  })

  test.prop([fc.constantFrom(...Object.keys(event)), fc.jsonValue()])(
    'R91: of an event with any member exchanged is right only if it is one',
    (member, value) => {
      const reading = readEvent({ ...event, [member]: value })
      if (reading.kind === 'event') expect(reading.event).toEqual({ ...event, [member]: value })
    },
  )
})

describe('kinds', () => {
  it.each([
    ['regular', [1, 2, 4, 44, 45, 1000, 1621, 9999, 40_000]],
    ['replaceable', [0, 3, 10_000, 10_317, 19_999]],
    ['ephemeral', [20_000, 22_242, 29_999]],
    ['addressable', [30_000, 30_617, 30_618, 39_999]],
  ] as const)('spec 2: %s', (expected, kinds) => {
    expect(kinds.map(kindClass)).toEqual(kinds.map(() => expected))
  })

  it('R13: patches, pull requests and issues are roots, updates and announcements are not', () => {
    expect([1617, 1618, 1619, 1621, 30_617, 1111].filter(isRootKind)).toEqual([1617, 1618, 1621])
  })

  it('spec 2: of two with the same time the lower id is kept', () => {
    const event = eventNamed('issue')
    const lower: NostrEvent = { ...event, id: '0'.repeat(64) }
    const newer: NostrEvent = { ...event, created_at: event.created_at + 1 }
    expect(compareForReplacement(lower, event)).toBeLessThan(0)
    expect(compareForReplacement(newer, lower)).toBeLessThan(0)
    expect(compareForReplacement(event, event)).toBe(0)
  })
})

describe('addresses', () => {
  it.each(rules.addressParsing)('R1: %s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected)
  })

  it('R1: of announcements, of replaceable events, and of none', () => {
    const owner = signedEvents.keys['carol']?.pk ?? ''
    expect(addressOf(eventNamed('announcement with d containing colon'))).toBe(`30617:${owner}:team:repo`)
    const list = eventNamed('relay list NIP-65')
    expect(addressOf(list)).toBe(`10002:${list.pubkey}:`)
    expect(addressOf(eventNamed('issue'))).toBeNull()
  })
})

describe('references', () => {
  it('spec 2: are read from lower-case, upper-case and q tags, in the form that each may have', () => {
    const repo = `30617:${'a'.repeat(64)}:x`
    const id = (digit: string): string => digit.repeat(64)
    const tags = [
      ['e', id('1'), 'wss://relay'],
      ['E', id('2')],
      ['q', id('3')],
      ['q', repo],
      ['a', repo],
      ['A', 'no address'],
      ['e', 'no id'],
      ['e', repo],
      ['a', id('4')],
      ['p', id('5')],
      ['e'],
    ]
    expect(referencesOf({ tags })).toEqual({ ids: [id('1'), id('2'), id('3')], addresses: [repo] })
  })

  it('R86: a lone dash protects an event', () => {
    expect(isProtected(eventNamed('protected event NIP-70'))).toBe(true)
    expect(isProtected(eventNamed('issue'))).toBe(false)
  })
})
