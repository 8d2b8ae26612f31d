import { realpath } from 'node:fs/promises'
import { open, type RootDatabase } from 'lmdb'
import { formatKey, ownerKey, streamKey, streamKeys, streamOf } from './append-log-keys.js'
import { StoreError } from './errors.js'
import { checkLmdbFile, syncDirectory } from './lmdb-file.js'
import { decodeRecord, encodeRecord, type StreamRecord } from './stream-record.js'

/** The entries of an append log: binary keys, binary values. */
export type LogEntries = RootDatabase<Buffer, Buffer>

const format = Buffer.from('holdfast append log 1')

/** Directories open in this process. LMDB would share one environment between two logs, unnoticed. */
const openPaths = new Set<string>()

/** The LMDB environment of an append log: makes sure that it is one, is whole, and has no other writer. */
export class LogDatabase {
  /** Where it is, without symbolic links. */
  readonly path: string
  readonly entries: LogEntries

  private constructor(path: string, entries: LogEntries) {
    this.path = path
    this.entries = entries
  }

  /** @throws a {@link StoreError} */
  static async open(directory: string): Promise<LogDatabase> {
    await checkLmdbFile(directory)
    const path = await realpath(directory)
    if (openPaths.has(path)) throw inUse(path, 'this process')
    openPaths.add(path)
    let entries: LogEntries | undefined
    try {
      entries = openEntries(path)
      claim(entries, path)
      await syncDirectory(path)
      return new LogDatabase(path, entries)
    } catch (cause) {
      await entries?.close()
      openPaths.delete(path)
      if (cause instanceof StoreError) throw cause
      throw new StoreError('HF_STORE_UNAVAILABLE', path, 'LMDB cannot open it', { cause })
    }
  }

  /** What is stored of every stream. */
  records(): Map<string, StreamRecord> {
    return new Map(
      [...this.entries.getRange(streamKeys)].map(({ key, value }) => [streamOf(key), this.#record(value)]),
    )
  }

  /** What is stored of one stream, `null` for none, in the same snapshot as all that is read before the next turn of the loop. */
  record(key: Buffer): StreamRecord | null {
    const value = this.entries.get(key)
    return value === undefined ? null : this.#record(value)
  }

  /** Stores the record of a stream that has none yet. */
  addRecord(name: string, record: StreamRecord): void {
    if (this.entries.get(streamKey(name)) === undefined)
      this.entries.putSync(streamKey(name), encodeRecord(record))
  }

  /** Says that an entry cannot be what was written. */
  corrupt(what: string, cause?: unknown): StoreError {
    return new StoreError('HF_STORE_CORRUPT', this.path, `${what}: restore a copy`, { cause })
  }

  async close(): Promise<void> {
    await this.entries.close()
    openPaths.delete(this.path)
  }

  #record(value: Buffer): StreamRecord {
    const record = decodeRecord(value)
    if (record === null) throw this.corrupt("a stream's record is unreadable")
    return record
  }
}

function openEntries(path: string): LogEntries {
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

/** In one transaction, so that of two processes that open a log at the same time one is refused. */
function claim(entries: LogEntries, path: string): void {
  // Registers this process as a reader: how the others know that it lives.
  const found = entries.get(formatKey)
  if (found === undefined && [...entries.getKeys({ limit: 1 })].length > 0) {
    throw new StoreError(
      'HF_STORE_FOREIGN',
      path,
      'holds a database of another program: choose another directory',
    )
  }
  if (found !== undefined && !format.equals(found)) {
    const version = found.toString('utf8', 0, 80)
    throw new StoreError(
      'HF_STORE_FOREIGN',
      path,
      `was written by another version (${JSON.stringify(version)})`,
    )
  }
  entries.transactionSync(() => {
    const owner = Number(entries.get(ownerKey)?.toString() ?? 0)
    if (owner !== process.pid && living(entries).has(owner)) throw inUse(path, `process ${owner}`)
    entries.putSync(ownerKey, Buffer.from(`${process.pid}`))
    if (found === undefined) entries.putSync(formatKey, format)
  })
}

/** The processes that have the environment open. Those that died are known by their lock, which died with them. */
function living(entries: LogEntries): Set<number> {
  entries.readerCheck()
  return new Set([...entries.readerList().matchAll(/^ *(\d+) /gm)].map(([, pid]) => Number(pid)))
}

function inUse(path: string, who: string): StoreError {
  return new StoreError('HF_STORE_IN_USE', path, `${who} has it open: stop it, or choose another directory`)
}
