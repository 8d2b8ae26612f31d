import { fc, test } from '@fast-check/vitest'
import { type Filter, filterMatcher, matchesFilter, normalizeFilter, readFilter } from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { eventNamed, rules, signedEvents } from './support/vectors.js'

/** The tables name the events by their beginning. */
function eventLike(name: string) {
  const { event } = signedEvents.events.find((one) => one.name === name) ?? {}
  return event ?? eventNamed(name)
}

const hexId = fc.constantFrom(...signedEvents.events.flatMap(({ event }) => [event.id, event.pubkey]))

/** Filters that have a chance to match. */
const filters: fc.Arbitrary<Filter> = fc.record(
  {
    ids: fc.array(hexId, { maxLength: 3 }),
    authors: fc.array(hexId, { maxLength: 3 }),
    kinds: fc.array(fc.constantFrom(1, 1111, 1621, 30_617), { maxLength: 3 }),
    '#e': fc.array(hexId, { maxLength: 3 }),
    '#t': fc.array(fc.constantFrom('bug', 'x'), { maxLength: 3 }),
    since: fc.constantFrom(0, 1_767_225_700, 1_767_225_730),
    until: fc.constantFrom(1_767_225_730, 2 ** 40),
    limit: fc.nat(10),
  },
  { requiredKeys: [] },
)

describe('matching', () => {
  it.each(rules.filterMatching)('spec 6: $name', ({ filter, eventName, matches }) => {
    expect(matchesFilter(filter, eventLike(eventName))).toBe(matches)
  })

  it('spec 6: the filters of one subscription are alternatives; without any nothing matches', () => {
    const issue = eventNamed('issue')
    expect(filterMatcher([{ kinds: [1] }, { kinds: [1621] }])(issue)).toBe(true)
    expect(filterMatcher([])(issue)).toBe(false)
  })

  it('spec 6: only the second element of a tag counts', () => {
    const issue = { ...eventNamed('issue'), tags: [['t', 'a', 'b']] }
    expect(matchesFilter({ '#t': ['b'] }, issue)).toBe(false)
    expect(matchesFilter({ '#t': ['a'] }, issue)).toBe(true)
  })
})

describe('the normal form of a filter', () => {
  test.prop([filters])('R63: matches the same events', (filter) => {
    const normal = normalizeFilter(filter)
    for (const { event } of signedEvents.events)
      expect(matchesFilter(normal, event)).toBe(matchesFilter(filter, event))
  })

  test.prop([filters, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }))])(
    'R63: does not depend on the order of members and values',
    (filter, chance) => {
      const shuffled = <T>(list: readonly T[]): T[] =>
        list
          .map((value) => ({ value, at: chance.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ value }) => value)
      const other = Object.fromEntries(
        shuffled(Object.entries(filter)).map(([name, value]) => [
          name,
          Array.isArray(value) ? shuffled(value as unknown[]) : (value as unknown),
        ]),
      ) as Filter
      expect(JSON.stringify(normalizeFilter(other))).toBe(JSON.stringify(normalizeFilter(filter)))
    },
  )
})

describe('a filter that somebody sends', () => {
  test.prop([filters])('spec 6: is read if it is one', (filter) => {
    expect(readFilter(filter)).toEqual({ kind: 'filter', filter })
  })

  it.each([
    [{ ids: ['abcd'] }, 'ids must be a list of 64 lower-case hex digits'],
    [{ authors: ['A'.repeat(64)] }, 'authors must be a list of 64 lower-case hex digits'],
    [{ kinds: [65_536] }, 'kinds must be a list of whole numbers up to 65535'],
    [{ kinds: 1 }, 'kinds must be a list of whole numbers up to 65535'],
    [{ since: -1 }, 'since must be a whole number'],
    [{ limit: 1.5 }, 'limit must be a whole number'],
    [{ '#ab': ['x'] }, 'unknown filter member #ab'],
    [{ foo: 1 }, 'unknown filter member foo'],
    [{ '#t': [1] }, '#t must be a list of strings of at most 1024 characters'],
    [{ '#t': ['x'.repeat(1025)] }, '#t must be a list of strings of at most 1024 characters'],
    [{ '#t': Array.from({ length: 2001 }, String) }, 'more than 2000 values in a filter'],
    [[], 'a filter must be an object'],
    [null, 'a filter must be an object'],
    [JSON.parse('{"__proto__":[]}') as unknown, 'unknown filter member __proto__'],
  ])('R62: is refused: %j', (value, why) => {
    expect(readFilter(value)).toEqual({ kind: 'malformed', why })
  })
})
