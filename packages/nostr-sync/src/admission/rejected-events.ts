import type { WallStamp } from '@holdfast/core'
import { addressOf } from '../wire/address.js'
import { readAnnouncement } from '../wire/announcement.js'
import type { NostrEvent, UnixSeconds } from '../wire/event.js'
import { kinds } from '../wire/kinds.js'
import { referencesOf, tagValue } from '../wire/tags.js'
import type { RejectReason } from './types.js'

/** What is remembered of an event that was not taken (R75). */
export interface RejectedEntry {
  readonly id: string
  readonly pubkey: string
  readonly kind: number
  readonly createdAt: UnixSeconds
  readonly reason: RejectReason
  /** When it was rejected. */
  readonly at: WallStamp
  /** What would make it worth another look: `identifier author`, ids and addresses. */
  readonly awaits: readonly string[]
}

/** Options of {@link RejectedEvents}. */
export interface RejectedEventsOptions {
  /**
   * How long whole events are kept, in milliseconds.
   *
   * @defaultValue 120000
   */
  readonly hotMs?: number
  /**
   * How long their ids are, in milliseconds.
   *
   * @defaultValue 604800000
   */
  readonly coldMs?: number
  /**
   * Characters of whole events; the oldest go first.
   *
   * @defaultValue 16777216
   */
  readonly maxHotChars?: number
  /**
   * Ids; the oldest go first.
   *
   * @defaultValue 200000
   */
  readonly maxCold?: number
}

/** What is counted of each type of events (R104). */
export interface RejectedCounts {
  /** There in whole. */
  hot: number
  /** There by id, the hot ones too. */
  cold: number
  /** Made acceptable by another event, and there in whole. */
  hits: number
  /** Made acceptable, and only known by id: it has to be fetched again. */
  misses: number
  expiredHot: number
  expiredCold: number
}

/** The types that rejected events are counted by. */
export const rejectedTypes = ['announcement', 'state', 'other'] as const

/** One of {@link rejectedTypes}. */
export type RejectedType = (typeof rejectedTypes)[number]

/** What stands in the way of an event, so that an accepted one can call back those that it makes acceptable. */
const maxAwaits = 32

/**
 * Remembers which events were not taken, so that they are neither verified nor fetched again, and lets them be looked at
 * anew when what they lacked has come (R75). Bounded in time, count and size.
 */
