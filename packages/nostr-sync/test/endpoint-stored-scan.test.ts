import { memoryStore } from '@holdfast/nostr-sync'
import { TestAuthor } from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { StoredScan } from '../src/endpoint/stored-scan.js'

const alice = new TestAuthor('alice')

async function scanOf(filters: StoredScanFilters) {
  const store = memoryStore()
  await store.put([1, 2, 3].map((created_at) => alice.signs({ created_at })))
  return new StoredScan(store, filters, { most: 10, byDefault: 10 }, 1)
}

type StoredScanFilters = ConstructorParameters<typeof StoredScan>[1]

describe('a scan of what is stored', () => {
  it.each([
    ['its limit', { limit: 2 }, 2],
    ['all that there is', {}, 3],
  ])('is done with the event that completes %s: EOSE waits for no other step', async (_, filter, count) => {
    const scan = await scanOf([filter])
    const taken: number[] = []
    scan.step((event) => taken.push(event.created_at) > 0)
    expect(taken).toEqual([3, 2, 1].slice(0, count))
    expect(scan.isDone).toBe(true)
  })

  it('goes on behind the event after which no more could be taken, and yields each once', async () => {
    const scan = await scanOf([{ limit: 2 }, { limit: 3 }])
    const taken: number[] = []
    for (let steps = 0; !scan.isDone; steps++) {
      expect(steps).toBeLessThan(10)
      scan.step((event) => {
        taken.push(event.created_at)
        return false
      })
    }
    expect(taken).toEqual([3, 2, 1])
  })
})
