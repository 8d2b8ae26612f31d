import { StoreError } from '@holdfast/core'
import { LmdbFolder } from '@holdfast/core/lmdb'
import { formatKey, ownerKey, streamKey, streamKeys, streamOf } from './append-log-keys.js'
import { decodeRecord, encodeRecord, type StreamRecord } from './stream-record.js'

/** The entries of an append log: binary keys, binary values. */
export type LogEntries = LmdbFolder<Buffer, Buffer>['entries']

const format = 'holdfast append log 1'

/** The database of an append log. */
export class LogDatabase {
  readonly #folder: LmdbFolder<Buffer, Buffer>

  private constructor(folder: LmdbFolder<Buffer, Buffer>) {
    this.#folder = folder
  }

  /** @throws a `StoreError` */
  static async open(path: string): Promise<LogDatabase> {
    const claim = { format: formatKey, owner: ownerKey }
    const encodings = { encoding: 'binary', keyEncoding: 'binary' } as const
    return new LogDatabase(await LmdbFolder.open<Buffer, Buffer>({ path, format, claim, ...encodings }))
  }

  /** Where it is, without symbolic links. */
  get path(): string {
    return this.#folder.path
  }

  get entries(): LogEntries {
    return this.#folder.entries
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

  /** Writes all of it, or nothing. */
  transaction<T>(write: () => T): Promise<T> {
    return this.#folder.transaction(write)
  }

  close(): Promise<void> {
    return this.#folder.close()
  }

  #record(value: Buffer): StreamRecord {
    const record = decodeRecord(value)
    if (record === null) throw this.corrupt("a stream's record is unreadable")
    return record
  }
}
