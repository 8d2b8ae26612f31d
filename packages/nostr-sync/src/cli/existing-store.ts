import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from '@holdfast/core/program'
import { openLmdbStore } from '../store/lmdb-store.js'
import type { EventStore } from '../store/types.js'

/**
 * Opens a store that is only read: to make one where a path was misspelt would be an empty copy, or a check of nothing, that
 * looks like a success.
 *
 * @throws (rejects) a `CommandError` when there is none
 */
export async function openExistingStore(path: string): Promise<EventStore> {
  try {
    await access(join(path, 'data.mdb'))
  } catch (cause) {
    throw new CommandError(`${path}: there is no event store to read; check the path`, { cause })
  }
  return openLmdbStore({ path })
}
