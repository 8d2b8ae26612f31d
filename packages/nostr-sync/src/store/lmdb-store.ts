import { Buffer } from 'node:buffer'
import { mkdir, open as openFile, realpath } from 'node:fs/promises'
import { type Clock, systemClock } from '@holdfast/core'
import { open, type RootDatabase } from 'lmdb'
import { EventStoreError } from './errors.js'
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

type Entries = RootDatabase<Buffer, Buffer>

const format = Buffer.from('holdfast nostr events 1')
/** Keys of the store itself; no key of an event begins with an upper-case M. */
const formatKey = Buffer.from('Mformat')
const ownerKey = Buffer.from('Mowner')

/** Directories open in this process. LMDB would share one environment between two stores, unnoticed. */
const openPaths = new Set<string>()

/**
 * Opens or makes a store on disk, in an embedded database (LMDB).
 *
 * What was put is durable when its promise resolves: committed, and flushed by `fsync`. All that one call puts, and all
 * that it replaces or deletes, is there whole or not at all, whenever the process is killed. One process at a time can
 * have a store open; one that was killed leaves no lock behind.
 *
 * @throws (rejects) an {@link EventStoreError} when the directory holds something else, is in use or out of reach
 */
export async function openLmdbStore({ path, clock = systemClock() }: LmdbStoreOptions): Promise<EventStore> {
  const directory = await reach(path)
  if (openPaths.has(directory)) throw inUse(directory, 'this process')
  openPaths.add(directory)
  let entries: Entries | undefined
  try {
    entries = openEntries(directory)
    claim(entries, directory)
    await syncDirectory(directory)
    return new TableStore(hostOf(entries, directory), clock)
  } catch (cause) {
    await entries?.close()
    openPaths.delete(directory)
    if (cause instanceof EventStoreError) throw cause
    throw new EventStoreError('HF_STORE_UNAVAILABLE', directory, 'LMDB cannot open it', { cause })
  }
}

class LmdbTable implements Table {
  readonly #entries: Entries

  constructor(entries: Entries) {
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

function hostOf(entries: Entries, path: string) {
  return {
    table: new LmdbTable(entries),
    path,
    count: () => entries.getKeysCount({ start: Buffer.of(prefix.event), end: Buffer.of(prefix.event + 1) }),
    transaction: <T>(write: () => T): Promise<T> =>
      entries.childTransaction(write).catch(async (failure: unknown) => {
        throw await reasonOf(failure)
      }),
    close: async (): Promise<void> => {
      await entries.close()
      openPaths.delete(path)
    },
  }
}

async function reach(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true })
    return await realpath(path)
  } catch (cause) {
    const what = 'cannot be made or reached: choose another directory, or mend its rights'
    throw new EventStoreError('HF_STORE_UNAVAILABLE', path, what, { cause })
  }
}

function openEntries(path: string): Entries {
  return open<Buffer, Buffer>({
    path,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    // A commit then ends after its data is on disk, so that nothing is ever visible that a power failure could undo.
    overlappingSync: false,
    // Its batches have a promise that nobody handles: a full disk would end the process. We group by ourselves.
    eventTurnBatching: false,
  })
}

/** In one transaction, so that of two processes that open a store at the same time one is refused. */
function claim(entries: Entries, path: string): void {
  // Registers this process as a reader: how the others know that it lives.
  const found = entries.get(formatKey)
  if (found === undefined && [...entries.getKeys({ limit: 1 })].length > 0)
    throw new EventStoreError(
      'HF_STORE_FOREIGN',
      path,
      'holds a database of another program: choose another directory',
    )
  if (found !== undefined && !format.equals(found))
    throw new EventStoreError('HF_STORE_FOREIGN', path, 'was written by another version')
  entries.transactionSync(() => {
    const owner = Number(entries.get(ownerKey)?.toString() ?? 0)
    if (owner !== process.pid && living(entries).has(owner)) throw inUse(path, `process ${owner}`)
    entries.putSync(ownerKey, Buffer.from(`${process.pid}`))
    if (found === undefined) entries.putSync(formatKey, format)
  })
}

/** The processes that have the environment open. Those that died are known by their lock, which died with them. */
function living(entries: Entries): Set<number> {
  entries.readerCheck()
  return new Set([...entries.readerList().matchAll(/^ *(\d+) /gm)].map(([, pid]) => Number(pid)))
}

function inUse(path: string, who: string): EventStoreError {
  return new EventStoreError(
    'HF_STORE_IN_USE',
    path,
    `${who} has it open: stop it, or choose another directory`,
  )
}

/** Has the directory's entries survive a power failure. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await openFile(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** LMDB gives the reason of a failed commit by a promise beside the error. */
async function reasonOf(failure: unknown): Promise<unknown> {
  if (!(failure instanceof Error && 'commitError' in failure)) return failure
  return Promise.resolve(failure.commitError).catch((reason: unknown) => reason)
}
