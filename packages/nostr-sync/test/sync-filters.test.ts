import { createHash } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import {
  announcementFilters,
  type Filter,
  filtersSince,
  fitFilter,
  layerFilters,
  liveFilters,
  liveRequests,
  matchesFilter,
  narrowFilter,
  negentropyFrameLimit,
  recentFilters,
  requestBytes,
  syncItems,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { rules, signedEvents } from './support/vectors.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const some = (count: number, make: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => make(i))
const repo = (index: number): string => `30617:${sha256(`pk${index}`)}:repo-${index}`
const root = (index: number): string => sha256(`root${index}`)
const itemsOf = (repos: number, roots: number) =>
  syncItems({ repos: some(repos, repo), rootEvents: some(roots, root) })

const isLayer2 = (filter: Filter): boolean =>
  !!filter['#a'] || !!filter['#A'] || !!filter['#q']?.[0]?.startsWith('30617')
const isState = (filter: Filter): boolean => filter.kinds !== undefined

describe('the filters of the layers', () => {
  it('R58: layer 1, as GRASP servers ask now and as they asked at first', () => {
    const sortedKinds = (filters: readonly Filter[] | undefined) =>
      filters?.map(({ kinds }) => [...(kinds ?? [])].sort())
    expect(sortedKinds(announcementFilters())).toEqual(sortedKinds(rules.filters.layer1['ngitGraspHead']))
    expect(announcementFilters(true)).toEqual(rules.filters.layer1['seed'])
    expect(filtersSince(announcementFilters(true), 1_700_000_000)).toEqual(
      rules.filters.layer1['seedWithSince1700000000'],
    )
  })

  it.each(rules.filters.cases)(
    'R59, R60, R61: of $repos repositories and $rootEvents root events',
    (expected) => {
      const filters = layerFilters(itemsOf(expected.repos, expected.rootEvents))
      const layer2 = filters.filter((filter) => isLayer2(filter) && !isState(filter))
      const state = filters.filter(isState)
      const layer3 = filters.filter((filter) => !layer2.includes(filter) && !state.includes(filter))
      expect([layer2.length, layer3.length, state.length]).toEqual([
        expected.layer2Count,
        expected.layer3Count,
        expected.stateFilterCount,
      ])
      if (expected.layer2) expect(layer2).toEqual(expected.layer2)
      if (expected.layer3) expect(layer3).toEqual(expected.layer3)
      if (expected.state) expect(state).toEqual(expected.state)
      if (expected.withSince1700000000)
        expect({
          layer2: filtersSince(layer2, 1_700_000_000),
          layer3: filtersSince(layer3, 1_700_000_000),
        }).toEqual(expected.withSince1700000000)
    },
  )

  it('R37: live ones have a limit of 0, and a start where a relay takes that for none', () => {
    const filters: Filter[] = [{ kinds: [1] }]
    expect(liveFilters(filters)).toEqual([{ kinds: [1], limit: 0 }])
    expect(recentFilters(filters, 1000)).toEqual([{ kinds: [1], since: 940 }])
    expect(filtersSince(filters, null)).toEqual(filters)
  })

  it('R61: state events are asked for by author, unless there are too many of them', () => {
    const items = syncItems({ repos: [repo(1)], stateRepos: [repo(2)] })
    const [few] = layerFilters(items, { authorsOf: () => [sha256('b'), sha256('a')] }).filter(isState)
    expect(few).toEqual({
      kinds: [30_618],
      authors: [sha256('a'), sha256('b')].sort(),
      '#d': ['repo-1', 'repo-2'],
    })
    const [many] = layerFilters(items, { authorsOf: () => some(101, root) }).filter(isState)
    expect(many).toEqual({ kinds: [30_618], '#d': ['repo-1', 'repo-2'] })
  })

  it('R62: values that cannot be in such a tag stay out, and so do empty lists', () => {
    expect(layerFilters(syncItems({ repos: ['nonsense'], rootEvents: ['abcd', 'A'.repeat(64)] }))).toEqual([])
  })

  it('R63: do not depend on the order in which items came', () => {
    const backwards = syncItems({ repos: some(250, repo).reverse(), rootEvents: some(250, root).reverse() })
    expect(layerFilters(backwards)).toEqual(layerFilters(itemsOf(250, 250)))
  })
})

describe('requests', () => {
  const bytes = (request: readonly Filter[]): number =>
    request.reduce((sum, one) => sum + JSON.stringify(one).length + 1, 0)

  test.prop([
    fc.nat(300),
    fc.nat(300),
    fc.integer({ min: 1, max: 10 }),
    fc.integer({ min: 1024, max: 50_000 }),
  ])(
    'R50, R101: hold every value once, and neither too many filters nor too many bytes',
    (repos, roots, maxFilters, maxBytes) => {
      const filters = layerFilters(itemsOf(repos, roots))
      const requests = liveRequests(filters, { maxFilters, maxBytes })
      for (const request of requests) {
        expect(request.length).toBeLessThanOrEqual(maxFilters)
        expect(bytes(request)).toBeLessThanOrEqual(maxBytes)
      }
      const valuesOf = (all: readonly Filter[]) =>
        all.flatMap((filter) =>
          Object.entries(filter).flatMap(([name, values]) =>
            name.startsWith('#') ? (values as string[]).map((value) => name + value) : [],
          ),
        )
      expect(valuesOf(requests.flat()).sort()).toEqual(valuesOf(filters).sort())
    },
  )

  it('R101: leave room in the frame that the relay takes', () => {
    expect([undefined, 131_072, 65_536, 1_000_000, 100].map((max) => requestBytes(max))).toEqual([
      130_048, 130_048, 64_512, 130_048, 1024,
    ])
  })

  it('R101: leave out a value that is too long for any frame', () => {
    expect(fitFilter({ '#d': ['x'.repeat(2000), 'y'] }, 1024)).toEqual([{ '#d': ['y'] }])
  })

  it('R101: of negentropy are in hex', () => {
    const filter = { kinds: [1] }
    expect(negentropyFrameLimit(filter)).toBe(60_000)
    expect(negentropyFrameLimit(filter, 131_072)).toBe(60_000)
    expect(negentropyFrameLimit(filter, 65_536)).toBe(Math.floor((65_536 - 300 - 13) / 2))
    expect(negentropyFrameLimit(filter, 8400)).toBeNull()
  })
})

describe('narrower filters', () => {
  it('R54: split tag values first, then kinds, then authors', () => {
    const filter: Filter = { '#e': ['a', 'b', 'c'], kinds: [1, 2], authors: ['x', 'y'] }
    expect(narrowFilter(filter)).toEqual([
      { ...filter, '#e': ['a', 'b'] },
      { ...filter, '#e': ['c'] },
    ])
    expect(narrowFilter({ ...filter, '#e': ['a'] })?.[0].kinds).toEqual([1])
    expect(narrowFilter({ '#e': ['a'], kinds: [1], authors: ['x', 'y'] })?.[1].authors).toEqual(['y'])
    expect(narrowFilter({ '#e': ['a'], kinds: [1] })).toBeNull()
  })

  test.prop([fc.uniqueArray(fc.constantFrom(1, 1111, 1621, 1618, 30_617, 1630), { minLength: 2 })])(
    'R54: match together what the filter matched',
    (kinds) => {
      const [a, b] = narrowFilter({ kinds }) ?? []
      for (const { event } of signedEvents.events)
        expect([a, b].some((half) => half && matchesFilter(half, event))).toBe(
          matchesFilter({ kinds }, event),
        )
    },
  )
})
