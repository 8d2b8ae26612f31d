import type { Millis } from '@holdfast/core'
import type { RelayConnection } from '../relay/relay-connection.js'
import type { RelaySession } from '../relay/relay-session.js'
import { type SyncItems, uniteItems } from '../sync/items.js'
import { announcementFilters, layerFilters } from '../sync/layer-filters.js'
import type { SyncMethod } from '../sync/pending-batches.js'
import type { RepoIndex } from '../sync/repo-index.js'
import type { Strategy, StrategyStep } from '../sync/strategy.js'
import type { UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import type { ConfirmedState } from './confirmed-state.js'
import type { SyncOptions } from './sync-options.js'

/** Where the manager is with one relay. */
export interface RelayWork {
  readonly relay: RelayConnection
  /** How the present session began; null before the first. */
  strategy: Strategy['kind'] | 'daily-sync' | null
  /** Since when no batch has been pending (R57). */
  quietSince: Millis | null
  /** Since when the relay has been of no use (R33). */
  idleSince: Millis | null
  /** How long after a full sync the next one is due (R47). */
  dailyAfterSecs: number
  /** Whether what authors dated before the gap is still to be looked for (R46). */
  owesReconciliation: boolean
  /** Leaving has begun. */
  isLeaving: boolean
}

/** What carries out the steps of a strategy has to know. */
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
  work: RelayWork,
  more?: SyncItems,
): Filter[] {
  const { confirmed, options } = context
  const asked = [...session.unavailableItems(), ...(more === undefined ? [] : [more])]
  const items = asked.reduce(uniteItems, confirmed.of(work.relay.url).items)
  return [...announcementFilters(options.stateEventsInLayer1), ...itemFilters(context, items)]
}

/** How history without a `since` is fetched (R98). */
export function methodFor(relay: RelayConnection): SyncMethod {
  return relay.mayUseNegentropy() ? 'negentropy' : 'req'
}

/** Carries out the steps of a strategy that concern one relay (R41, R42); the rest is the manager's. */
export function carryOut(
  step: StrategyStep,
  strategy: Strategy,
  context: SyncContext,
  session: RelaySession,
  work: RelayWork,
): void {
  const { options, confirmed } = context
  const { relay } = work
  const layer1 = announcementFilters(options.stateEventsInLayer1)
  const isQuick = strategy.kind === 'quick-reconnect'
  switch (step) {
    case 'announcements-live':
      session.live.add(layer1)
      return
    case 'announcements-historic': {
      const since = isQuick ? strategy.announcementsSince : null
      const method = since === null ? methodFor(relay) : 'req'
      session.historicSync({ purpose: { kind: 'announcements' }, filters: layer1, since, method })
      return
    }
    case 'confirmed-live':
      session.syncLive(itemFilters(context, confirmed.of(relay.url).items), () =>
        allLive(context, session, work),
      )
      return
    case 'confirmed-historic':
      if (isQuick) catchUp(context, session, confirmed.of(relay.url).items, strategy.itemsSince)
      return
    case 'reconcile':
      work.owesReconciliation = true
      return
    case 'clear-pending':
    case 'clear-confirmed':
    case 'compute-actions':
    // The session is new, and has nothing pending; the others concern the indexes.
  }
}

/** Asks for what items that were asked for before have missed. */
export function catchUp(
  context: SyncContext,
  session: RelaySession,
  items: SyncItems,
  since: UnixSeconds,
  floor?: UnixSeconds,
): void {
  session.historicSync({
    purpose: { kind: 'catch-up', items },
    filters: itemFilters(context, items),
    since,
    method: 'req',
    ...(floor !== undefined && { floor }),
  })
}
