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
    this.#hotChars += chars
    this.#trim()
  }

  /**
   * An event was accepted: forgets those that it may have made acceptable.
   *
   * @returns those that are still there in whole, to be looked at anew, once; the others have to be fetched again
   */
  release(accepted: NostrEvent): NostrEvent[] {
    const events: NostrEvent[] = []
    for (const key of madeAcceptableBy(accepted)) {
      for (const id of this.#waiting.get(key) ?? []) {
        const event = this.#hot.get(id)?.event
        if (event !== undefined) events.push(event)
        this.#forget(id)
      }
    }
    return events
  }

  /** Lets go of what is too old. To be called every minute. */
  sweep(now: WallStamp): void {
    for (const [id, { at }] of this.#hot) {
      if (now - at <= this.#options.hotMs) break
      this.#cool(id)
    }
    for (const [id, { at }] of this.#cold) {
      if (now - at <= this.#options.coldMs) break
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
    this.#cold.set(entry.id, entry)
    for (const key of entry.awaits) {
      const ids = this.#waiting.get(key) ?? new Set()
      this.#waiting.set(key, ids.add(entry.id))
    }
  }

  #forget(id: string): void {
    this.#cool(id)
    const entry = this.#cold.get(id)
    this.#cold.delete(id)
    for (const key of entry?.awaits ?? []) {
      const ids = this.#waiting.get(key)
      ids?.delete(id)
      if (ids?.size === 0) this.#waiting.delete(key)
    }
  }

  #cool(id: string): void {
    this.#hotChars -= this.#hot.get(id)?.chars ?? 0
    this.#hot.delete(id)
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
