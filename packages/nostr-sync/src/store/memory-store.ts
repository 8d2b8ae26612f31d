import { type Clock, StoreError, systemClock } from '@holdfast/core'
import { prefix } from './keys.js'
import { MemoryTable } from './table.js'
import { TableStore } from './table-store.js'
import type { EventStore } from './types.js'

/**
 * Makes a store in memory: for tests, and where what is lost with the process can be fetched again.
 *
 * @example
 * ```ts
 * import { memoryStore } from '@holdfast/nostr-sync'
 *
 * await using store = memoryStore()
 * const note = { id: 'ab'.repeat(32), pubkey: 'cd'.repeat(32), created_at: 7, kind: 1, tags: [['t', 'x']], content: '', sig: '' }
 * await store.put([note, note]) // => ['saved', 'duplicate']
 * store.query({ '#t': ['x'] }, { limit: 10 }) // => { events: [note], next: null }
 * ```
 */
export function memoryStore(clock: Clock = systemClock()): EventStore {
  const table = new MemoryTable()
  return new TableStore(
    {
      table,
      path: 'memory',
      count: () => table.countOf(prefix.event),
      transaction: async (write) => {
        // Later, as a disk would: until then more may come.
        await Promise.resolve()
        try {
          return table.transaction(write)
        } catch (cause) {
          throw new StoreError('HF_STORE_WRITE_FAILED', 'memory', 'nothing of it is stored', { cause })
        }
      },
      close: () => Promise.resolve(),
    },
    clock,
  )
}
