import type { Off } from '@holdfast/core'
import { SavedLog } from '../endpoint/saved-log.js'
import type { EventPlace, EventStore } from '../store/types.js'
import type { NostrEvent } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import type { IdSet } from '../wire/id-set.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import type { SinkStats } from './types.js'
import type { SentEvent } from './unanswered.js'

/** Characters of saved events that are kept for a relay that is away; beyond, it is asked what it lacks. */
const keptChars = 32 * 1024 * 1024
const pageEvents = 100

/** Which events go to a relay. */
export interface SinkScope {
  /** What of the stored ones. */
  readonly filters: readonly Filter[]
  /** Whether what is saved from now on goes there as well. */
  readonly follow: boolean
  readonly onAnswer?: (stats: Readonly<SinkStats>) => void
}

/** What a relay has been sent, across its connections. */
export class SinkProgress {
  readonly stats: SinkStats = { delivered: 0, refused: 0 }
  readonly filters: readonly Filter[]
  /** Whether what is saved from now on goes there as well. */
  readonly isFollowing: boolean
  readonly #store: EventStore
  readonly #onAnswer: ((stats: Readonly<SinkStats>) => void) | undefined
  readonly #log = new SavedLog(keptChars)
  #stop: Off = () => undefined
  #isCaughtUp = false
  /** The next to be sent. */
  #at = 0
  /** Everything before was answered. */
  #confirmed = 0
  #lacking: IdSet[] = []
  #lackingAll: Filter[] = []
  /** How many were lacking there when that was found out first. */
  #lackingAtFirst: number | null = null
  readonly #listeners = new Set<() => void>()
  #idleListeners: (() => void)[] = []

  constructor(store: EventStore, { filters, follow, onAnswer }: SinkScope) {
    this.#store = store
    this.filters = filters
    this.isFollowing = follow
    this.#onAnswer = onAnswer
    if (!follow) return
    this.#stop = store.onChange((change) => {
      if (change.kind !== 'saved') return
      this.#log.add(change.event)
      for (const listener of [...this.#listeners]) listener()
    })
  }

  /** A connection begins. `anew`: what was saved in between is not known any more, or never was. */
  begin(): 'resumed' | 'anew' {
    this.#at = this.#confirmed
    this.#isCaughtUp &&= this.#log.read(this.#at, this.#log.head, { bytes: 1 }) !== 'too-old'
    if (this.#isCaughtUp) return 'resumed'
    this.#at = this.#confirmed = this.#log.head
    this.#lacking = []
    this.#lackingAll = []
    return 'anew'
  }

  items(filter: Filter): Promise<NegentropyItems> {
    return this.#store.items(filter) as Promise<NegentropyItems>
  }

  lacks(ids: IdSet): void {
    this.#lacking.push(ids)
  }

  lacksAll(filter: Filter): void {
    this.#lackingAll.push(filter)
  }

  /** What is lacking there and still stored here, once that is known for every filter. */
  missing(): Generator<NostrEvent, undefined, undefined> {
    if (!this.isFollowing) this.#countAnew()
    return this.#missing()
  }

  /** What an earlier link has refused comes again; so does what it has taken, unless the relay is known to have that. */
  #countAnew(): void {
    const lacking = this.#lacking.reduce((sum, { size }) => sum + size, 0)
    this.stats.refused = 0
    this.stats.delivered = 0
    if (this.#lackingAll.length > 0) return
    this.#lackingAtFirst ??= lacking
    this.stats.delivered = Math.max(0, this.#lackingAtFirst - lacking)
  }

  *#missing(): Generator<NostrEvent, undefined, undefined> {
    for (const ids of this.#lacking) {
      for (const id of ids.hex()) {
        const event = this.#store.get(id)
        if (event !== null) yield event
      }
    }
    for (const filter of this.#lackingAll) {
      for (let after: EventPlace | null | undefined; after !== null; ) {
        const page = this.#store.query(filter, { limit: pageEvents, after: after ?? null })
        yield* page.events
        after = page.next
      }
    }
    return undefined
  }

  caughtUp(): void {
    this.#isCaughtUp = true
    this.#lacking = []
    this.#lackingAll = []
  }

  /** The next event that was saved; null when there is none yet. */
  next(): SentEvent | 'too-old' | null {
    const page = this.#log.read(this.#at, this.#log.head, { bytes: Infinity, count: 1 })
    if (page === 'too-old') return page
    const [saved] = page.items
    return saved === undefined ? null : { event: saved.event, position: this.#at++ }
  }

  /** @param first - the first position that was sent and not answered; null if all were */
  answeredUpTo(first: number | null): void {
    this.#confirmed = first ?? this.#at
  }

  delivered(): void {
    this.stats.delivered++
    this.#onAnswer?.(this.stats)
  }

  refused(count = 1): void {
    this.stats.refused += count
    this.#onAnswer?.(this.stats)
  }

  onMore(listener: () => void): Off {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Nothing is on its way. */
  idle(): void {
    if (!this.#isDone) return
    for (const listener of this.#idleListeners.splice(0)) listener()
  }

  /** Resolves when the relay has answered to everything. */
  whenIdle(): Promise<void> {
    if (this.#isDone && this.#confirmed === this.#at) return Promise.resolve()
    return new Promise((resolve) => this.#idleListeners.push(resolve))
  }

  close(): void {
    this.#stop()
  }

  get #isDone(): boolean {
    return this.#isCaughtUp && this.#at === this.#log.head
  }
}
