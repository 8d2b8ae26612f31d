import {
  type Budget,
  type Clock,
  type Off,
  OptionError,
  type Position,
  StoreError,
  systemClock,
  type Timer,
} from '@holdfast/core'
import { batchKey, positionKey, streamKey, tokenOf } from './append-log-keys.js'
import {
  type AppendLogTransaction,
  type AppendOptions,
  TransactionRecorder,
} from './append-log-transaction.js'
import { rowsOf, storedBytes } from './batch-value.js'
import { LogCommitter } from './log-committer.js'
import { LogDatabase } from './log-database.js'
import { PageFill } from './page-fill.js'
import { checkRetention, type Retention } from './retention.js'
import { Shelves } from './shelves.js'
import { SourceListeners } from './source-listeners.js'
import type { StreamRecord } from './stream-record.js'
import type { ReplicationSource, RowBatch, SourceEvent, SourcePage } from './types.js'

/** Options of {@link AppendLog.open}. */
export interface AppendLogOptions {
  /** Directory of the database; made if it is not there. */
  readonly path: string
  /**
   * The streams, in the order in which they are served. What else the database holds stays there, unserved.
   *
   * @defaultValue those of the database, in the order in which they came
   */
  readonly streams?: readonly string[]
  /**
   * How much of each stream is kept; `count` counts rows. The oldest batches go first, a few with each append, so
   * that a bound is overstepped for a moment rather than the loop held up. The newest batch goes only by age.
   *
   * @defaultValue everything
   */
  readonly retain?: Retention
  /**
   * Where time comes from, for `retain.age`.
   *
   * @defaultValue the host's clock
   */
  readonly clock?: Clock
}

/** How often outdated rows are looked for, in parts of the age. */
const sweepsPerAge = 8
const leastSweepMs = 1000

/**
 * A source on disk, in an embedded database (LMDB).
 *
 * What is written is durable when its promise resolves: committed, and flushed by `fsync`, so that it outlives the
 * death of the process and, on a disk that keeps its promises, a power failure. Before that nobody sees any of it:
 * neither {@link AppendLog.head}, nor reading, nor subscribers. A batch, and all that one {@link AppendLog.transaction}
 * writes, is there whole or not at all. Writes take effect in the order of the calls; those that come while the disk
 * is busy share the next flush. If a commit fails, everything that waits fails with it and nothing of it is stored;
 * the log stays usable.
 *
 * One process at a time can have a log open, and one thread of it. A process that was killed leaves no lock behind.
 *
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { AppendLog } from '@holdfast/tcp-replication'
 *
 * const path = await mkdtemp(join(tmpdir(), 'holdfast-'))
 * await using log = await AppendLog.open({ path, streams: ['events'] })
 * await log.append('events', [['ev', '$1'], ['ev', '$2']]) // => 1
 * await log.read('events', 0, 1, { bytes: 1000 }) // => { batches: [{ token: 1, rows: ['["ev","$1"]', '["ev","$2"]'] }], to: 1 }
 * ```
 */
export class AppendLog implements ReplicationSource, AsyncDisposable {
  readonly streams: readonly string[]
  readonly #database: LogDatabase
  readonly #shelves: Shelves
  readonly #committer: LogCommitter
  readonly #listeners = new SourceListeners()
  readonly #sweep: Timer | undefined
  #closed: Promise<void> | undefined

  private constructor(database: LogDatabase, shelves: Shelves, options: AppendLogOptions) {
    const { clock = systemClock(), retain } = options
    this.streams = shelves.names
    this.#database = database
    this.#shelves = shelves
    const tell = (event: SourceEvent): void => this.#listeners.tell(event)
    this.#committer = new LogCommitter({ database, shelves, clock, retain, tell })
    if (retain?.age !== undefined) {
      const every = Math.max(leastSweepMs, retain.age / sweepsPerAge)
      this.#sweep = clock.sweep(every, () => this.#committer.tidy())
    }
  }

  /**
   * Opens or makes a log.
   *
   * @throws a `StoreError` when the directory holds something else, is damaged, is in use or out of reach; an
   *   `OptionError`
   */
  static async open(options: AppendLogOptions): Promise<AppendLog> {
    if (options.retain !== undefined) checkRetention(options.retain)
    const names = options.streams
    for (const name of names ?? []) streamKey(name)
    if (names && new Set(names).size < names.length)
      throw new OptionError('streams', 'distinct names', names.join(' '))
    const database = await LogDatabase.open(options.path)
    try {
      const shelves = new Shelves(database.records(), names)
      for (const { name, record } of shelves.all) database.addRecord(name, record)
      const log = new AppendLog(database, shelves, options)
      log.#committer.tidy()
      await log.#committer.drained()
      return log
    } catch (error) {
      await database.close()
      throw error
    }
  }

