import { stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import {
  addressOf,
  type EventPlace,
  type EventStore,
  type Filter,
  kindClass,
  matchesFilter,
  memoryStore,
  type NegentropyItems,
  type NostrEvent,
  openLmdbStore,
  type PutOutcome,
  type StoreChange,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { MemoryTable } from '../src/store/table.js'
import { author, madeEvent } from './support/made-event.js'
import { eventNamed, signedEvents } from './support/vectors.js'

/** What a store does, in the plainest way. */
class Model {
  stored: NostrEvent[] = []
  readonly gone = new Map<string, NostrEvent>()
  readonly #requests: NostrEvent[] = []

  put(event: NostrEvent): PutOutcome {
    if (kindClass(event.kind) === 'ephemeral') return 'not-stored'
    if (this.stored.some(({ id }) => id === event.id)) return 'duplicate'
    const address = addressOf(event)
    const isDeleted = this.#requests.some((request) => event.kind !== 5 && deletes(request, event))
    if (isDeleted) return this.#stayAway(event, 'deleted')
    const rival = address === null ? undefined : this.stored.find((other) => addressOf(other) === address)
    if (rival !== undefined) {
      const rivalWins =
        rival.created_at > event.created_at || (rival.created_at === event.created_at && rival.id < event.id)
      if (rivalWins) return this.#stayAway(event, 'superseded')
      this.#remove(rival)
    }
    this.stored.push(event)
    if (event.kind === 5) {
      this.#requests.push(event)
      for (const other of this.stored) if (other.kind !== 5 && deletes(event, other)) this.#remove(other)
    }
    return 'saved'
  }

  matching(filter: Filter): NostrEvent[] {
    return this.stored
      .filter((event) => matchesFilter(filter, event))
      .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
  }

  #remove(event: NostrEvent): void {
    this.stored = this.stored.filter((other) => other !== event)
    this.gone.set(event.id, event)
  }

  #stayAway(event: NostrEvent, why: PutOutcome): PutOutcome {
    this.gone.set(event.id, event)
    return why
  }
}

function deletes(request: NostrEvent, event: NostrEvent): boolean {
  if (request.pubkey !== event.pubkey) return false
  return request.tags.some(
    ([name, value]) =>
      (name === 'e' && value === event.id) ||
      (name === 'a' && value === addressOf(event) && event.created_at <= request.created_at),
  )
}

const time = fc.constantFrom(0, 5, 6, 7, 2 ** 32, 2 ** 53 - 1)
const letter = fc.constantFrom('a', 'b')
const plainEvent = fc
  .record({
    pubkey: letter.map(author),
    created_at: time,
    kind: fc.constantFrom(1, 0, 10_002, 20_001, 30_617),
    tags: fc.array(fc.tuple(fc.constantFrom('d', 't', 'E', 'long'), fc.constantFrom('x', 'y', '')), {
      maxLength: 3,
    }),
    content: fc.constantFrom('', '1', '2'),
  })
  .map(madeEvent)

const shuffled = <T>(all: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...all], { minLength: all.length })

/** Events, some of which ask for the deletion of others. */
const events = fc.array(plainEvent, { minLength: 5, maxLength: 25, size: 'max' }).chain((made) =>
  fc
    .array(
      fc.record({ pubkey: letter.map(author), created_at: time, target: fc.nat(), isAddress: fc.boolean() }),
      { maxLength: 4 },
    )
    .map((requests) =>
      requests.map(({ pubkey, created_at, target, isAddress }) => {
        const event = made[target % Math.max(made.length, 1)]
        const address = event && addressOf(event)
        const tag = isAddress && address ? ['a', address] : ['e', event?.id ?? '']
        return madeEvent({ pubkey, created_at, kind: 5, tags: [tag] })
      }),
    )
    .chain((requests) => shuffled([...made, ...requests, ...made.slice(0, 3)])),
)

