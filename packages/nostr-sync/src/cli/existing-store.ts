import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '@holdfast/core'
import { CommandError } from '@holdfast/core/program'
import { openLmdbStore } from '../store/lmdb-store.js'
import type { EventStore } from '../store/types.js'

/** What is known of relays, in the directory of the store of what came from them. */
export function relaysFile(data: string): string {
  return join(data, 'relays.json')
}

/**
 * Opens a store that is only read: to make one where a path was misspelt would be an empty copy, or a check of nothing, that
 * looks like a success.
 *
 * @throws (rejects) a `CommandError` when there is none, a `StoreError` `HF_STORE_CORRUPT` when its file is empty
 */
export async function openExistingStore(path: string): Promise<EventStore> {
  const bytes = await sizeOf(join(path, 'data.mdb'))
  if (bytes === null) throw new CommandError(`${path}: there is no event store to read; check the path`)
  if (bytes === 0) throw emptied(path, 'restore a copy of it, or remove it if nothing was ever stored')
  return openLmdbStore({ path })
}

/**
 * Sees that what is known of relays is not known of another store. An empty file alone may be of a process that was killed as it
 * made the store, of which nothing is lost; after a first save of what is known of relays it was not empty, and to go on where
 * they were left would never fetch again what was in it.
 *
 * @throws (rejects) a `StoreError` `HF_STORE_CORRUPT`
 */
export async function checkStoreOfRelays(data: string): Promise<void> {
  if ((await sizeOf(join(data, 'data.mdb'))) !== 0 || (await sizeOf(relaysFile(data))) === null) return
  throw emptied(data, 'restore a copy of it, or remove it and relays.json to fetch everything anew')
}

function emptied(path: string, todo: string): StoreError {
  return new StoreError('HF_STORE_CORRUPT', path, `data.mdb is damaged, it is empty: ${todo}`)
}

/** In bytes; `null` where there is nothing that can be looked at. */
async function sizeOf(file: string): Promise<number | null> {
  const found = await stat(file).catch(() => null)
  return found?.size ?? null
}
