import type { EventPlace, EventStore } from '../store/types.js'
import type { NostrEvent } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import { IdSet } from '../wire/id-set.js'

/** How many stored events a scan yields for one filter. */
export interface ScanLimits {
  readonly most: number
  /** For a filter without `limit`. */
  readonly byDefault: number
}

/** Events of one step. */
const pageEvents = 100
/** Index entries and events that a step looks at: some 10 milliseconds, in which nobody else is served. */
const pageExamined = 2000

/**
 * Reads what is stored for some filters, a step at a time: filter by filter, each newest first, no event twice. Holds
 * nothing between steps but the place where it is.
 */
export class StoredScan {
  readonly #store: EventStore
  readonly #filters: readonly Filter[]
  readonly #limits: ScanLimits
  /** Of earlier filters; a single one has no duplicates. */
  readonly #seen: IdSet | null
  #index = 0
  #after: EventPlace | null = null
  #left: number

  /** @param seed - a random number, because strangers choose ids */
  constructor(store: EventStore, filters: readonly Filter[], limits: ScanLimits, seed: number) {
    this.#store = store
    this.#filters = filters
    this.#limits = limits
    this.#seen = filters.length > 1 ? new IdSet(0, seed) : null
    this.#left = this.#limitOf(0)
  }

  get isDone(): boolean {
    return this.#index >= this.#filters.length
  }

  /**
   * Hands over the next events.
   *
   * @param take - returns false to take no more for now; that event is taken
   */
  step(take: (event: NostrEvent) => boolean): void {
    const filter = this.#filters[this.#index]
    if (filter === undefined) return
    if (this.#left === 0) {
      this.#next()
      return
    }
    const { events, next } = this.#store.query(filter, {
      limit: Math.min(this.#left, pageEvents),
      after: this.#after,
      maxExamined: pageExamined,
    })
    let taken = 0
    for (const event of events) {
      this.#after = { createdAt: event.created_at, id: event.id }
      this.#left--
      taken++
      if (this.#seen?.addHex(event.id) === false) continue
      if (!take(event)) break
    }
    if (taken === events.length) this.#after = next
    // Most requests are for few, and over with their last event: another step would keep EOSE waiting for its turn.
    if (this.#left === 0 || (taken === events.length && next === null)) this.#next()
  }

  #next(): void {
    this.#index++
    this.#after = null
    this.#left = this.#limitOf(this.#index)
  }

  #limitOf(index: number): number {
    const { most, byDefault } = this.#limits
    return Math.min(this.#filters[index]?.limit ?? byDefault, most)
  }
}