const filter: fc.Arbitrary<Filter> = fc.record(
  {
    authors: fc.array(letter.map(author), { maxLength: 2 }),
    kinds: fc.array(fc.constantFrom(0, 1, 5, 30_617), { maxLength: 3 }),
    '#t': fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }),
    '#d': fc.array(fc.constantFrom('x', ''), { maxLength: 2 }),
    since: time,
    until: time,
  },
  { requiredKeys: [] },
)

const listed = (items: NegentropyItems): [number, string][] =>
  Array.from({ length: items.size }, (_, index) => [
    items.timestampAt(index),
    Buffer.from(items.idAt(index)).toString('hex'),
  ])

/** All pages of a query. */
function allOf(store: EventStore, wanted: Filter, limit: number, maxExamined: number): NostrEvent[] {
  const found: NostrEvent[] = []
  let after: EventPlace | null = null
  for (let pages = 0; pages < 1000; pages++) {
    const page = store.query(wanted, { limit, after, maxExamined })
    expect(page.events.length).toBeLessThanOrEqual(limit)
    found.push(...page.events)
    if (page.next === null) return found
    after = page.next
  }
  throw new Error('paging does not end')
}

interface Opened extends AsyncDisposable {
  readonly store: EventStore
}

const kinds: Readonly<Record<string, () => Promise<Opened>>> = {
  'in memory': async () => {
    const store = memoryStore()
    return { store, [Symbol.asyncDispose]: () => store.close() }
  },
  'on LMDB': async () => {
    const directory = await temporaryFolder()
    const store = await openLmdbStore({ path: directory.path })
    const dispose = async (): Promise<void> => {
      await store.close()
      await directory[Symbol.asyncDispose]()
    }
    return { store, [Symbol.asyncDispose]: dispose }
  },
}

