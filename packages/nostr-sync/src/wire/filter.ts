import type { NostrEvent, UnixSeconds } from './event.js'
import { isHex64 } from './hex.js'
import { isTagLetter } from './tags.js'

/** What a subscription asks for (NIP-01): members are ANDed, the values of a list ORed. */
export interface Filter {
  readonly ids?: readonly string[]
  readonly authors?: readonly string[]
  readonly kinds?: readonly number[]
  /** Not older. */
  readonly since?: UnixSeconds
  /** Not newer. */
  readonly until?: UnixSeconds
  /** How many stored events at most; of no meaning for new ones. */
  readonly limit?: number
  /** Values of a single-letter tag, such as `#a`. */
  readonly [tag: `#${string}`]: readonly string[]
}

/** Bounds of a filter that somebody else sends. */
export interface FilterLimits {
  /**
   * Values of all lists together.
   *
   * @defaultValue 2000
   */
  readonly maxValues?: number
  /**
   * Characters of a tag value.
   *
   * @defaultValue 1024
   */
  readonly maxValueLength?: number
}

/** A filter, or the reason for refusing it. */
export type FilterReading =
  | { readonly kind: 'filter'; readonly filter: Filter }
  | { readonly kind: 'malformed'; readonly why: string }

/** Whether an event is one of those a filter asks for. `limit` says nothing about that; an empty list matches nothing. */
export function matchesFilter(filter: Filter, event: NostrEvent): boolean {
  return filterMatcher([filter])(event)
}

/**
 * Prepares filters for many events: whether any of them matches.
 *
 * @example
 * ```ts
 * import { filterMatcher } from '@holdfast/nostr-sync'
 *
 * const isWanted = filterMatcher([{ kinds: [1621] }, { '#t': ['bug'] }])
 * const note = { id: '', pubkey: '', sig: '', created_at: 1, kind: 1, tags: [['t', 'bug', 'x']], content: '' }
 * isWanted(note) // => true
 * isWanted({ ...note, tags: [['t', 'x', 'bug']] }) // => false
 * ```
 */
export function filterMatcher(filters: readonly Filter[]): (event: NostrEvent) => boolean {
  const matchers = filters.map(single)
  return (event) => matchers.some((matches) => matches(event))
}

/** The letters and values of the tag members. */
export function tagMembers(filter: Filter): (readonly [letter: string, values: readonly string[]])[] {
  return Object.entries(filter).flatMap(([name, values]) =>
    name.startsWith('#') ? [[name.slice(1), values as readonly string[]] as const] : [],
  )
}

/** Whether it can be decided of an event without its tags: then what was replaced or deleted can be listed as well (R97). */
export function listsGone(filter: Filter): filter is Filter & { readonly kinds: readonly number[] } {
  return filter.kinds !== undefined && tagMembers(filter).length === 0
}

/**
 * The same filter in its one stable form (R63): members in a fixed order, values sorted and each once, nothing undefined.
 * Two filters that ask for the same in the same words are then the same JSON.
 */
export function normalizeFilter(filter: Filter): Filter {
  const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort()
  const { ids, authors, kinds, since, until, limit } = filter
  return {
    ...(ids && { ids: sorted(ids) }),
    ...(authors && { authors: sorted(authors) }),
    ...(kinds && { kinds: [...new Set(kinds)].sort((a, b) => a - b) }),
    ...Object.fromEntries(
      tagMembers(filter)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([letter, values]) => [`#${letter}`, sorted(values)]),
    ),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(limit !== undefined && { limit }),
  }
}

/** Reads a filter that somebody sent. Members that we do not know are refused: ignoring one would answer too much. */
export function readFilter(value: unknown, limits: FilterLimits = {}): FilterReading {
  const { maxValues = 2000, maxValueLength = 1024 } = limits
  const malformed = (why: string): FilterReading => ({ kind: 'malformed', why })
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return malformed('a filter must be an object')
  let values = 0
  for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
    if (Array.isArray(member)) values += member.length
    if (values > maxValues) return malformed(`more than ${maxValues} values in a filter`)
    const why = faultOf(name, member, maxValueLength)
    if (why !== null) return malformed(why)
  }
  return { kind: 'filter', filter: value as Filter }
}

function faultOf(name: string, member: unknown, maxValueLength: number): string | null {
  switch (name) {
    case 'ids':
    case 'authors':
      return isListOf(member, isHex64) ? null : `${name} must be a list of 64 lower-case hex digits`
    case 'kinds':
      return isListOf(member, isKind) ? null : 'kinds must be a list of whole numbers up to 65535'
    case 'since':
    case 'until':
    case 'limit':
      return isCount(member) ? null : `${name} must be a whole number`
    default: {
      if (!name.startsWith('#') || !isTagLetter(name.slice(1)))
        return `unknown filter member ${name.slice(0, 20)}`
      const isValue = (text: unknown): boolean => typeof text === 'string' && text.length <= maxValueLength
      return isListOf(member, isValue)
        ? null
        : `${name} must be a list of strings of at most ${maxValueLength} characters`
    }
  }
}

function single(filter: Filter): (event: NostrEvent) => boolean {
  const { since = 0, until = Infinity } = filter
  const ids = filter.ids && new Set(filter.ids)
  const authors = filter.authors && new Set(filter.authors)
  const kinds = filter.kinds && new Set(filter.kinds)
  const tags = tagMembers(filter).map(([letter, values]) => [letter, new Set(values)] as const)
  return (event) =>
    event.created_at >= since &&
    event.created_at <= until &&
    kinds?.has(event.kind) !== false &&
    authors?.has(event.pubkey) !== false &&
    ids?.has(event.id) !== false &&
    tags.every(([letter, values]) =>
      event.tags.some(([name, value]) => name === letter && value !== undefined && values.has(value)),
    )
}

function isListOf(value: unknown, isRight: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isRight)
}

function isKind(value: unknown): boolean {
  return isCount(value) && value <= 65_535
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
