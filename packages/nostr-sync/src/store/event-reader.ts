import { Buffer } from 'node:buffer'
import { type Announcement, readAnnouncement } from '../wire/announcement.js'
import type { NostrEvent } from '../wire/event.js'
import { type Filter, filterMatcher, listsGone } from '../wire/filter.js'
import { isHex64 } from '../wire/hex.js'
import { kinds } from '../wire/kinds.js'
import { IndexScan, planScan } from './index-scan.js'
import {
  addressKey,
  eventKey,
  goneKey,
  goneKindPrefix,
  placeBytes,
  placeKey,
  placeOf,
  tagPrefix,
} from './keys.js'
import type { Table } from './table.js'
import type { EventPage, EventPlace, QueryLimits } from './types.js'

const referenceLetters = ['e', 'E', 'a', 'A', 'q']
const maxAnnouncements = 1000
const defaultMaxExamined = 20_000

/** Answers from a table what an event store is asked. */
export class EventReader {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  get(id: string): NostrEvent | null {
    const json = isHex64(id) ? this.#table.get(eventKey(id)) : undefined
    return json === undefined ? null : (JSON.parse(json.toString()) as NostrEvent)
  }

  has(id: string): boolean {
    return isHex64(id) && this.#table.get(eventKey(id)) !== undefined
  }

  knows(id: string): boolean {
    if (!isHex64(id)) return false
    return this.#table.get(eventKey(id)) !== undefined || this.#table.get(goneKey(id)) !== undefined
  }

  hasAddress(address: string): boolean {
    return this.#table.get(addressKey(address)) !== undefined
  }

  isReferenced(name: string): boolean {
    return referenceLetters.some((letter) => {
      const start = tagPrefix(letter, name)
      return this.#table.keys({ start, end: endOf(start), limit: 1 }).length > 0
    })
  }

  announcements(identifier: string): Announcement[] {
    const filter: Filter = { kinds: [kinds.announcement], '#d': [identifier] }
    return this.query(filter, { limit: maxAnnouncements }).events.flatMap((event) => {
      const reading = readAnnouncement(event)
      return reading.kind === 'announcement' ? [reading.announcement] : []
    })
  }

  query(filter: Filter, { limit, after = null, maxExamined = defaultMaxExamined }: QueryLimits): EventPage {
    if (filter.ids !== undefined) return this.#byIds(filter, limit, after)
    const matches = filterMatcher([filter])
    const { prefixes } = planScan(filter)
    const scan = new IndexScan(this.#table, prefixes, filter, after)
    const events: NostrEvent[] = []
    let last: Buffer | null = null
    for (let examined = 0; events.length < limit && examined < maxExamined; examined++) {
      const place = scan.next()
      if (place === null) return { events, next: null }
      last = place
      const event = this.get(placeOf(place).id)
      if (event !== null && matches(event)) events.push(event)
    }
    return { events, next: last === null ? after : placeOf(last) }
  }

  /**
   * The places of all that match a filter, some at a time.
   *
   * @param withGone - with those that were replaced or deleted, where the filter can be decided without the event (R97)
   */
  *places(filter: Filter, atOnce: number, withGone: boolean): Generator<readonly Buffer[], void, undefined> {
    if (filter.ids !== undefined) {
      const { events } = this.#byIds(filter, Infinity, null)
      yield events.map((event) => placeKey({ createdAt: event.created_at, id: event.id }))
      return
    }
    const { prefixes, isExact } = planScan(filter)
    const matches = filterMatcher([filter])
    const isMatch = (place: Buffer): boolean => {
      if (isExact) return true
      const event = this.get(placeOf(place).id)
      return event !== null && matches(event)
    }
    yield* this.#inParts(prefixes, filter, atOnce, isMatch)
    if (withGone) yield* this.#gonePlaces(filter, atOnce)
  }

  *#gonePlaces(filter: Filter, atOnce: number): Generator<readonly Buffer[], void, undefined> {
    if (!listsGone(filter)) return
    const authors = filter.authors && new Set(filter.authors)
    for (const kind of new Set(filter.kinds)) {
      const start = goneKindPrefix(kind)
      const isMatch = (place: Buffer): boolean =>
        authors?.has(this.#table.get(Buffer.concat([start, place]))?.toString('hex') ?? '') !== false
      yield* this.#inParts([start], filter, atOnce, isMatch)
    }
  }

  *#inParts(
    prefixes: readonly Buffer[],
    filter: Filter,
    atOnce: number,
    isMatch: (place: Buffer) => boolean,
  ): Generator<readonly Buffer[], void, undefined> {
    // Begun anew for each part: between two of them the table may change.
    for (let after: EventPlace | null = null; ; ) {
      const scan = new IndexScan(this.#table, prefixes, filter, after)
      const found: Buffer[] = []
      for (let examined = 0; examined < atOnce; examined++) {
        const place = scan.next()
        if (place === null) {
          yield found
          return
        }
        if (isMatch(place)) found.push(place)
        if (examined === atOnce - 1) after = placeOf(place)
      }
      yield found
    }
  }

  #byIds(filter: Filter, limit: number, after: EventPlace | null): EventPage {
    const matches = filterMatcher([filter])
    const begin = after === null ? null : placeKey(after)
    const found = [...new Set(filter.ids)]
      .flatMap((id) => {
        const event = this.get(id)
        return event !== null && matches(event) ? [event] : []
      })
      .map((event) => ({ event, place: placeKey({ createdAt: event.created_at, id: event.id }) }))
      .filter(({ place }) => begin === null || Buffer.compare(place, begin) > 0)
      .sort((a, b) => Buffer.compare(a.place, b.place))
    const last = found.length > limit ? found[limit - 1] : undefined
    return {
      events: found.slice(0, limit).map(({ event }) => event),
      next: last === undefined ? null : placeOf(last.place),
    }
  }
}

/** Behind all keys that begin so and go on with a place. */
function endOf(start: Buffer): Buffer {
  return Buffer.concat([start, Buffer.alloc(placeBytes + 1, 0xff)])
}
