import { describe, expect, it } from 'vitest'
import { Reconciliations } from '../src/endpoint/reconciliations.js'
import { type EventStore, memoryStore } from '../src/index.js'

describe('reconciliations of all clients', () => {
  it('are refused when too many wait for their turn, and taken again once they had it', async () => {
    const store = memoryStore()
    let isStored = (): void => undefined
    const stored = new Promise<void>((resolve) => (isStored = resolve))
    const slow = Object.create(store) as EventStore
    slow.items = async (...asked) => {
      await stored
      return store.items(...asked)
    }
    const limits = { negentropyItems: 10, negentropyItemsOfAll: 100 }
    const stats = { negentropyItems: 0 }
    const all = new Reconciliations(slow, limits as never, stats as never)
    const collected = Array.from({ length: 300 }, () => all.collect({}, () => true))
    expect(await Promise.all(collected.slice(260))).toEqual(Array.from({ length: 40 }, () => 'busy'))
    isStored()
    const early = await Promise.all(collected.slice(0, 260))
    expect(early.filter((items) => typeof items !== 'object')).toEqual([])
    expect(await all.collect({}, () => true)).toMatchObject({ size: 0 })
  })
})
