import { Buffer } from 'node:buffer'
import type { Filter } from '../wire/filter.js'
import { tagMembers } from '../wire/filter.js'
import {
  authorKindPrefix,
  authorPrefix,
  kindPrefix,
  placeBytes,
  placeKey,
  prefix,
  tagPrefix,
  timeKey,
} from './keys.js'
import type { Table } from './table.js'
import type { EventPlace } from './types.js'

/** How a filter is looked up. */
export interface ScanPlan {
  /** Beginnings of keys; whatever matches the filter is under one of them. */
  readonly prefixes: readonly Buffer[]
  /** Whether all that is under them, within the time asked for, matches: then events need not be read to know. */
  readonly isExact: boolean
}

/** More pairs of author and kind are looked up by author alone. */
const maxPairs = 256
/** Keys read at a time for each prefix: few at first, because most are asked for few; then twice as many each time. */
const firstChunk = 16
const longestChunk = 1024

/** Chooses the index that leads to the fewest events, as far as the filter tells. Not for filters by id. */
export function planScan(filter: Filter): ScanPlan {
  const { authors, kinds } = filter
  const [tag, ...otherTags] = tagMembers(filter).sort(([, a], [, b]) => a.length - b.length)
  if (tag !== undefined) {
    const [letter, values] = tag
    const isExact = otherTags.length === 0 && authors === undefined && kinds === undefined
    return { prefixes: distinct(values).map((value) => tagPrefix(letter, value)), isExact }
  }
  if (authors && kinds && authors.length * kinds.length <= maxPairs) {
    const pairs = distinct(authors).flatMap((author) =>
      distinct(kinds).map((kind) => authorKindPrefix(author, kind)),
    )
    return { prefixes: pairs, isExact: true }
  }
  if (authors) return { prefixes: distinct(authors).map(authorPrefix), isExact: kinds === undefined }
  if (kinds) return { prefixes: distinct(kinds).map(kindPrefix), isExact: true }
  return { prefixes: [Buffer.of(prefix.time)], isExact: true }
}

/** Merges what is under several prefixes into one sequence of places, each once, newest first. */
export class IndexScan {
  readonly #table: Table
  readonly #sources: Source[]
  #last: Buffer | null = null

  /** @param after - where to begin: behind this place */
  constructor(
    table: Table,
    prefixes: readonly Buffer[],
    { since = 0, until = Number.MAX_SAFE_INTEGER }: Filter,
    after: EventPlace | null,
  ) {
    this.#table = table
    const newest = timeKey(Math.min(until, Number.MAX_SAFE_INTEGER))
    const from = after === null ? newest : Buffer.concat([placeKey(after), Buffer.of(0)])
    // All ids of the oldest second: nothing begins with more than 32 bytes of 0xff.
    const to = Buffer.concat([timeKey(Math.min(since, Number.MAX_SAFE_INTEGER)), Buffer.alloc(33, 0xff)])
    this.#sources = prefixes.map((start) => ({
      next: Buffer.concat([start, from]),
      end: Buffer.concat([start, to]),
      keys: [],
      at: 0,
      chunk: firstChunk,
      isDry: false,
    }))
    for (const source of this.#sources) this.#fill(source)
    this.#sources = this.#sources.filter(hasMore)
    this.#sources.sort(compareSources)
  }

  /** The next place as it is in keys; null at the end. */
  next(): Buffer | null {
    for (;;) {
      const source = this.#sources[0]
      if (source === undefined) return null
      const place = headOf(source)
      source.at++
      if (source.at === source.keys.length) this.#fill(source)
      this.#settleFirst()
      if (this.#last?.equals(place) !== true) {
        this.#last = place
        return place
      }
    }
  }

  #fill(source: Source): void {
    if (source.isDry) return
    const { next: start, end, chunk: limit } = source
    source.keys = this.#table.keys({ start, end, limit })
    source.at = 0
    source.isDry = source.keys.length < limit
    source.chunk = Math.min(2 * limit, longestChunk)
    const last = source.keys.at(-1)
    if (last !== undefined) source.next = Buffer.concat([last, Buffer.of(0)])
  }

  /** The first source has moved on: puts it where it belongs. */
  #settleFirst(): void {
    const [moved] = this.#sources.splice(0, 1)
    if (moved === undefined || !hasMore(moved)) return
    let low = 0
    let high = this.#sources.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#sources[middle]
      if (other !== undefined && compareSources(other, moved) < 0) low = middle + 1
      else high = middle
    }
    this.#sources.splice(low, 0, moved)
  }
}

interface Source {
  next: Buffer
  readonly end: Buffer
  keys: readonly Buffer[]
  at: number
  chunk: number
  isDry: boolean
}

function hasMore(source: Source): boolean {
  return source.at < source.keys.length
}

function headOf(source: Source): Buffer {
  const key = source.keys[source.at] ?? Buffer.alloc(placeBytes)
  return key.subarray(key.length - placeBytes)
}

function compareSources(a: Source, b: Source): number {
  return Buffer.compare(headOf(a), headOf(b))
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
