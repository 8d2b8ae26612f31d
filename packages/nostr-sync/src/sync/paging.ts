import type { NostrEvent, UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import { narrowFilter } from './layer-filters.js'

/** Ids, the last first: one more costs the same however many there are. */
export interface IdList {
  readonly id: string
  readonly rest: IdList | null
}

/** A page longer than so many of the length that was asked for does not end: no relay that means well sends it. */
const mostTimesLimit = 200
/** In so many pages a relay must have got past a second that it gives in another order each time. */
const mostPagesOfSecond = 20

/** What is known of a page while it comes in. Plain data. */
export interface PageState {
  /** What was asked for, with its limit. */
  readonly filter: Filter
  /** Every event that came, whatever became of it (R53). */
  readonly received: number
  /** Of these, how many earlier pages did not bring. */
  readonly fresh: number
  readonly oldest: UnixSeconds | null
  /** Ids of the oldest second so far: what the next page may bring once more. */
  readonly atOldest: IdList | null
  /** Ids of the second in which this page begins that earlier pages brought. */
  readonly known: ReadonlySet<string>
  /** Events that fill a page. */
  readonly fullAt: number
}

/** Options of {@link firstPage}. */
export interface PagingOptions {
  /**
   * The `limit` that is sent (R53).
   *
   * @defaultValue 500
   */
  readonly limit?: number
  /** `max_limit` or `default_limit` of the relay's document, where it has one. */
  readonly maxLimit?: number | undefined
  /**
   * From how many events on a page of unknown size counts as full (R52).
   *
   * @defaultValue 75
   */
  readonly threshold?: number
}

/** What becomes of a filter after a page of it. */
export type PageOutcome =
  | { readonly kind: 'complete' }
  | { readonly kind: 'next'; readonly page: PageState }
  /** The relay has at least a page of events in that second, and paging does not get past them (R54). */
  | { readonly kind: 'wall'; readonly at: UnixSeconds }

/** Begins to page through a filter. */
export function firstPage(filter: Filter, options: PagingOptions = {}): PageState {
  const { limit = 500, maxLimit, threshold = 75 } = options
  const fullAt = maxLimit === undefined ? Math.min(threshold, limit) : Math.min(limit, maxLimit)
  return pageOf({ ...filter, limit }, fullAt, new Set())
}

/** Counts an event of the page. */
export function pageEvent(page: PageState, event: Pick<NostrEvent, 'id' | 'created_at'>): PageState {
  const { id, created_at } = event
  const isFresh = !(created_at === page.filter.until && page.known.has(id))
  const oldest = page.oldest === null ? created_at : Math.min(page.oldest, created_at)
  const rest = oldest === page.oldest ? page.atOldest : null
  const atOldest = created_at === oldest ? { id, rest } : rest
  return { ...page, received: page.received + 1, fresh: page.fresh + (isFresh ? 1 : 0), oldest, atOldest }
}

/** Whether so much has come that the page has no end (I25): the relay does not care for the limit that it was sent. */
export function isEndless({ received, filter: { limit = 500 } }: PageState): boolean {
  return received > Math.max(1, limit) * mostTimesLimit
}

/** Ends the page: the relay has said EOSE (R52 to R54). */
export function pageEnd(page: PageState): PageOutcome {
  const { filter, received, fresh, oldest, atOldest, known, fullAt } = page
  if (oldest === null || received < fullAt) return { kind: 'complete' }
  if (fresh === 0) return oldest === filter.until ? { kind: 'wall', at: oldest } : { kind: 'complete' }
  // The same second again, not the one before: more events may share it.
  const carried = new Set(oldest === filter.until ? known : [])
  for (let last = atOldest; last !== null; last = last.rest) carried.add(last.id)
  if (oldest === filter.until && carried.size > fullAt * mostPagesOfSecond)
    return { kind: 'wall', at: oldest }
  return { kind: 'next', page: pageOf({ ...filter, until: oldest }, fullAt, carried) }
}

/** What to do about a wall (R54). */
export type WallPlan =
  /** Find the ids of that second by negentropy, and page on before it. */
  | { readonly kind: 'negentropy'; readonly second: Filter; readonly before: PageState | null }
  /** Page through the parts of that second, and on before it. */
  | { readonly kind: 'narrow'; readonly parts: readonly PageState[]; readonly before: PageState | null }
  /** Nothing helps: go on before it, and count the filter as incomplete. */
  | { readonly kind: 'step'; readonly before: PageState | null }

/** Decides how to get past a wall: by negentropy if the relay has it, else by narrower filters, else not at all (R54). */
export function passWall(page: PageState, at: UnixSeconds, hasNegentropy: boolean): WallPlan {
  const { filter, fullAt } = page
  const isReached = at === 0 || (filter.since !== undefined && at - 1 < filter.since)
  const before = isReached ? null : pageOf({ ...filter, until: at - 1 }, fullAt, new Set())
  const second = { ...filter, since: at, until: at }
  if (hasNegentropy) return { kind: 'negentropy', second, before }
  const parts = narrowFilter(second)
  if (parts === null) return { kind: 'step', before }
  return { kind: 'narrow', parts: parts.map((part) => pageOf(part, fullAt, new Set())), before }
}

function pageOf(filter: Filter, fullAt: number, known: ReadonlySet<string>): PageState {
  return { filter, received: 0, fresh: 0, oldest: null, atOldest: null, known, fullAt }
}