  head(stream: string): number {
    return this.#shelves.named(stream).record.head
  }

  first(stream: string): number {
    return this.#shelves.named(stream).record.first
  }

  subscribe(listener: (event: SourceEvent) => void): Off {
    return this.#listeners.add(listener)
  }

  async read(stream: string, after: number, upTo: number, limit: Budget): Promise<SourcePage | 'too-old'> {
    const shelf = this.#shelves.named(stream)
    const key = streamKey(stream)
    for (;;) {
      this.#checkOpen()
      // The record and the rows are of the same snapshot, because nothing is awaited between them.
      const record = this.#database.record(key) ?? shelf.record
      // A reset that is on disk and has not been told yet: with the old head a reader would read on for ever.
      if (record.head < shelf.record.head) await this.#committer.settled()
      else
        return after < record.first
          ? 'too-old'
          : this.#page(record, after, Math.min(upTo, shelf.record.head), limit)
    }
  }

  /**
   * Appends one batch; see {@link AppendLogTransaction.append}.
   *
   * @returns the batch's token, once it is durable and subscribers were told
   * @throws a `TokenOrderError`, `UnknownStreamError`, `OptionError` or `StoreError`; nothing is appended
   */
  append(stream: string, rows: readonly unknown[], options?: AppendOptions): Promise<number> {
    return this.transaction((tx) => tx.append(stream, rows, options))
  }

  /** See {@link AppendLogTransaction.stage}. Resolves once durable. */
  stage(stream: string, batches: readonly RowBatch[]): Promise<void> {
    return this.transaction((tx) => tx.stage(stream, batches))
  }

  /** See {@link AppendLogTransaction.advance}. Resolves once durable and told. */
  advance(stream: string, to: number): Promise<void> {
    return this.transaction((tx) => tx.advance(stream, to))
  }

  /** See {@link AppendLogTransaction.dropAbove}. Resolves once nothing of it can come back. */
  dropAbove(stream: string, token: number): Promise<void> {
    return this.transaction((tx) => tx.dropAbove(stream, token))
  }

  /** See {@link AppendLogTransaction.reset}. Resolves once durable and told. */
  reset(stream: string, to: number): Promise<void> {
    return this.transaction((tx) => tx.reset(stream, to))
  }

  /** See {@link AppendLogTransaction.prepend}. Resolves once durable. */
  prepend(stream: string, batches: readonly RowBatch[], from: number): Promise<void> {
    return this.transaction((tx) => tx.prepend(stream, batches, from))
  }

  /**
   * Writes all that `fn` asks for, or nothing of it: so the position of a relay is never ahead of its rows.
   *
   * @param fn - runs at once and must not be asynchronous; if it throws, nothing is written
   * @returns what `fn` returned, once everything is durable and subscribers were told
   */
  async transaction<T>(fn: (tx: AppendLogTransaction) => T): Promise<T> {
    this.#checkOpen()
    const recorder = new TransactionRecorder((stream) => this.#shelves.named(stream).outlook)
    let result: T
    try {
      result = fn(recorder)
    } finally {
      recorder.finish()
    }
    for (const [stream, outlook] of recorder.outlooks) this.#shelves.named(stream).outlook = outlook
    // Also when there is nothing to write: what was asked for before is then on disk.
    await this.#committer.add(recorder.operations)
    return result
  }

  /** What {@link AppendLogTransaction.setPosition} stored durably under a key. */
  position(key: string): Position<number> | undefined {
    this.#checkOpen()
    const value = this.#database.entries.get(positionKey(key))
    if (value === undefined) return undefined
    try {
      return JSON.parse(value.toString()) as Position<number>
    } catch (cause) {
      throw this.#database.corrupt(`position ${key} is unreadable`, cause)
    }
  }

  /** Writes what waits and closes the database. What is staged is forgotten. Again: the same promise. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Waits for commits under way, then closes the database. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#sweep?.cancel()
    await this.#committer.drained()
    this.#listeners.clear()
    await this.#database.close()
  }

  #page({ id }: StreamRecord, after: number, reach: number, limit: Budget): SourcePage {
    if (reach <= after) return { batches: [], to: after }
    const page = new PageFill(limit)
    const keys = {
      start: batchKey(id, after),
      end: batchKey(id, reach),
      exclusiveStart: true,
      inclusiveEnd: true,
    }
    for (const { key, value } of this.#database.entries.getRange(keys)) {
      const batch = { token: tokenOf(key), rows: rowsOf(value) }
      if (!page.add(batch, storedBytes(value))) return { batches: page.batches, to: page.last ?? after }
    }
    return { batches: page.batches, to: reach }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined)
      throw new StoreError('HF_STORE_CLOSED', this.#database.path, 'the log is closed')
  }
}
