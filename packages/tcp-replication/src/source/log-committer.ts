import type { Clock } from '@holdfast/core'
import type { PositionWrite } from './append-log-transaction.js'
import type { LogDatabase } from './log-database.js'
import { LogWriter } from './log-writer.js'
import { type Operation, outlookOf } from './outlook.js'
import type { Retention } from './retention.js'
import type { Shelf, Shelves } from './shelves.js'
import { hasVoid, type StreamRecord } from './stream-record.js'
import type { SourceEvent } from './types.js'

/** Once the requests of a transaction write this much, the rest waits for the next one. */
const charsAtOnce = 1024 * 1024
const requestsAtOnce = 1000

/** Options of {@link LogCommitter}. */
export interface CommitterOptions {
  readonly database: LogDatabase
  readonly shelves: Shelves
  readonly clock: Clock
  readonly retain: Retention | undefined
  /** Called for every change, once it is on disk. */
  readonly tell: (event: SourceEvent) => void
}

interface Request {
  readonly operations: readonly (Operation | PositionWrite)[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes what is asked of a log, one transaction after the other. All that was asked while the disk was busy goes
 * into the next one, so that many writers share one wait for the disk.
 */
export class LogCommitter {
  readonly #options: CommitterOptions
  #waiting: Request[] = []
  /** Streams that have more to remove than one transaction does. */
  readonly #overfull = new Set<string>()
  #isRunning = false
  #step: Promise<void> = Promise.resolve()

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** @returns resolves when the operations are on disk and everybody was told; rejects when none of them is */
  add(operations: readonly (Operation | PositionWrite)[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject })
      this.#start()
    })
  }

  /** Removes what is older than the retention allows, or void. */
  tidy(): void {
    if (this.#options.retain !== undefined) {
      for (const name of this.#options.shelves.names) this.#overfull.add(name)
    }
    this.#start()
  }

  /** Resolves when the transaction under way is over, and what it changed is known here. */
  async settled(): Promise<void> {
    await this.#step
  }

  /** Resolves when nothing is left to write. */
  async drained(): Promise<void> {
    while (this.#isRunning) await this.#step
  }

  #start(): void {
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0 || this.#overfull.size > 0 || this.#voided() !== undefined) {
      const step = this.#commit()
      this.#step = step.then(() => undefined)
      // After a failure only what was asked for since is tried: removing can wait for the next request.
      if (!(await step) && this.#waiting.length === 0) break
    }
    this.#isRunning = false
  }

  /** @returns whether it makes sense to go on */
  async #commit(): Promise<boolean> {
    const { database, shelves } = this.#options
    const taken: Request[] = []
    let records: ReadonlyMap<string, StreamRecord>
    try {
      // The requests are taken when the transaction begins, which is later: until then more may come.
      records = await database.transaction(() => this.#write(taken))
    } catch (failure) {
      this.#fail(taken, failure)
      return false
    }
    for (const [name, record] of records) shelves.named(name).record = record
    for (const { operations, resolve } of taken) {
      for (const operation of operations) {
        if (operation.kind === 'move' && operation.event !== undefined) this.#options.tell(operation.event)
      }
      resolve()
    }
    return true
  }

  #write(taken: Request[]): ReadonlyMap<string, StreamRecord> {
    const { database, shelves, clock } = this.#options
    const writer = new LogWriter(database.entries, (name) => shelves.named(name).record, clock.wall())
    const voided = this.#voided()
    if (voided !== undefined) writer.removeVoid(voided.name)
    else {
      this.#take(taken)
      for (const { operations } of taken) for (const operation of operations) writer.run(operation)
      this.#trim(writer)
    }
    writer.finish()
    return writer.records
  }

  #take(taken: Request[]): void {
    let chars = 0
    for (const request of this.#waiting) {
      if (taken.length === requestsAtOnce || chars > charsAtOnce) break
      chars += sizeOf(request)
      taken.push(request)
      // What follows a reset waits until the rows that it voids are gone.
      if (request.operations.some((operation) => operation.kind === 'move' && hasVoid(operation.to))) break
    }
    this.#waiting.splice(0, taken.length)
  }

  #trim(writer: LogWriter): void {
    const { retain, shelves } = this.#options
    if (retain === undefined) return
    for (const shelf of shelves.all) {
      const { name, record } = shelf
      const written = writer.record(name)
      if (written.head !== record.head) this.#overfull.add(name)
      // A waiting prepend() counts on the first position, and void rows are none of it.
      if (!this.#overfull.has(name) || shelf.outlook.first !== written.first || hasVoid(written)) continue
      if (writer.trim(name, retain)) this.#overfull.delete(name)
      const { first } = writer.record(name)
      if (first !== shelf.outlook.first) shelf.outlook = { ...shelf.outlook, first }
    }
  }

  #voided(): Shelf | undefined {
    for (const shelf of this.#options.shelves.all) {
      if (hasVoid(shelf.record)) return shelf
    }
    return undefined
  }

  /** What waited was checked against an outlook that will not come true, so all of it fails. */
  #fail(taken: readonly Request[], failure: unknown): void {
    const { shelves } = this.#options
    const failed = [...taken, ...this.#waiting]
    this.#waiting = []
    this.#overfull.clear()
    for (const shelf of shelves.all) shelf.outlook = outlookOf(shelf.name, shelf.record)
    for (const { reject } of failed) reject(failure)
  }
}

function sizeOf({ operations }: Request): number {
  let chars = 0
  for (const operation of operations) {
    if (operation.kind !== 'put') continue
    for (const { rows } of operation.batches) for (const row of rows) chars += row.length
  }
  return chars
}
