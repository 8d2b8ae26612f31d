import { open as openFile, realpath } from 'node:fs/promises'
import { asBinary, type Key, open, type RootDatabase, type RootDatabaseOptions } from 'lmdb'
import { StoreError } from '../index.js'
import { checkDataFile } from './data-file.js'

/** Options of {@link LmdbFolder.open}; `K` is the type of its keys. */
export interface LmdbFolderOptions<K extends Key> {
  /** Folder of the database; made, for its owner only, if it is not there. */
  readonly path: string
  /** Says whose entries these are, and in which version: a database that says something else is refused. */
  readonly format: string
  /** Where the format is written down, and who has the database open: two keys that no entry uses. */
  readonly claim: { readonly format: K; readonly owner: K }
  /** How values are written. */
  readonly encoding: NonNullable<RootDatabaseOptions['encoding']>
  /** How keys are written. */
  readonly keyEncoding: NonNullable<RootDatabaseOptions['keyEncoding']>
}

/** Folders open in this process. LMDB would share one environment between two owners, unnoticed. */
const openPaths = new Set<string>()

/**
 * A database (LMDB) in a folder of its own. It has one owner: one process at a time, and one place in it, can have it open;
 * a process that was killed leaves no lock behind. What {@link LmdbFolder.transaction} has written is durable when its
 * promise resolves: committed, and flushed by `fsync`.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { LmdbFolder } from '@holdfast/core/lmdb'
 *
 * const path = await mkdtemp(join(tmpdir(), 'lmdb-'))
 * const folder = await LmdbFolder.open<number, string>({
 *   path,
 *   format: 'counters 1',
 *   claim: { format: '#format', owner: '#owner' },
 *   encoding: 'msgpack',
 *   keyEncoding: 'ordered-binary',
 * })
 * await folder.transaction(() => folder.entries.putSync('visits', 1))
 * folder.entries.get('visits') // => 1
 * await folder.close()
 * await rm(path, { recursive: true })
 * ```
 */
export class LmdbFolder<V, K extends Key> implements AsyncDisposable {
  /** Where it is, without symbolic links. */
  readonly path: string
  /** Ordered keys and values. Written to within a transaction only. */
  readonly entries: RootDatabase<V, K>

  private constructor(path: string, entries: RootDatabase<V, K>) {
    this.path = path
    this.entries = entries
  }

  /**
   * Opens or makes a database.
   *
   * @throws (rejects) a `StoreError` `HF_STORE_CORRUPT`, `HF_STORE_FOREIGN`, `HF_STORE_IN_USE` or
   *   `HF_STORE_UNAVAILABLE`; then its files are as they were found
   */
  static async open<V, K extends Key>(options: LmdbFolderOptions<K>): Promise<LmdbFolder<V, K>> {
    await checkDataFile(options.path)
    const path = await realpath(options.path)
    if (openPaths.has(path)) throw inUse(path, 'this process')
    openPaths.add(path)
    let entries: RootDatabase<V, K> | undefined
    try {
      entries = openEntries<V, K>(path, options)
      claim(entries, path, options)
      await syncFolder(path)
      return new LmdbFolder(path, entries)
    } catch (cause) {
      await entries?.close()
      openPaths.delete(path)
      if (cause instanceof StoreError) throw cause
      const what = 'LMDB cannot open it: see the cause, and who may read and write its files'
      throw new StoreError('HF_STORE_UNAVAILABLE', path, what, { cause })
    }
  }

  /**
   * Writes all that `write` puts and removes, or nothing of it. Never two at a time.
   *
   * @param write - runs later, when the transaction begins, and must not be asynchronous; if it throws, nothing is written
   * @returns what it returned, once everything is durable
   * @throws (rejects) a `StoreError` `HF_STORE_WRITE_FAILED`
   */
  async transaction<T>(write: () => T): Promise<T> {
    try {
      return await this.entries.childTransaction(write)
    } catch (failure) {
      const what = 'a commit failed, and nothing of it is stored: see whether the disk is full'
      throw new StoreError('HF_STORE_WRITE_FAILED', this.path, what, { cause: await reasonOf(failure) })
    }
  }

  /** Waits for the transaction under way, and closes. */
  async close(): Promise<void> {
    await this.entries.close()
    openPaths.delete(this.path)
  }

  /** Waits for the transaction under way, and closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function openEntries<V, K extends Key>(path: string, options: LmdbFolderOptions<K>): RootDatabase<V, K> {
  const { encoding, keyEncoding } = options
  return open<V, K>({
    ...{ path, encoding, keyEncoding },
    noSubdir: false,
    // A commit then ends after its data is on disk, so that nothing is ever visible that a power failure could undo.
    overlappingSync: false,
    // Its batches have a promise that nobody handles: a full disk would end the process. Owners group by themselves.
    eventTurnBatching: false,
  })
}

/** In one transaction, so that of two processes that open a database at the same time one is refused. */
function claim<V, K extends Key>(
  entries: RootDatabase<V, K>,
  path: string,
  options: LmdbFolderOptions<K>,
): void {
  const { format, owner } = options.claim
  // Registers this process as a reader: how the others know that it lives.
  const found = entries.getBinary(format)?.toString()
  if (found === undefined && [...entries.getKeys({ limit: 1 })].length > 0) {
    const what = 'holds a database of another program: choose another folder'
    throw new StoreError('HF_STORE_FOREIGN', path, what)
  }
  if (found !== undefined && found !== options.format) {
    const was = JSON.stringify(found.slice(0, 80))
    const what = `was written by another program or version (${was}): open it with that, or choose another folder`
    throw new StoreError('HF_STORE_FOREIGN', path, what)
  }
  const put = (key: K, text: string): void => {
    entries.putSync(key, asBinary(Buffer.from(text)) as V)
  }
  entries.transactionSync(() => {
    const pid = Number(entries.getBinary(owner)?.toString() ?? 0)
    if (pid !== process.pid && living(entries).has(pid)) throw inUse(path, `process ${pid}`)
    put(owner, `${process.pid}`)
    if (found === undefined) put(format, options.format)
  })
}

/** The processes that have the environment open. Those that died are known by their lock, which died with them. */
function living(entries: Pick<RootDatabase, 'readerCheck' | 'readerList'>): Set<number> {
  entries.readerCheck()
  return new Set([...entries.readerList().matchAll(/^ *(\d+) /gm)].map(([, pid]) => Number(pid)))
}

function inUse(path: string, who: string): StoreError {
  return new StoreError('HF_STORE_IN_USE', path, `${who} has it open: stop it, or choose another folder`)
}

/** Has the names in the folder survive a power failure. */
async function syncFolder(path: string): Promise<void> {
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
