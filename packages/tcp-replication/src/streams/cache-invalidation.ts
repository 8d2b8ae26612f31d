import { RowError } from './row-error.js'
import type { CachesRow } from './rows.js'

/** One entry of one cache to drop; of all its entries if `keys` is `null`. */
export interface CacheInvalidation {
  readonly cache: string
  readonly keys: readonly string[] | null
}

/**
 * Says which cache entries a row of `caches` stands for (10): itself, but for `cs_cache_fake`, the change of a room's
 * state and of the membership of some of its users.
 *
 * @throws a {@link RowError} when `cs_cache_fake` names no room, or a member that is no user id
 *
 * @example
 * ```ts
 * import { expandCacheRow } from '@holdfast/tcp-replication'
 *
 * const row = { cacheFunc: 'cs_cache_fake', keys: ['!room:x', '@a:x'], invalidationTs: 0 }
 * expandCacheRow(row).map(({ cache }) => cache)
 * // => ['is_host_joined', 'was_host_joined', 'get_users_in_room', 'get_room_summary', 'get_current_state_ids']
 * ```
 */
export function expandCacheRow(row: CachesRow): readonly CacheInvalidation[] {
  if (row.cacheFunc !== 'cs_cache_fake') return [{ cache: row.cacheFunc, keys: row.keys }]
  const [room, ...members] = row.keys ?? []
  if (room === undefined) throw new RowError('caches', 'members', 'cs_cache_fake without a room')
  const hosts = [...new Set(members.map(domainOf))].flatMap((domain) =>
    ['is_host_joined', 'was_host_joined'].map((cache) => ({ cache, keys: [room, domain] })),
  )
  const rooms = ['get_users_in_room', 'get_room_summary', 'get_current_state_ids']
  return [...hosts, ...rooms.map((cache) => ({ cache, keys: [room] }))]
}

/** Everything after the first colon: a domain may have a port. */
function domainOf(member: string): string {
  const colon = member.indexOf(':')
  if (colon < 0) throw new RowError('caches', 'members', 'cs_cache_fake with a member that has no domain')
  return member.slice(colon + 1)
}
