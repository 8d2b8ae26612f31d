import { Buffer } from 'node:buffer'
import { parseAddress, type RepoKey } from '../wire/address.js'
import type { UnixSeconds } from '../wire/event.js'
import { type Filter, normalizeFilter, tagMembers } from '../wire/filter.js'
import { isHex64 } from '../wire/hex.js'
import { kinds } from '../wire/kinds.js'
import type { SyncItems } from './items.js'

/** Options of {@link layerFilters}. */
export interface LayerFilterOptions {
  /**
   * Values of a list (R59, R60).
   *
   * @defaultValue 100
   */
  readonly tagChunk?: number
  /** Whose state events of a repository count; without it anybody's are asked for (R61). */
  readonly authorsOf?: (repo: RepoKey) => Iterable<string>
}

/** With more authors than this, state events are asked for without naming any (R61). */
const maxAuthors = 100

/**
 * What finds repositories (R58): announcements and lists of GRASP servers.
 *
 * @param stateEvents - state events of all repositories instead of the lists, as early GRASP servers asked
 */
export function announcementFilters(stateEvents = false): Filter[] {
  return [{ kinds: stateEvents ? [kinds.announcement, kinds.state] : [kinds.graspList, kinds.announcement] }]
}

/**
 * What finds everything about the items: layer 2 by repositories (R59), layer 3 by root events (R60), and state events
 * (R61). Values that could not be in a tag of that kind are left out (R62); values are sorted (R63).
 */
export function layerFilters(items: SyncItems, options: LayerFilterOptions = {}): Filter[] {
  const { tagChunk = 100, authorsOf } = options
  const repos = sorted(items.repos).filter((key) => parseAddress(key) !== null)
  const roots = sorted(items.rootEvents).filter(isHex64)
  return [
    ...chunks(repos, tagChunk).flatMap((some) => [{ '#a': some }, { '#A': some }, { '#q': some }]),
    ...chunks(roots, tagChunk).flatMap((some) => [{ '#e': some }, { '#E': some }, { '#q': some }]),
    ...stateFilters([...repos, ...sorted(items.stateRepos)], tagChunk, authorsOf),
  ]
}

/** The same filters for what is new from now on (R37): the relay ends its stored events at once and goes on live. */
export function liveFilters(filters: readonly Filter[]): Filter[] {
  return filters.map((filter) => ({ ...filter, limit: 0 }))
}

/** {@link liveFilters} for a relay that takes a limit of 0 for none (R37). */
export function recentFilters(filters: readonly Filter[], now: UnixSeconds): Filter[] {
  return filters.map((filter) => ({ ...filter, since: Math.max(0, now - 60) }))
}

/** The same filters for what authors dated since then; `null` for all. */
export function filtersSince(filters: readonly Filter[], since: UnixSeconds | null): Filter[] {
  return since === null ? [...filters] : filters.map((filter) => ({ ...filter, since: Math.max(0, since) }))
}

/** Options of {@link liveRequests}. */
export interface RequestOptions {
  /**
   * Filters of one REQ.
   *
   * @defaultValue 8
   */
  readonly maxFilters?: number
  /**
   * Bytes of one REQ, see `requestBytes`.
   *
   * @defaultValue 130048
   */
  readonly maxBytes?: number
}

const defaultRequestBytes = 131_072 - 1024

/** Packs filters into as few REQs as may be (R50), each within the frame that the relay takes (R101). */
export function liveRequests(filters: readonly Filter[], options: RequestOptions = {}): Filter[][] {
  const { maxFilters = 8, maxBytes = defaultRequestBytes } = options
  const requests: Filter[][] = []
  let bytes = Infinity
  for (const filter of filters.flatMap((one) => fitFilter(one, maxBytes))) {
    const size = bytesOf(filter)
    const last = requests.at(-1)
    if (last === undefined || last.length === maxFilters || bytes + size > maxBytes) {
      requests.push([filter])
      bytes = size
    } else {
      last.push(filter)
      bytes += size
    }
  }
  return requests
}

/** Splits a filter whose lists are too long for a frame (R101). One value that no frame of the relay holds is left out. */
export function fitFilter(filter: Filter, maxBytes: number): Filter[] {
  if (bytesOf(filter) <= maxBytes) return [filter]
  return (narrowFilter(filter) ?? []).flatMap((half) => fitFilter(half, maxBytes))
}

/**
 * Two filters that together ask for the same as one (R54): with the values of a tag halved, else of the kinds, else of the
 * authors or ids; `null` if no list has two values.
 */
export function narrowFilter(filter: Filter): [Filter, Filter] | null {
  const tags = tagMembers(filter).sort(([, a], [, b]) => b.length - a.length)
  const names = [...tags.map(([letter]) => `#${letter}` as const), 'kinds', 'authors', 'ids'] as const
  for (const name of names) {
    const values: readonly (string | number)[] = filter[name] ?? []
    if (values.length < 2) continue
    const middle = Math.ceil(values.length / 2)
    return [
      { ...filter, [name]: values.slice(0, middle) },
      { ...filter, [name]: values.slice(middle) },
    ]
  }
  return null
}

function stateFilters(
  repos: readonly RepoKey[],
  tagChunk: number,
  authorsOf: LayerFilterOptions['authorsOf'],
): Filter[] {
  const byIdentifier = new Map<string, RepoKey[]>()
  for (const key of repos) {
    const identifier = parseAddress(key)?.d
    if (identifier !== undefined) byIdentifier.set(identifier, [...(byIdentifier.get(identifier) ?? []), key])
  }
  return chunks(sorted(byIdentifier.keys()), tagChunk).map((identifiers) => {
    const filter: Filter = { kinds: [kinds.state], '#d': identifiers }
    if (authorsOf === undefined) return filter
    const authors = new Set(
      identifiers.flatMap((identifier) =>
        (byIdentifier.get(identifier) ?? []).flatMap((key) => [...authorsOf(key)].filter(isHex64)),
      ),
    )
    return authors.size > maxAuthors || authors.size === 0
      ? filter
      : normalizeFilter({ ...filter, authors: [...authors] })
  })
}

/** With the comma that parts it from the next one. */
function bytesOf(filter: Filter): number {
  return Buffer.byteLength(JSON.stringify(filter)) + 1
}

function sorted(values: Iterable<string>): string[] {
  return [...values].sort()
}

function chunks<T>(values: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let start = 0; start < values.length; start += size) parts.push(values.slice(start, start + size))
  return parts
}
