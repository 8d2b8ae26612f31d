import type { RelayUrl } from '../wire/relay-url.js'
import { countItems, type SyncItems, subtractItems } from './items.js'

/** Where a relay is, as operators are told (spec 3). */
export type ConnectionStatus =
  | 'disconnected'
  | 'connecting'
  | 'syncing'
  | 'connected'
  | 'connected-with-failures'
  | 'disconnecting'

/** What one relay has, and is about to have, of what is wanted. */
export interface RelayProgress {
  readonly status: ConnectionStatus
  /** One entry for each batch in flight (R8). */
  readonly pending: readonly SyncItems[]
  readonly confirmed: SyncItems
}

/** New subscriptions to open at a relay. */
export interface AddFilters {
  readonly relay: RelayUrl
  readonly items: SyncItems
}

const receptive: readonly ConnectionStatus[] = ['syncing', 'connected', 'connected-with-failures']

/**
 * What of all that is wanted has to be asked for now: target less pending less confirmed (R17), for relays that are
 * connected (R18) or not known yet. The only place that decides on new subscriptions (R19).
 */
export function computeActions(
  targets: Iterable<readonly [RelayUrl, SyncItems]>,
  progressOf: (relay: RelayUrl) => RelayProgress | undefined,
): AddFilters[] {
  return [...targets].flatMap(([relay, target]) => {
    const progress = progressOf(relay)
    if (progress !== undefined && !receptive.includes(progress.status)) return []
    const items = progress ? subtractItems(target, ...progress.pending, progress.confirmed) : target
    return countItems(items) === 0 ? [] : [{ relay, items }]
  })
}
