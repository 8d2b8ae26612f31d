import { fc, test } from '@fast-check/vitest'
import {
  type Filter,
  firstPage,
  IdFetch,
  mayTryNegentropy,
  type PageState,
  PendingBatches,
  pageEnd,
  pageEvent,
  passWall,
  splitByTime,
  syncItems,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { rules } from './support/vectors.js'

describe('batches in flight', () => {
  const items = syncItems({ repos: ['a'] })

  it('R9, R10: confirm once every subscription has had its EOSE, and nothing more comes', () => {
    const batches = new PendingBatches()
    const batch = batches.open({ kind: 'items', items }, 'req', 100)
    batches.track(batch, '1')
    batches.track(batch, '2')
    expect(batches.ended('1', 'answered')).toBeNull()
    expect(batches.complete(batch)).toBeNull()
    expect(batches.items()).toEqual([items])
    expect(batches.ended('2', 'answered')).toEqual({ kind: 'confirmed', batch })
    expect([batches.size, batches.hasFailed, batches.items()]).toEqual([0, false, []])
  })

  it('R9: of negentropy has no subscriptions until it is known what is missing', () => {
    const batches = new PendingBatches()
    const batch = batches.open({ kind: 'announcements' }, 'negentropy', 100)
    expect(batches.size).toBe(1)
    expect(batches.complete(batch)).toEqual({ kind: 'confirmed', batch })
    expect(batches.complete(batch)).toBeNull()
  })

  it('R8: end each by itself', () => {
    const batches = new PendingBatches()
    const first = batches.open({ kind: 'announcements' }, 'req', 100)
    const second = batches.open({ kind: 'items', items }, 'req', 200)
    batches.track(first, '1')
    batches.track(second, '2')
    batches.complete(first)
    batches.complete(second)
    expect(batches.batchOf('2')).toBe(second)
    expect(batches.ended('2', 'answered')?.batch).toBe(second)
    expect(batches.size).toBe(1)
  })

  it('R45: keep the watermark below the oldest start', () => {
    const batches = new PendingBatches()
    expect(batches.floor()).toBeNull()
    const first = batches.open({ kind: 'announcements' }, 'req', 300)
    batches.open({ kind: 'items', items }, 'req', 200)
    expect(batches.floor()).toBe(200)
    batches.clear()
    expect([batches.floor(), batches.complete(first)]).toEqual([null, null])
  })

  it('R55: fail if any subscription was never answered, and that is remembered', () => {
    const batches = new PendingBatches()
    const batch = batches.open({ kind: 'items', items }, 'req', 100)
    for (const id of ['1', '2']) batches.track(batch, id)
    batches.complete(batch)
    batches.ended('1', 'failed')
    expect(batches.ended('2', 'answered')).toEqual({ kind: 'failed', batch })
    expect(batches.hasFailed).toBe(true)
    batches.clear()
    expect(batches.hasFailed).toBe(false)
  })

  it('R12, R56: ignore an EOSE that comes twice, or for nothing', () => {
    const batches = new PendingBatches()
    const batch = batches.open({ kind: 'announcements' }, 'req', 100)
    batches.track(batch, '1')
    expect(batches.ended('1', 'answered')).toBeNull()
    expect(batches.ended('1', 'answered')).toBeNull()
    expect(batches.ended('unknown', 'failed')).toBeNull()
    expect(batches.batchOf('1')).toBeNull()
    expect(batches.complete(batch)?.kind).toBe('confirmed')
  })
})

describe('pages', () => {
  const filter: Filter = { kinds: [1] }

  const fill = (page: PageState, count: number, at: number, name = 'e'): PageState =>
    Array.from({ length: count }, (_, index) => ({ id: `${name}${index}`, created_at: at })).reduce(
      pageEvent,
      page,
    )

  it.each(rules.pagination)('R52, R54: $name', ({ threshold, received, newEvents, minCreatedAt, next }) => {
    const start = firstPage(filter, { threshold })
    const before = newEvents === 0 ? pageEnd(fill(start, received, minCreatedAt ?? 0)) : null
    const page = before?.kind === 'next' ? before.page : start
    const outcome = pageEnd(fill(page, received, minCreatedAt ?? 0))
    if (next === null) expect(outcome).toEqual({ kind: 'complete' })
    else if (outcome.kind === 'wall')
      expect(passWall(page, outcome.at, false)).toMatchObject({ before: { filter: next } })
    else expect(outcome).toMatchObject({ kind: 'next', page: { filter: next } })
  })

  it('R53: always says how many, and believes the relay about how many it gives', () => {
    expect(firstPage(filter).filter).toEqual({ kinds: [1], limit: 500 })
    const isFull = (count: number, options: object): boolean =>
      pageEnd(fill(firstPage(filter, options), count, 10)).kind === 'next'
    expect([isFull(299, { maxLimit: 300 }), isFull(300, { maxLimit: 300 })]).toEqual([false, true])
    expect([isFull(499, { maxLimit: 5000 }), isFull(500, { maxLimit: 5000 })]).toEqual([false, true])
    expect([isFull(74, {}), isFull(75, {})]).toEqual([false, true])
  })

  it('R54: a page of one second that brings something new is followed by the same page, until nothing is new', () => {
    const full = { maxLimit: 2 }
    const second = (...ids: string[]) => ids.map((id) => ({ id, created_at: 7 }))
    const next = (page: PageState, events: readonly { id: string; created_at: number }[]): PageState => {
      const outcome = pageEnd(events.reduce(pageEvent, page))
      if (outcome.kind !== 'next') throw new Error(outcome.kind)
      return outcome.page
    }
    const third = next(next(firstPage(filter, full), second('a', 'b')), second('b', 'c'))
    expect(third.filter.until).toBe(7)
    expect(pageEnd(second('a', 'c').reduce(pageEvent, third))).toEqual({ kind: 'wall', at: 7 })
  })

  it('R54: narrows the second that does not fit, and goes on before it', () => {
    const page = firstPage({ '#e': ['a', 'b'] }, { maxLimit: 3 })
    expect(passWall(page, 7, true)).toMatchObject({ kind: 'negentropy', second: { since: 7, until: 7 } })
    expect(passWall(page, 7, false)).toMatchObject({
      kind: 'narrow',
      parts: [
        { filter: { '#e': ['a'], since: 7, until: 7 } },
        { filter: { '#e': ['b'], since: 7, until: 7 } },
      ],
      before: { filter: { '#e': ['a', 'b'], until: 6 } },
    })
    expect(passWall(firstPage(filter), 7, false)).toMatchObject({
      kind: 'step',
      before: { filter: { until: 6 } },
    })
    expect(passWall(firstPage({ since: 7 }), 7, false)).toEqual({ kind: 'step', before: null })
  })

  interface Stored {
    readonly id: string
    readonly created_at: number
  }

  /** A relay that answers with the newest, and among those of one second with the same ones each time. */
  function answer(
    stored: readonly Stored[],
    { since = 0, until = Infinity, limit = 500 }: Filter,
    most: number,
  ) {
    return stored
      .filter(({ created_at }) => created_at >= since && created_at <= until)
      .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
      .slice(0, Math.min(limit, most))
  }

  test.prop([fc.array(fc.nat(8), { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), fc.boolean()])(
    'R52 to R54: end, and find all but what is hidden behind a second that is fuller than a page',
    (times, most, saysSo) => {
      const stored = times.map((created_at, index) => ({
        id: `e${String(index).padStart(3, '0')}`,
        created_at,
      }))
      const found = new Set<string>()
      let page: PageState | null = firstPage(
        {},
        saysSo ? { maxLimit: most } : { limit: most, threshold: most },
      )
      let requests = 0
      while (page !== null) {
        if (++requests > 200) throw new Error('does not end')
        const events = answer(stored, page.filter, most)
        for (const { id } of events) found.add(id)
        const filled: PageState = events.reduce(pageEvent, page)
        const outcome = pageEnd(filled)
        page =
          outcome.kind === 'next'
            ? outcome.page
            : outcome.kind === 'wall'
              ? passWall(filled, outcome.at, false).before
              : null
      }
      const perSecond = (at: number): number => times.filter((time) => time === at).length
      for (const { id, created_at } of stored)
        if (perSecond(created_at) < most) expect(found.has(id)).toBe(true)
    },
  )
})

describe('negentropy in use', () => {
  it('R99: a refusal is remembered for a day, or until the relay is another version', () => {
    const refused = { at: 1000, version: '1' }
    expect(mayTryNegentropy(null, 0, '1')).toBe(true)
    expect(mayTryNegentropy(refused, 86_400_999, '1')).toBe(false)
    expect(mayTryNegentropy(refused, 86_401_000, '1')).toBe(true)
    expect(mayTryNegentropy(refused, 1001, '2')).toBe(true)
  })

  it('R100: a set that is too large is halved by time, down to a second', () => {
    expect(splitByTime({ kinds: [1] }, 100)).toEqual([
      { kinds: [1], since: 0, until: 50 },
      { kinds: [1], since: 51 },
    ])
    expect(splitByTime({ since: 10, until: 11 }, 100)).toEqual([
      { since: 10, until: 10 },
      { since: 11, until: 11 },
    ])
    expect(splitByTime({ since: 10, until: 10 }, 100)).toBeNull()
  })

  it('R102: ids are fetched in chunks, again while some come, and not for ever', () => {
    const fetch = new IdFetch(['a', 'b', 'c', 'd', 'e'], 2)
    expect(fetch.chunks()).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    for (const id of ['a', 'c', 'c', 'x']) fetch.received(id)
    expect(fetch.endRound()).toEqual({ kind: 'again', chunks: [['b', 'd'], ['e']] })
    expect(fetch.endRound()).toEqual({ kind: 'fallback', missing: ['b', 'd', 'e'] })
    for (const id of ['b', 'd', 'e']) fetch.received(id)
    expect(fetch.endRound()).toEqual({ kind: 'complete' })
  })
})
