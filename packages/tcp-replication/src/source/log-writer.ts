import type { WallStamp } from '@holdfast/core'
import { batchKey, streamKey, tokenOf } from './append-log-keys.js'
import type { PositionWrite } from './append-log-transaction.js'
import { encodeBatch, extendBatch, rowCountOf, storedAt, storedBytes } from './batch-value.js'
import type { LogEntries } from './log-database.js'
import type { Operation } from './outlook.js'
import type { Retention } from './retention.js'
import { encodeRecord, type StreamRecord } from './stream-record.js'

/**
 * Void or outdated batches that one transaction removes at most, so that none keeps the loop busy for long; and twice
 * what it stores, so that removing keeps up.
 */
const removedAtOnce = 256
const removedBytesAtOnce = 1024 * 1024

interface Range {
  readonly after: number
  readonly upTo: number
}

/**
 * Writes into one transaction of the database. The records change in it as the rows do, and are written at its end;
 * if it fails, drop the whole object.
 */
export class LogWriter {
  /** The records of the streams that were touched. */
  readonly records = new Map<string, StreamRecord>()
  readonly #entries: LogEntries
  readonly #recordOf: (stream: string) => StreamRecord
  readonly #now: WallStamp
  #stored = 0
  #storedBytes = 0

  constructor(entries: LogEntries, recordOf: (stream: string) => StreamRecord, now: WallStamp) {
    this.#entries = entries
    this.#recordOf = recordOf
    this.#now = now
  }

  /** The record as this transaction has made it. */
  record(stream: string): StreamRecord {
    return this.records.get(stream) ?? this.#recordOf(stream)
  }

  run(operation: Operation | PositionWrite): void {
    switch (operation.kind) {
      case 'put':
        for (const { token, rows } of operation.batches)
          this.#put(operation.stream, token, rows, operation.joins)
        return
      case 'move': {
        const moved = { ...this.record(operation.stream), ...operation.to }
        this.records.set(operation.stream, { ...moved, first: Math.min(moved.first, moved.head) })
        return
      }
      case 'position':
        this.#putPosition(operation)
    }
  }

  /**
   * Removes some of what a reset or a broken catch-up left.
   *
   * @returns whether the stream has no more of it
   */
  removeVoid(stream: string): boolean {
    const { voidAbove, voidUpTo } = this.record(stream)
    if (voidAbove !== null) {
      if (!this.#removeSome(stream, { after: voidAbove, upTo: Number.MAX_SAFE_INTEGER })) return false
      this.records.set(stream, { ...this.record(stream), voidAbove: null })
    }
    if (voidUpTo !== null) {
      if (!this.#removeSome(stream, { after: -Infinity, upTo: voidUpTo })) return false
      this.records.set(stream, { ...this.record(stream), voidUpTo: null })
    }
    return true
  }

  /**
   * Removes the oldest visible batches until what is left fits, or enough is done for one transaction. The newest
   * stays, unless it is too old.
   *
   * @returns whether it fits
   */
  trim(stream: string, { bytes = Infinity, count = Infinity, age = Infinity }: Retention): boolean {
    const { head } = this.record(stream)
    return this.#removeSome(stream, { after: -Infinity, upTo: head }, (token, at) => {
      const held = this.record(stream)
      const tooMuch = token !== head && (held.bytes > bytes || held.rows > count)
      if (!tooMuch && this.#now - at <= age) return false
      this.records.set(stream, { ...held, first: token })
      return true
    })
  }

  /** Writes the records. */
  finish(): void {
    for (const [stream, record] of this.records)
      this.#entries.putSync(streamKey(stream), encodeRecord(record))
  }

  #put(stream: string, token: number, rows: readonly string[], joins: boolean): void {
    const record = this.record(stream)
    const key = batchKey(record.id, token)
    const present = joins ? this.#entries.get(key) : undefined
    const value = present ? extendBatch(present, rows) : encodeBatch(rows, this.#now)
    this.#entries.putSync(key, value)
    this.#stored++
    this.#storedBytes += value.length
    this.records.set(stream, {
      ...record,
      rows: record.rows + rows.length,
      bytes: record.bytes + storedBytes(value) - (present ? storedBytes(present) : 0),
    })
  }

  #putPosition({ key, position }: PositionWrite): void {
    if (position === null) this.#entries.removeSync(key)
    else this.#entries.putSync(key, Buffer.from(JSON.stringify(position)))
  }

  /** @returns whether it came to the end of the range, or to a batch that `goes` wants kept */
  #removeSome(stream: string, range: Range, goes?: (token: number, at: WallStamp) => boolean): boolean {
    const { id } = this.record(stream)
    const most = removedAtOnce + 2 * this.#stored
    const mostBytes = removedBytesAtOnce + 2 * this.#storedBytes
    const removed: Buffer[] = []
    let bytes = 0
    let isDone = true
    const keys = {
      start: batchKey(id, Math.max(range.after, Number.MIN_SAFE_INTEGER - 1)),
      end: batchKey(id, range.upTo),
      exclusiveStart: true,
      inclusiveEnd: true,
    }
    for (const { key, value } of this.#entries.getRange(keys)) {
      if (removed.length >= most || bytes > mostBytes) {
        isDone = false
        break
      }
      if (goes?.(tokenOf(key), storedAt(value)) === false) break
      removed.push(key)
      bytes += storedBytes(value)
      const record = this.record(stream)
      this.records.set(stream, {
        ...record,
        rows: record.rows - rowCountOf(value),
        bytes: record.bytes - storedBytes(value),
      })
    }
    for (const key of removed) this.#entries.removeSync(key)
    return isDone
  }
}