export class RejectedEvents {
  readonly #options: Required<RejectedEventsOptions>
  /** In the order in which they came: the oldest first. */
  readonly #cold = new Map<string, RejectedEntry>()
  readonly #hot = new Map<
    string,
    { readonly event: NostrEvent; readonly chars: number; readonly at: WallStamp }
  >()
  readonly #waiting = new Map<string, Set<string>>()
  #hotChars = 0
  readonly #counts: Readonly<Record<RejectedType, RejectedCounts>> = {
    announcement: noneRejected(),
    state: noneRejected(),
    other: noneRejected(),
  }

  constructor(options: RejectedEventsOptions = {}) {
    this.#options = {
      hotMs: options.hotMs ?? 120_000,
      coldMs: options.coldMs ?? 604_800_000,
      maxHotChars: options.maxHotChars ?? 16 * 1024 * 1024,
      maxCold: options.maxCold ?? 200_000,
    }
  }

  /** How many are remembered, by id at least. */
  get size(): number {
    return this.#cold.size
  }

  /** How many are there in whole. */
  get hotSize(): number {
    return this.#hot.size
  }

  /** What there is and was, by type. */
  get counts(): Readonly<Record<RejectedType, Readonly<RejectedCounts>>> {
    return this.#counts
  }

  /** Whether the event was rejected, and is not worth fetching or verifying again. */
  has(id: string): boolean {
    return this.#cold.has(id)
  }

  /** Remembers an event. Its signature must have been checked, or a forged one could keep the real one out. */
  add(event: NostrEvent, reason: RejectReason, at: WallStamp): void {
    this.#forget(event.id)
    const { id, pubkey, kind, created_at: createdAt } = event
    this.#remember({ id, pubkey, kind, createdAt, reason, at, awaits: awaitedBy(event, reason) })
    const chars = JSON.stringify(event).length
    this.#hot.set(id, { event, chars, at })
    this.#countsOf(kind).hot++
    this.#hotChars += chars
    this.#trim()
  }

  /**
   * An event was accepted: forgets those that it may have made acceptable.
   *
   * @returns those that are still there in whole, to be looked at anew, once; the others have to be fetched again
   */
  release(accepted: NostrEvent): NostrEvent[] {
    if (this.#waiting.size === 0) return []
    const events: NostrEvent[] = []
    for (const key of madeAcceptableBy(accepted)) {
      for (const id of this.#waiting.get(key) ?? []) {
        const event = this.#hot.get(id)?.event
        const counts = this.#countsOf(this.#cold.get(id)?.kind)
        if (event === undefined) counts.misses++
        else {
          counts.hits++
          events.push(event)
        }
        this.#forget(id)
      }
    }
    return events
  }

  /** Lets go of what is too old. To be called every minute. */
  sweep(now: WallStamp): void {
    for (const [id, { at, event }] of this.#hot) {
      if (now - at <= this.#options.hotMs) break
      this.#countsOf(event.kind).expiredHot++
      this.#cool(id)
    }
    for (const [id, { at, kind }] of this.#cold) {
      if (now - at <= this.#options.coldMs) break
      this.#countsOf(kind).expiredCold++
      this.#forget(id)
    }
  }

  /** Everything but the whole events, to be saved (R88). */
  entries(): RejectedEntry[] {
    return [...this.#cold.values()]
  }

  /** Takes back what an earlier process has saved; stamps are of civil time, so the time between them counts. */
  restore(entries: readonly RejectedEntry[], now: WallStamp): void {
    for (const entry of entries) this.#remember({ ...entry, at: Math.min(entry.at, now) })
    this.sweep(now)
    this.#trim()
  }

  #remember(entry: RejectedEntry): void {
    if (!this.#cold.has(entry.id)) this.#countsOf(entry.kind).cold++
    this.#cold.set(entry.id, entry)
    for (const key of entry.awaits) {
      const ids = this.#waiting.get(key) ?? new Set()
      this.#waiting.set(key, ids.add(entry.id))
    }
  }

  #forget(id: string): void {
    this.#cool(id)
    const entry = this.#cold.get(id)
    if (this.#cold.delete(id)) this.#countsOf(entry?.kind).cold--
    for (const key of entry?.awaits ?? []) {
      const ids = this.#waiting.get(key)
      ids?.delete(id)
      if (ids?.size === 0) this.#waiting.delete(key)
    }
  }

  #cool(id: string): void {
    const entry = this.#hot.get(id)
    this.#hotChars -= entry?.chars ?? 0
    if (this.#hot.delete(id)) this.#countsOf(entry?.event.kind).hot--
  }

  #countsOf(kind: number | undefined): RejectedCounts {
    const type = kind === kinds.announcement ? 'announcement' : kind === kinds.state ? 'state' : 'other'
    return this.#counts[type]
  }

  #trim(): void {
    for (const id of this.#hot.keys()) {
      if (this.#hotChars <= this.#options.maxHotChars) break
      this.#cool(id)
    }
    for (const id of this.#cold.keys()) {
      if (this.#cold.size <= this.#options.maxCold) break
      this.#forget(id)
    }
  }
}

function noneRejected(): RejectedCounts {
  return { hot: 0, cold: 0, hits: 0, misses: 0, expiredHot: 0, expiredCold: 0 }
}

function awaitedBy(event: NostrEvent, reason: RejectReason): string[] {
  switch (reason) {
    case 'does-not-list-service':
    case 'no-announcement':
    case 'not-authorised': {
      const identifier = tagValue(event, 'd')
      return identifier === undefined ? [] : [say(identifier, event.pubkey)]
    }
    case 'orphan': {
      const { ids, addresses } = referencesOf(event)
      const own = addressOf(event)
      // What refers to it makes it acceptable as well (R74).
      return [event.id, ...(own === null ? [] : [own]), ...ids, ...addresses].slice(0, maxAwaits)
    }
    case 'blocked':
    case 'invalid':
    case 'not-stored':
    case 'protected':
      return []
  }
}

function madeAcceptableBy(event: NostrEvent): string[] {
  const { ids, addresses } = referencesOf(event)
  const own = addressOf(event)
  const keys = [event.id, ...(own === null ? [] : [own]), ...ids, ...addresses]
  if (event.kind !== kinds.announcement) return keys
  const reading = readAnnouncement(event)
  if (reading.kind === 'malformed') return keys
  const { identifier, owner, maintainers } = reading.announcement
  return [...keys, ...[owner, ...maintainers].map((author) => say(identifier, author))]
}

/** Who has a say in what. */
function say(identifier: string, author: string): string {
  return `${author} ${identifier}`
}
