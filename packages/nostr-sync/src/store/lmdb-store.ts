import { Buffer } from 'node:buffer'
import { type Clock, systemClock } from '@holdfast/core'
import { LmdbFolder } from '@holdfast/core/lmdb'
import { prefix } from './keys.js'
import type { KeyRange, Table } from './table.js'
import { TableStore } from './table-store.js'
import type { EventStore } from './types.js'

/** Options of {@link openLmdbStore}. */
export interface LmdbStoreOptions {
  /** Directory of the database; made if it is not there. */
  readonly path: string
  /**
   * With which long look-ups let others work in between.
   *
   * @defaultValue the host's clock
   */
  readonly clock?: Clock
}

type Folder = LmdbFolder<Buffer, Buffer>

const format = 'holdfast nostr events 1'
/** No key of an event begins with an upper-case M. */
const claim = { format: Buffer.from('Mformat'), owner: Buffer.from('Mowner') }
const events = { start: Buffer.of(prefix.event), end: Buffer.of(prefix.event + 1) }

/**
 * Opens or makes a store on disk, in an embedded database (LMDB).
 *
 * What was put is durable when its promise resolves: committed, and flushed by `fsync`. All that one call puts, and all
 * that it replaces or deletes, is there whole or not at all, whenever the process is killed. One process at a time can
 * have a store open; one that was killed leaves no lock behind.
 *
 * @throws (rejects) a `StoreError` when the directory holds something else, is damaged, in use or out of reach
 */
export async function openLmdbStore({ path, clock = systemClock() }: LmdbStoreOptions): Promise<EventStore> {
  const encodings = { encoding: 'binary', keyEncoding: 'binary' } as const
  const folder: Folder = await LmdbFolder.open<Buffer, Buffer>({ path, format, claim, ...encodings })
  const host = {
    table: new LmdbTable(folder.entries),
    path: folder.path,
    count: () => folder.entries.getKeysCount(events),
    transaction: <T>(write: () => T): Promise<T> => folder.transaction(write),
    close: (): Promise<void> => folder.close(),
  }
  return new TableStore(host, clock)
}

class LmdbTable implements Table {
  readonly #entries: Folder['entries']

  constructor(entries: Folder['entries']) {
    this.#entries = entries
  }

  get(key: Buffer): Buffer | undefined {
    return this.#entries.get(key)
  }

  put(key: Buffer, value: Buffer): void {
    this.#entries.putSync(key, value)
  }

  remove(key: Buffer): void {
    this.#entries.removeSync(key)
  }

  keys({ start, end, limit }: KeyRange): Buffer[] {
    return [...this.#entries.getKeys({ start, end, limit })]
  }
}