describe.each(Object.entries(kinds))('a store %s', (name, open) => {
  const numRuns = name === 'in memory' ? 150 : 15

  test.prop(
    [
      events,
      fc.array(filter, { maxLength: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 9 }),
    ],
    {
      numRuns,
    },
  )(
    'R86, R97, spec 2: holds, answers and lists what the rules say, whatever the order in which events come',
    async (puts, filters, limit, maxExamined) => {
      await using opened = await open()
      const { store } = opened
      const model = new Model()
      const changes: StoreChange[] = []
      store.onChange((change) => changes.push(change))
      const expected = puts.map((event) => model.put(event))
      expect(await store.put(puts)).toEqual(expected)
      expect(store.size).toBe(model.stored.length)
      for (const event of puts) {
        expect(store.get(event.id)).toEqual(model.stored.find(({ id }) => id === event.id) ?? null)
        expect(store.knows(event.id)).toBe(store.has(event.id) || model.gone.has(event.id))
      }
      const alive = new Map<string, NostrEvent>()
      for (const change of changes) {
        if (change.kind === 'saved') alive.set(change.event.id, change.event)
        else alive.delete(change.event.id)
      }
      expect(new Set(alive.keys())).toEqual(new Set(model.stored.map(({ id }) => id)))
      const ids = puts.slice(0, 5).map(({ id }) => id)
      for (const wanted of [...filters, {}, { ids }]) {
        expect(allOf(store, wanted, limit, maxExamined)).toEqual(model.matching(wanted))
        const items = await store.items(wanted, { withGone: true })
        if (items === 'too-many') throw new Error('too many')
        const isDecidable = wanted.kinds !== undefined && !wanted['#t'] && !wanted['#d'] && !('ids' in wanted)
        const gone = isDecidable
          ? [...model.gone.values()].filter((event) => matchesFilter(wanted, event))
          : []
        const pairs = [...model.matching(wanted), ...gone.filter(({ id }) => !store.has(id))].map(
          ({ created_at, id }) => [created_at, id] as [number, string],
        )
        expect(listed(items)).toEqual(pairs.sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1)))
      }
    },
  )

  it('R74: tells a policy what it needs to know', async () => {
    await using opened = await open()
    const { store } = opened
    const ours = eventNamed('announcement lists our service (grasp.example)')
    const issue = eventNamed('issue')
    await store.put([ours, issue])
    expect(store.hasAddress(addressOf(ours) ?? '')).toBe(true)
    expect(store.hasAddress('30617:x:y')).toBe(false)
    expect(store.announcements('holdfast-demo').map(({ owner }) => owner)).toEqual([ours.pubkey])
    expect(store.announcements('other')).toEqual([])
    expect(store.isReferenced(addressOf(ours) ?? '')).toBe(true)
    expect([store.isReferenced(issue.id), store.has('nonsense')]).toEqual([false, false])
  })

  it('R86: a request counts for events that come after it, and never for requests', async () => {
    await using opened = await open()
    const { store } = opened
    const request = eventNamed('deletion request NIP-09')
    const issue = eventNamed('issue')
    expect(await store.put([request, issue])).toEqual(['saved', 'deleted'])
    const { pubkey } = request
    const own = madeEvent({ kind: 5, pubkey, tags: [['e', request.id]] })
    expect(await store.put([own])).toEqual(['saved'])
    expect(store.has(request.id)).toBe(true)
    const later = madeEvent({ kind: 5, pubkey, content: 'later' })
    expect(await store.put([madeEvent({ kind: 5, pubkey, tags: [['e', later.id]] }), later])).toEqual([
      'saved',
      'saved',
    ])
  })

  it('spec 6: finds an event once, although it has several of the values that are asked for', async () => {
    await using opened = await open()
    const event = madeEvent({ tags: ['x', 'y', 'x'].map((value) => ['t', value]) })
    await opened.store.put([event])
    expect(opened.store.query({ '#t': ['x', 'y', 'x'] }, { limit: 10 }).events).toEqual([event])
    expect(await opened.store.items({ '#t': ['x', 'y'] })).toMatchObject({ size: 1 })
  })

  it('R97: lists what was replaced, as long as the filter asks for kinds, authors and time alone', async () => {
    await using opened = await open()
    const { store } = opened
    const version = (created_at: number) => madeEvent({ kind: 30_617, created_at, tags: [['d', 'x']] })
    expect(await store.put([6, 5, 7].map(version))).toEqual(['saved', 'superseded', 'saved'])
    const sizeOf = async (filter: Filter): Promise<unknown> => {
      const items = await store.items(filter, { withGone: true })
      return items === 'too-many' ? items : items.size
    }
    expect(await sizeOf({ kinds: [30_617] })).toBe(3)
    expect(await sizeOf({ kinds: [30_617], authors: [author('a')], since: 6 })).toBe(2)
    expect(await sizeOf({ kinds: [30_617], authors: [author('b')] })).toBe(0)
    expect(await sizeOf({ kinds: [30_617], '#d': ['x'] })).toBe(1)
    expect(await sizeOf({ authors: [author('a')] })).toBe(1)
    expect(await store.items({ kinds: [30_617] })).toMatchObject({ size: 1 })
  })

  it('I25: refuses to list more than it may', async () => {
    await using opened = await open()
    await opened.store.put([madeEvent(), madeEvent({ kind: 2 })])
    expect(await opened.store.items({}, { max: 1 })).toBe('too-many')
    expect(await opened.store.items({}, { max: 2 })).toMatchObject({ size: 2 })
  })

  it('takes puts in their order, and those that wait before it closes', async () => {
    await using opened = await open()
    const { store } = opened
    const puts = signedEvents.events.map(({ event }) => store.put([event]))
    const closing = store.close()
    expect((await Promise.all(puts)).flat().filter((outcome) => outcome === 'saved').length).toBeGreaterThan(
      30,
    )
    await closing
    await store.close()
    expect(() => store.size).toThrow(expect.objectContaining({ code: 'HF_STORE_CLOSED' }))
    await expect(store.put([])).rejects.toMatchObject({ code: 'HF_STORE_CLOSED' })
  })

  it('answers each put for itself', async () => {
    await using opened = await open()
    const { store } = opened
    const event = madeEvent()
    const puts = [[event], [event, madeEvent({ kind: 20_001 })], [], [madeEvent({ kind: 2 })]]
    expect(await Promise.all(puts.map((events) => store.put(events)))).toEqual([
      ['saved'],
      ['duplicate', 'not-stored'],
      [],
      ['saved'],
    ])
  })

  it('stores nothing of a put that fails, tells nobody, and goes on', async () => {
    await using opened = await open()
    const { store } = opened
    const told: StoreChange[] = []
    store.onChange((change) => told.push(change))
    const first = madeEvent({ kind: 0, created_at: 1 })
    await store.put([first])
    const newer = madeEvent({ kind: 0, created_at: 2 })
    const broken = { ...madeEvent(), tags: null } as unknown as NostrEvent
    await expect(store.put([newer, madeEvent({ kind: 3 }), broken])).rejects.toMatchObject({
      code: 'HF_STORE_WRITE_FAILED',
    })
    expect([store.size, store.has(first.id), store.knows(newer.id), told.length]).toEqual([1, true, false, 1])
    expect(await store.put([newer])).toEqual(['saved'])
    expect(store.query({}, { limit: 10 }).events).toEqual([newer])
  })

  it('stops telling who has let go', async () => {
    await using opened = await open()
    const told: StoreChange[] = []
    const off = opened.store.onChange((change) => told.push(change))
    await opened.store.put([madeEvent()])
    off()
    await opened.store.put([madeEvent({ kind: 2 })])
    expect(told).toHaveLength(1)
  })
})

