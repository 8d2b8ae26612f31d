import type { RelayConnection } from '../relay/relay-connection.js'
import type { RelaySession } from '../relay/relay-session.js'
import { type SyncItems, uniteItems } from '../sync/items.js'
import { announcementFilters } from '../sync/layer-filters.js'
import type { SyncMethod } from '../sync/pending-batches.js'
import { chooseStrategy, type Strategy, type StrategyStep } from '../sync/strategy.js'
import type { UnixSeconds } from '../wire/event.js'
import { allLive, itemFilters, type RelayWork, type SyncContext } from './relay-work.js'

/** Chooses how to begin with a relay that is connected (R40). What was kept of it is thawed by that. */
export function strategyFor({ confirmed, options }: SyncContext, work: RelayWork): Strategy {
  const { relay } = work
  const frozenFor = confirmed.thaw(relay.url)
  if (work.owesFullSync) return { kind: 'fresh-start', why: 'clock-was-set' }
  const { lastConnected, disconnectedAt, watermark } = relay.record
  if (frozenFor === null || disconnectedAt === null)
    return { kind: 'fresh-start', why: lastConnected === null ? 'first-time' : 'too-long-away' }
  const { announcementsSynced } = confirmed.of(relay.url)
  const state = { lastConnected, disconnectedAt, announcementsSynced, watermark }
  // By how long it was kept, not by the clock on the wall, which somebody may have set meanwhile.
  const now = disconnectedAt + Math.floor(frozenFor / 1000)
  return chooseStrategy(state, now, {
    window: options.quickReconnectWindowSecs,
    buffer: options.sinceBufferSecs,
  })
}

/** How history without a `since` is fetched (R98). */
function methodFor(relay: RelayConnection): SyncMethod {
  return relay.capabilities.mayUseNegentropy() ? 'negentropy' : 'req'
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

/** Asks for new items, live and historic (R48). */
export function addItems(
  context: SyncContext,
  session: RelaySession,
  work: RelayWork,
  items: SyncItems,
): void {
  const filters = itemFilters(context, items)
  session.syncLive(filters, () => allLive(context, session, work, items))
  const method = methodFor(work.relay)
  session.historicSync({ purpose: { kind: 'items', items }, filters, since: null, method })
}

/** Everything anew (R47). What is confirmed stays so meanwhile, so that nobody takes the relay for idle. */
export function syncAnew(context: SyncContext, session: RelaySession, work: RelayWork): void {
  const { relay } = work
  work.strategy = 'daily-sync'
  work.quietSince = null
  session.phase = 'syncing'
  session.forgiveFailures()
  const items = context.index.targetOf(relay.url)
  session.rebuildLive(allLive(context, session, work, items))
  const method = methodFor(relay)
  const layer1 = announcementFilters(context.options.stateEventsInLayer1)
  session.historicSync({ purpose: { kind: 'announcements' }, filters: layer1, since: null, method })
  const filters = itemFilters(context, items)
  session.historicSync({ purpose: { kind: 'items', items }, filters, since: null, method })
}

/** What has failed, once more: it is neither confirmed nor, from now on, excused (R57). */
export function askFailedAgain(context: SyncContext, session: RelaySession, work: RelayWork): void {
  work.quietSince = null
  session.phase = 'syncing'
  session.forgiveFailures()
  session.rebuildLive(allLive(context, session, work))
  if (context.confirmed.of(work.relay.url).announcementsSynced) return
  const filters = announcementFilters(context.options.stateEventsInLayer1)
  session.historicSync({
    purpose: { kind: 'announcements' },
    filters,
    since: null,
    method: methodFor(work.relay),
  })
}

/**
 * Opens lost live subscriptions again, and asks for what has come to the relay meanwhile.
 *
 * @param now - in seconds
 */
export function restoreLive(
  context: SyncContext,
  session: RelaySession,
  work: RelayWork,
  now: UnixSeconds,
): void {
  const { sinceBufferSecs, stateEventsInLayer1 } = context.options
  const floor = session.heldSince ?? now
  const since = Math.max(0, floor - sinceBufferSecs)
  const { items, announcementsSynced } = context.confirmed.of(work.relay.url)
  session.rebuildLive(allLive(context, session, work), true)
  session.historicSync({
    purpose: { kind: 'announcements' },
    filters: announcementFilters(stateEventsInLayer1),
    since: announcementsSynced ? since : null,
    method: 'req',
    floor,
  })
  catchUp(context, session, session.unavailableItems().reduce(uniteItems, items), since, floor)
  session.releaseHold()
}

/** Asks for what items that were asked for before have missed. */
function catchUp(
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
