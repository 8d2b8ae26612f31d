import { fc, test } from '@fast-check/vitest'
import {
  type EventStore,
  type Filter,
  memoryStore,
  type NegentropyItems,
  type NostrEvent,
} from '@holdfast/nostr-sync'
import { describe, expect, it, vi } from 'vitest'
import { EventReader } from '../src/store/event-reader.js'

let made = 0
function event(parts: Partial<NostrEvent> = {}): NostrEvent {
  const id = (++made).toString(16).padStart(64, '0')
  return {
    id,
    pubkey: 'a'.repeat(64),
    created_at: made,
    kind: 1621,
    tags: [],
    content: '',
    sig: '',
    ...parts,
  }
}

function listed(items: NegentropyItems | 'too-many'): string[] {
  if (items === 'too-many') return [items]
  return Array.from(
    { length: items.size },
    (_, n) => `${items.timestampAt(n)} ${Buffer.from(items.idAt(n)).toString('hex')}`,
  )
}

/** The same, asked of a store that has not been asked before. */
async function afresh(events: readonly NostrEvent[], filter: Filter, withGone: boolean): Promise<string[]> {
  await using store = memoryStore()
  for (const one of events) await store.put([one])
  return listed(await store.items(filter, { withGone }))
}

async function asks(store: EventStore, filter: Filter, times: number, withGone = false): Promise<string[]> {
  for (let left = times; left > 1; left--) await store.items(filter, { withGone })
  return listed(await store.items(filter, { withGone }))
}

const kinds = { kinds: [1621, 30_617] }
const tagged = { '#t': ['x'] }
const some = fc.record({
  kind: fc.constantFrom(1621, 1, 30_617, 5),
  d: fc.constantFrom('one', 'two'),
  at: fc.integer({ min: 1, max: 5 }),
  isTagged: fc.boolean(),
  /** Which of the earlier events a deletion names. */
  target: fc.nat(20),
})

describe('sets for reconciliation that are kept (R108)', () => {
  test.prop([fc.array(fc.array(some, { minLength: 1, maxLength: 5 }), { maxLength: 8 }), fc.boolean()], {
    numRuns: 60,
  })(
    'R97, R108: are what they would be if collected afresh, whatever is stored, replaced and deleted',
    async (rounds, withGone) => {
      await using store = memoryStore()
      const put: NostrEvent[] = []
      for (const round of rounds) {
        const events = round.map(({ kind, d, at, isTagged, target }) => {
          const tags = [['d', d], ...(isTagged ? [['t', 'x']] : []), ['e', put[target]?.id ?? '']]
          return event({ kind, created_at: at, tags })
        })
        await store.put(events)
        put.push(...events)
        for (const filter of [kinds, tagged])
          expect(await asks(store, filter, 2, withGone)).toEqual(await afresh(put, filter, withGone))
      }
    },
  )

  it('R108: need no look at the store', async () => {
    await using store = memoryStore()
    await store.put([event(), event()])
    await asks(store, kinds, 2)
    const looks = vi.spyOn(EventReader.prototype, 'places')
    await store.put([event()])
    expect(await asks(store, kinds, 1)).toHaveLength(3)
    expect(await asks(store, { ...kinds, limit: 5 }, 1)).toHaveLength(3)
    expect(looks).not.toHaveBeenCalled()
    await asks(store, { kinds: [1] }, 1)
    expect(looks).toHaveBeenCalledOnce()
    looks.mockRestore()
  })

  it('R108: hold what was stored while they were collected, and are left as they were handed out', async () => {
    await using store = memoryStore()
    await store.put(Array.from({ length: 12_000 }, () => event()))
    await asks(store, kinds, 1)
    const collecting = store.items(kinds)
    await store.put([event(), event()])
    const first = await collecting
    expect(listed(first)).toHaveLength(12_002)
    await store.put([event()])
    expect(await asks(store, kinds, 1)).toHaveLength(12_003)
    expect(listed(first)).toHaveLength(12_002)
  })

  it('R108: are collected anew when they are too far behind, and refused when they are too large', async () => {
    await using store = memoryStore()
    await asks(store, kinds, 2)
    for (let round = 0; round < 21; round++) await store.put(Array.from({ length: 1000 }, () => event()))
    expect(await asks(store, kinds, 1)).toHaveLength(21_000)
    await asks(store, kinds, 2)
    expect(await store.items(kinds, { max: 20_999 })).toBe('too-many')
  })
})