describe('a store on LMDB', () => {
  it('R107: is found again as it was left', async () => {
    await using directory = await temporaryFolder()
    const all = signedEvents.events.map(({ event }) => event)
    const first = await openLmdbStore({ path: directory.path })
    await first.put(all)
    const { size } = first
    const before = first.query({}, { limit: 100 })
    await first.close()
    await using second = await openLmdbStore({ path: directory.path })
    expect(second.size).toBe(size)
    expect(second.query({}, { limit: 100 })).toEqual(before)
  })

  it('has one owner', async () => {
    await using directory = await temporaryFolder()
    await using store = await openLmdbStore({ path: directory.path })
    await expect(openLmdbStore({ path: directory.path })).rejects.toMatchObject({ code: 'HF_STORE_IN_USE' })
    expect(store.size).toBe(0)
  })

  it('leaves the database of another program alone', async () => {
    const { open } = await import('lmdb')
    await using directory = await temporaryFolder()
    const other = open({ path: directory.path, noSubdir: false })
    await other.put('key', 'value')
    await other.close()
    await expect(openLmdbStore({ path: directory.path })).rejects.toMatchObject({ code: 'HF_STORE_FOREIGN' })
  })

  it('refuses a damaged file, and leaves it as it is', async () => {
    await using directory = await temporaryFolder()
    const store = await openLmdbStore({ path: directory.path })
    await store.put([madeEvent()])
    await store.close()
    const file = join(directory.path, 'data.mdb')
    await truncate(file, 9000)
    await expect(openLmdbStore({ path: directory.path })).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT' })
    expect((await stat(file)).size).toBe(9000)
  })

  it('says when its directory cannot be made', async () => {
    await expect(openLmdbStore({ path: '/dev/null/store' })).rejects.toMatchObject({
      code: 'HF_STORE_UNAVAILABLE',
    })
  })
})

describe('a store in memory', () => {
  it('keeps the bytes of a value, and not the pool that they are a piece of', () => {
    const table = new MemoryTable()
    const value = Buffer.from('short')
    table.transaction(() => table.put(Buffer.from('key'), value))
    expect(value.buffer.byteLength).toBeGreaterThan(value.length)
    expect(table.get(Buffer.from('key'))).toEqual(value)
    expect(table.get(Buffer.from('key'))?.buffer.byteLength).toBe(value.length)
  })
})
