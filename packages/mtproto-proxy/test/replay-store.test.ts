import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { OptionError } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { Fingerprints } from '../src/replay/fingerprints.js'
import { ReplayStore, type ReplayStoreOptions } from '../src/replay/replay-store.js'

const minute = 60_000
const salt = Buffer.alloc(16, 7)

function store(o: Partial<ReplayStoreOptions> = {}): ReplayStore {
  return new ReplayStore({ salt, ...o })
}

function key(number: number): Buffer {
  const bytes = Buffer.alloc(48)
  bytes.writeUInt32LE(number, 8)
  return bytes
}

describe('8 replay protection', () => {
  it('the first time is new, any later one is not', () => {
    const seen = store()
    expect([0, 1, 100 * minute].map((now) => seen.seen(key(1), now))).toEqual([false, true, true])
    expect(seen.seen(key(2), 100 * minute)).toBe(false)
  })

  it('forgets whole buckets of five minutes that are older than max_age_minutes', () => {
    const seen = store({ maxAge: 10 * minute })
    seen.seen(key(1), 0)
    seen.seen(key(2), 4 * minute)
    seen.seen(key(3), 5 * minute)
    expect(seen.status()).toMatchObject({ items: 3, buckets: 2, oldest: 0 })
    seen.sweep(15 * minute - 1)
    expect(seen.status()).toMatchObject({ items: 3, buckets: 2 })
    seen.sweep(15 * minute)
    expect(seen.status()).toMatchObject({ items: 1, buckets: 1, oldest: 5 * minute })
    expect([1, 2, 3].map((number) => seen.seen(key(number), 15 * minute))).toEqual([false, false, true])
    seen.sweep(1000 * minute)
    expect(seen.status()).toEqual({ items: 0, bytes: 0, buckets: 0, oldest: null })
  })

  it('what comes again is remembered anew', () => {
    const seen = store({ maxAge: 10 * minute })
    seen.seen(key(1), 0)
    expect(seen.seen(key(1), 9 * minute)).toBe(true)
    expect(seen.seen(key(1), 19 * minute)).toBe(true)
    expect(seen.seen(key(1), 60 * minute)).toBe(false)
  })

  it('has at most max_items, and forgets the oldest buckets for new ones', () => {
    const seen = store({ maxItems: 1000 })
    for (let number = 0; number < 1500; number += 1) {
      seen.seen(key(number), number * 1000)
      expect(seen.status().items).toBeLessThanOrEqual(1000)
    }
    expect(seen.seen(key(1499), 1500_000)).toBe(true)
    expect(seen.seen(key(1300), 1500_000)).toBe(true)
    expect(seen.seen(key(0), 1500_000)).toBe(false)
  })

  it('takes at most max_memory_mb', () => {
    const seen = store({ maxBytes: 100_000 })
    for (let number = 0; number < 50_000; number += 1) {
      seen.seen(key(number), number * 100)
      expect(seen.status().bytes).toBeLessThanOrEqual(100_000)
    }
    expect(seen.seen(key(49_999), 5_000_000)).toBe(true)
  })

  it('takes 16 to 32 bytes for a key', () => {
    const seen = store()
    for (let number = 0; number < 120_000; number += 1) seen.seen(key(number), 0)
    const { items, bytes, buckets } = seen.status()
    expect({ items, buckets }).toEqual({ items: 120_000, buckets: 1 })
    expect(bytes / items).toBeGreaterThanOrEqual(16)
    expect(bytes / items).toBeLessThanOrEqual(32)
    for (const number of [0, 60_000, 119_999]) expect(seen.seen(key(number), 0)).toBe(true)
  })

  it('a clock that goes back loses nothing', () => {
    const seen = store()
    seen.seen(key(1), 100 * minute)
    expect(seen.seen(key(2), 10 * minute)).toBe(false)
    expect(seen.seen(key(2), 100 * minute)).toBe(true)
    expect(seen.status().buckets).toBe(1)
  })

  it.each([{ maxItems: 0 }, { maxBytes: 1.5 }, { maxAge: -1 }, { salt: new Uint8Array(15) }])(
    'refuses %o',
    (o) => {
      expect(() => store(o)).toThrow(OptionError)
    },
  )

  test.prop([fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 6 * minute })), { maxLength: 200 })])(
    'within the bounds it answers as a map of times would',
    (arrivals) => {
      const maxAge = 20 * minute
      const seen = store({ maxAge })
      const last = new Map<number, number>()
      let now = 0
      for (const [number, passed] of arrivals) {
        now += passed
        const answer = seen.seen(key(number), now)
        const at = last.get(number)
        if (at === undefined) expect(answer).toBe(false)
        // A bucket lives up to five minutes longer than what is in it has to.
        else if (now - at < maxAge) expect(answer).toBe(true)
        else if (now - at >= maxAge + 5 * minute) expect(answer).toBe(false)
        last.set(number, now)
      }
    },
  )
})

describe('a set of fingerprints', () => {
  it('tells apart what differs in one word only, also after growing', () => {
    const set = new Fingerprints()
    const members = Array.from({ length: 500 }, (_, i) => [1 + (i % 3), i >> 2, i & 3] as const)
    const distinct = members.filter((member) => {
      const isNew = !set.has(member)
      if (isNew) set.add(member)
      return isNew
    })
    expect(distinct).toHaveLength(new Set(members.map(String)).size)
    expect(set.size).toBe(distinct.length)
    expect(members.every((member) => set.has(member))).toBe(true)
    expect([set.has([1, 0, 77]), set.has([1, 777, 0]), set.has([77, 0, 0])]).toEqual([false, false, false])
  })
})
