import type { Off } from '@holdfast/core'
import type { AdmissionView } from '../admission/types.js'
import type { NostrEvent, UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'

/**
 * What became of an event that was put.
 *
 * - `saved`: it is stored, and stays when the process or the machine dies.
 * - `duplicate`: it was there.
 * - `superseded`: a newer one of the same address is stored; of two of the same second, the one with the lower id.
 * - `deleted`: its author has asked for its deletion (NIP-09).
 * - `not-stored`: of a kind that nobody stores.
 */
export type PutOutcome = 'saved' | 'duplicate' | 'superseded' | 'deleted' | 'not-stored'

/** A change of what is stored, told once it is on disk. */
export type StoreChange =
  | { readonly kind: 'saved'; readonly event: NostrEvent }
  | { readonly kind: 'removed'; readonly event: NostrEvent; readonly why: 'superseded' | 'deleted' }

/** A place in the order of events: newest first, and within a second the lowest id first. */
export interface EventPlace {
  readonly createdAt: UnixSeconds
  readonly id: string
}

/** How much one {@link EventStore.query} may do. */
export interface QueryLimits {
  /** Events to return. */
  readonly limit: number
  /** Where the page before ended. */
  readonly after?: EventPlace | null
  /**
   * Index entries and events to look at; a filter that matches few of many ends a page early.
   *
   * @defaultValue 20000
   */
  readonly maxExamined?: number
}

/** A part of the answer to a filter. */
export interface EventPage {
  /** Newest first, and within a second the lowest id first. */
  readonly events: readonly NostrEvent[]
  /** Where to go on; null when there is nothing more. A page may be short, or empty, and not the last. */
  readonly next: EventPlace | null
}

/** Options of {@link EventStore.items}. */
export interface ItemsOptions {
  /**
   * More than so many are refused.
   *
   * @defaultValue Infinity
   */
  readonly max?: number
  /**
   * Lists, where the filter asks for nothing but kinds, authors and time, what was replaced or deleted as well: for who asks,
   * because the peer would offer it for ever (R97). Who answers must not, for it has nothing to give.
   *
   * @defaultValue false
   */
  readonly withGone?: boolean
}

/**
 * Signed events, by id and by what filters ask for. Of replaceable and addressable events the newest is kept; deletion
 * requests are carried out (R86).
 *
 * Reading is synchronous and bounded by {@link QueryLimits}: stores are local, and a promise for each look-up would cost
 * more than the look-up. Writing is not, because it waits for the disk.
 */
export interface EventStore extends AdmissionView, AsyncDisposable {
  /** How many events are stored. */
  readonly size: number
  /**
   * Stores events whose signatures were checked, in this order, all of them or (on failure) none. Whoever puts must wait
   * before it puts without end: what waits is held in memory.
   *
   * @returns the outcomes, once all of it is durable
   * @throws (rejects) a `StoreError`
   */
  put(events: readonly NostrEvent[]): Promise<PutOutcome[]>
  /** The event of that id, or null. */
  get(id: string): NostrEvent | null
  /** Whether an event of this id is stored, or was and has been replaced or deleted: not worth fetching (R78, R86). */
  knows(id: string): boolean
  /** Stored events that match, in pages. `filter.limit` is not looked at. */
  query(filter: Filter, limits: QueryLimits): EventPage
  /** The times and ids of all that match, for negentropy. Looks at a part at a time and lets others work between. */
  items(filter: Filter, options?: ItemsOptions): Promise<NegentropyItems | 'too-many'>
  /** Tells of every change. Listeners are called in the order of the changes and must not throw. */
  onChange(listener: (change: StoreChange) => void): Off
  /** Waits for what was put, then closes. Idempotent. */
  close(): Promise<void>
}
