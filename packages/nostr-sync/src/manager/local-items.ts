import { Buffer } from 'node:buffer'
import type { RejectedEvents } from '../admission/rejected-events.js'
import type { EventStore } from '../store/types.js'
import { type Filter, tagMembers } from '../wire/filter.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'

/**
 * What we have of a filter, or know not to want (R97): without the latter every foreign announcement would be offered to
 * us in every reconciliation. Only where kind, author and time decide, for of what was rejected no more is remembered.
 */
export async function localItems(
  store: EventStore,
  rejected: RejectedEvents,
  filter: Filter,
): Promise<NegentropyItems | 'too-many'> {
  const items = await store.items(filter, { withGone: true })
  if (items === 'too-many' || tagMembers(filter).length > 0 || filter.ids !== undefined) return items
  const { since = 0, until = Infinity, kinds, authors } = filter
  const unwanted = rejected
    .entries()
    .filter(
      ({ createdAt, kind, pubkey }) =>
        createdAt >= since &&
        createdAt <= until &&
        kinds?.includes(kind) !== false &&
        authors?.includes(pubkey) !== false,
    )
  if (unwanted.length === 0) return items
  return items.edited(
    unwanted.map(({ createdAt, id }) => ({
      timestamp: createdAt,
      id: Buffer.from(id, 'hex'),
      isThere: true,
    })),
  )
}
