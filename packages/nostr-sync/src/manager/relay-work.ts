import type { Millis, Timer } from '@holdfast/core'
import type { RelayConnection } from '../relay/relay-connection.js'
import type { RelaySession } from '../relay/relay-session.js'
import { type SyncItems, uniteItems } from '../sync/items.js'
import { announcementFilters, layerFilters } from '../sync/layer-filters.js'
import type { RepoIndex } from '../sync/repo-index.js'
import type { Strategy } from '../sync/strategy.js'
import type { Filter } from '../wire/filter.js'
import type { ConfirmedState } from './confirmed-state.js'
import type { SyncOptions } from './sync-options.js'

/** Where the manager is with one relay. */
export interface RelayWork {
  readonly relay: RelayConnection
  /** How the present session began; null before the first. */
  strategy: Strategy['kind'] | 'daily-sync' | null
  /** When the present sync began. */
  beganAt: Millis
  /** Since when no batch has been pending (R57). */
  quietSince: Millis | null
  /** Since when the relay has been of no use (R33). */
  idleSince: Millis | null
  /** How long after a full sync the next one is due (R47). */
  dailyAfterSecs: number
  /** Whether what authors dated before the gap is still to be looked for (R46). */
  owesReconciliation: boolean
  /** Whether the clock was set, so that all has to be asked for anew. */
  owesFullSync: boolean
  /** How often in a row what has failed was asked for again, since a sync ended without failures. */
  failuresInRow: number
  /** Until what has failed is asked for again; null while nothing has. */
  failedAgain: Timer | null
  /** Leaving has begun. */
  isLeaving: boolean
}

/** What is wanted and what is confirmed, and by which rules: of this the manager alone changes anything. */
export interface SyncContext {
  readonly options: SyncOptions
  readonly index: RepoIndex
  readonly confirmed: ConfirmedState
}

/** Filters for everything about these items. */
export function itemFilters({ options, index }: SyncContext, items: SyncItems): Filter[] {
  return layerFilters(items, {
    tagChunk: options.tagChunk,
    authorsOf: (key) => index.repos.get(key)?.authors ?? [],
  })
}

/** Everything that is to be live at a relay (R49): layer 1, what is confirmed, and what is in flight. */
export function allLive(
  context: SyncContext,
  session: RelaySession,
  { relay }: RelayWork,
  more?: SyncItems,
): Filter[] {
  const { confirmed, options } = context
  const asked = [...session.unavailableItems(), ...(more === undefined ? [] : [more])]
  const items = asked.reduce(uniteItems, confirmed.of(relay.url).items)
  return [...announcementFilters(options.stateEventsInLayer1), ...itemFilters(context, items)]
}
