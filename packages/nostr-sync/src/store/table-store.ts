import { type Clock, type Off, StoreError, systemClock } from '@holdfast/core'
import type { Announcement } from '../wire/announcement.js'
import type { NostrEvent } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import { NegentropyBuilder } from '../wire/negentropy/builder.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import { EventReader } from './event-reader.js'
import { EventWriter } from './event-writer.js'
import { KeptItems } from './kept-items.js'
import { timeAt } from './keys.js'
import type { Table } from './table.js'
import type { EventPage, EventStore, ItemsOptions, PutOutcome, QueryLimits, StoreChange } from './types.js'

/** What a {@link TableStore} needs of the place where its table is. */
export interface TableHost {
  readonly table: Table
  readonly path: string
  /** How many events are in the table. */
  count(): number
  /** Runs all of it, or, if it throws, nothing; resolves once durable, and rejects with a `StoreError`. Never two at a time. */
  transaction<T>(write: () => T): Promise<T>
  close(): Promise<void>
}

interface Request {
  readonly events: readonly NostrEvent[]
  readonly resolve: (outcomes: PutOutcome[]) => void
  readonly reject: (error: unknown) => void
}

/** Once a transaction holds so many, the rest waits for the next one. */
const eventsAtOnce = 1000
/** Index entries that are looked at before others may work: some 10 to 20 milliseconds. */
const placesAtOnce = 5000

/** An event store over a table, wherever that is. */
export class TableStore implements EventStore {
  readonly #host: TableHost
  readonly #reader: EventReader
  readonly #clock: Clock
  readonly #listeners = new Set<(change: StoreChange) => void>()
  readonly #kept = new KeptItems()
  #waiting: Request[] = []
  #running: Promise<void> | null = null
  #closed: Promise<void> | null = null

  /** @param clock - with which it lets others work between the parts of a long look-up */
  constructor(host: TableHost, clock: Clock = systemClock()) {
    this.#host = host
    this.#reader = new EventReader(host.table)
    this.#clock = clock
  }

  get size(): number {
    this.#checkOpen()
    return this.#host.count()
  }

  put(events: readonly NostrEvent[]): Promise<PutOutcome[]> {
    if (this.#closed !== null) return Promise.reject(this.#isClosed())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  get(id: string): NostrEvent | null {
    this.#checkOpen()
    return this.#reader.get(id)
  }

  has(id: string): boolean {
    this.#checkOpen()
    return this.#reader.has(id)
  }

  knows(id: string): boolean {
    this.#checkOpen()
    return this.#reader.knows(id)
  }

  hasAddress(address: string): boolean {
    this.#checkOpen()
    return this.#reader.hasAddress(address)
  }

  isReferenced(idOrAddress: string): boolean {
    this.#checkOpen()
    return this.#reader.isReferenced(idOrAddress)
  }

  announcements(identifier: string): Announcement[] {
    this.#checkOpen()
    return this.#reader.announcements(identifier)
  }

  query(filter: Filter, limits: QueryLimits): EventPage {
    this.#checkOpen()
    return this.#reader.query(filter, limits)
  }

  async items(filter: Filter, options: ItemsOptions = {}): Promise<NegentropyItems | 'too-many'> {
    const { max = Infinity, withGone = false } = options
    this.#checkOpen()
    const question = { filter, withGone }
    const kept = this.#kept.get(question)
    if (kept !== null) return kept.size > max ? 'too-many' : kept
    using collecting = this.#kept.collect(question)
    const items = await this.#collect(filter, withGone, max)
    return items === 'too-many' ? items : (collecting?.done(items) ?? items)
  }

  onChange(listener: (change: StoreChange) => void): Off {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #collect(filter: Filter, withGone: boolean, max: number): Promise<NegentropyItems | 'too-many'> {
    const builder = new NegentropyBuilder()
    for (const places of this.#reader.places(filter, placesAtOnce, withGone)) {
      for (const place of places) builder.add(timeAt(place, 0), place.subarray(place.length - 32))
      if (builder.size > max) return 'too-many'
      if (places.length < placesAtOnce) continue
      await new Promise<void>((resolve) => this.#clock.after(0, resolve))
      this.#checkOpen()
    }
    return builder.build()
  }

  async #close(): Promise<void> {
    await this.#running
    this.#listeners.clear()
    await this.#host.close()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit()
    this.#running = null
  }

  async #commit(): Promise<void> {
    let taken: Request[] = []
    let changes: readonly StoreChange[]
    let gone: readonly NostrEvent[] = []
    let outcomes: PutOutcome[][] = []
    try {
      changes = await this.#host.transaction(() => {
        const writer = new EventWriter(this.#host.table)
        // When the transaction begins, which is later: until then more may come.
        taken = this.#take()
        outcomes = taken.map(({ events }) => events.map((event) => writer.put(event)))
        gone = writer.gone
        return writer.changes
      })
    } catch (error) {
      if (taken.length === 0) taken = this.#take()
      for (const { reject } of taken) reject(error)
      return
    }
    for (const { kind, event } of changes) this.#kept.note(kind, event)
    for (const event of gone) this.#kept.note('gone', event)
    for (const change of changes) for (const listener of [...this.#listeners]) listener(change)
    taken.forEach(({ resolve }, index) => resolve(outcomes[index] ?? []))
  }

  #take(): Request[] {
    let events = 0
    let requests = 0
    for (const request of this.#waiting) {
      if (requests > 0 && events + request.events.length > eventsAtOnce) break
      events += request.events.length
      requests++
    }
    return this.#waiting.splice(0, requests)
  }

  #checkOpen(): void {
    if (this.#closed !== null) throw this.#isClosed()
  }

  #isClosed(): StoreError {
    return new StoreError('HF_STORE_CLOSED', this.#host.path, 'the store is closed')
  }
}
