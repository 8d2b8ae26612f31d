import type { DrainReport, Env, Millis, Store, Timer } from '@holdfast/core'
import { BehaviorSubject, distinctUntilChanged, map, type Observable } from 'rxjs'
import type { RejectedEvents } from '../admission/rejected-events.js'
import type { AdmissionPolicy } from '../admission/types.js'
import { RelayConnection, type RelayHost, type RelayOptions } from '../relay/relay-connection.js'
import type { RelaySession } from '../relay/relay-session.js'
import type { EventStore } from '../store/types.js'
import { isIdle, type RelayUse, shouldForget } from '../sync/check-disconnects.js'
import { type AddFilters, computeActions, type RelayProgress } from '../sync/compute-actions.js'
import { intersectItems, subtractItems, uniteItems } from '../sync/items.js'
import { announcementFilters } from '../sync/layer-filters.js'
import type { PendingBatch } from '../sync/pending-batches.js'
import { RepoIndex } from '../sync/repo-index.js'
import { chooseStrategy, type Strategy, strategySteps } from '../sync/strategy.js'
import { addressOf } from '../wire/address.js'
import type { UnixSeconds } from '../wire/event.js'
import { isRootKind } from '../wire/kinds.js'
import { isOwnRelay, normalizeRelayUrl, type RelayUrl } from '../wire/relay-url.js'
import { type Confirmed, ConfirmedState, nothingConfirmed } from './confirmed-state.js'
import { ReconciliationQueue } from './reconciliation-queue.js'
import {
  allLive,
  carryOut,
  catchUp,
  itemFilters,
  methodFor,
  type RelayWork,
  type SyncContext,
} from './relay-work.js'
import { type SavedRelay, type SavedState, saveRelay } from './saved-state.js'
import { SelfSubscriber, type StoredChanges, storedTargets } from './self-subscriber.js'
import { SerialQueue } from './serial-queue.js'
import { StateKeeper } from './state-keeper.js'
import { type MirrorState, type RelayStatus, statusOf } from './status.js'
import { SyncEndWatch } from './sync-end-watch.js'
import type { SyncOptions } from './sync-options.js'

/** What a {@link SyncManager} is made of. */
export interface SyncManagerParts {
  readonly env: Env
  readonly options: SyncOptions
  readonly relays: RelayOptions
  readonly store: EventStore
  readonly policy: AdmissionPolicy
  /** Saved and restored with the rest (R88). */
  readonly rejected: RejectedEvents
  /** Where to keep what an earlier process has learned; without it each begins anew. */
  readonly state?: Store<SavedState>
}

const watermarkEvery: Millis = 10_000
const hourSecs = 3600

/**
 * Decides what to ask of which relay, and when. The only writer of the three indexes: what is wanted (`RepoIndex`), what is
 * confirmed (`ConfirmedState`), and what is in flight (each session's batches).
 */
export class SyncManager implements RelayHost {
  readonly #parts: SyncManagerParts
  readonly #context: SyncContext
  readonly #queue = new SerialQueue()
  readonly #work = new Map<RelayUrl, RelayWork>()
  readonly #keeper: StateKeeper
  readonly #ends: SyncEndWatch
  readonly #reconciliations: ReconciliationQueue
  readonly #self: SelfSubscriber
  readonly #state$: BehaviorSubject<MirrorState>
  #timers: Timer[] = []
  #phase: MirrorState['phase'] = 'idle'
  #isPublishing = false

  /** @param saved - what {@link SyncManagerParts.state} held */
  constructor(parts: SyncManagerParts, saved: SavedState | undefined) {
    this.#parts = parts
    const { env, options, store } = parts
    this.#keeper = new StateKeeper(
      {
        clock: env.clock,
        log: env.log,
        rejected: parts.rejected,
        store: parts.state,
        relays: () => this.#toSave(),
      },
      saved,
    )
    this.#context = {
      options,
      index: new RepoIndex(options),
      confirmed: new ConfirmedState(env, options.quickReconnectWindowSecs * 1000, this.#keeper.confirmed()),
    }
    this.#ends = new SyncEndWatch({
      clock: env.clock,
      batchWindow: options.batchWindow,
      isCaughtUp: () => this.#self.isCaughtUp && parts.relays.intake.pending === 0,
      onEnd: (work, session, end) => this.#queue.run(() => this.#syncOver(work, session, end)),
    })
    this.#reconciliations = new ReconciliationQueue((url, done) => this.#reconcile(url, done))
    this.#self = new SelfSubscriber({
      clock: env.clock,
      store,
      batchWindow: options.batchWindow,
      onChanges: (changes) => this.#queue.run(() => this.#take(changes)),
    })
    this.#state$ = new BehaviorSubject(this.#snapshot())
  }

  // What everybody sees ----------------------------------------------------------------------------------------

  /** As it is now. */
  get state(): MirrorState {
    return this.#snapshot()
  }

  /** Replays the present, then changes; those of one turn as one. Completes once closed. */
  get state$(): Observable<MirrorState> {
    return this.#state$.asObservable()
  }

  /** One relay's part of {@link SyncManager.state$}; null while it is not known. */
  relay$(url: RelayUrl): Observable<RelayStatus | null> {
    return this.#state$.pipe(
      map(({ relays }) => relays.find((relay) => relay.url === url) ?? null),
      distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    )
  }

  /** The object of a relay; the same for as long as the relay is known (R20). */
  relay(url: RelayUrl): RelayConnection | null {
    return this.#work.get(url)?.relay ?? null
  }

  // The life of the manager ------------------------------------------------------------------------------------

  /** Takes up what is stored (R67), and begins to dial. */
  start(): void {
    if (this.#phase !== 'idle') return
    this.#phase = 'running'
    const { env, options, store, policy } = this.#parts
    this.#queue.run(() => {
      for (const events of storedTargets(store))
        this.#context.index.take(events, (announcement) => policy.mirrors(announcement, store))
      for (const text of options.bootstrapRelays) {
        const url = normalizeRelayUrl(text)
        if (url !== null) this.registerRelay(url, true).start()
      }
      this.#targetsChanged(new Set(this.#context.index.relays()))
    })
    this.#timers = [
      env.clock.sweep(watermarkEvery, () => this.#queue.run(() => this.#advance())),
      env.clock.sweep(options.disconnectCheck, () =>
        this.#queue.run(() => {
          this.checkDisconnects()
          this.#syncDaily()
        }),
      ),
      env.clock.sweep(options.saveEvery, () => void this.#keeper.save()),
    ]
    this.#changed()
  }

  /** Leaves all relays, and saves. */
  async drain(within: Millis): Promise<DrainReport> {
    const began = this.#parts.env.clock.now()
    this.#phase = 'draining'
    this.#advance()
    this.#stopTimers()
    const reports = await Promise.all([...this.#work.values()].map(({ relay }) => relay.leave(within)))
    await this.#close()
    return {
      finished: reports.length,
      cut: reports.flatMap(({ cut }) => cut),
      took: this.#parts.env.clock.now() - began,
      timedOut: reports.some(({ timedOut }) => timedOut),
    }
  }

  /** Ends at once; what there is to save is saved. Idempotent. */
  async close(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#stopTimers()
    await Promise.all([...this.#work.values()].map(({ relay }) => relay.close()))
    await this.#close()
  }

  // By the names of the specification --------------------------------------------------------------------------

  /** Makes the object of a relay, and does nothing else (R20, R21). Idempotent; who was bootstrap once stays it. */
  registerRelay(url: RelayUrl, isBootstrap = false): RelayConnection {
    const known = this.#work.get(url)
    if (known !== undefined) {
      known.relay.isBootstrap ||= isBootstrap
      return known.relay
    }
    const restored = this.#keeper.of(url)
    const relay = new RelayConnection(url, isBootstrap, this.#parts.relays, this, restored?.record)
    this.#work.set(url, {
      relay,
      strategy: null,
      quietSince: null,
      idleSince: null,
      dailyAfterSecs: this.#drawDaily(),
      owesReconciliation: false,
      isLeaving: false,
    })
    this.#changed()
    return relay
  }

  /** A relay is connected (R24, R25): chooses how to catch up (R40), and does so. */
  handleConnectOrReconnect(url: RelayUrl): void {
    const work = this.#work.get(url)
    const session = work?.relay.session ?? null
    if (work === undefined || session === null) return
    const strategy = this.#choose(work)
    work.relay.noteConnected(this.#now())
    work.strategy = strategy.kind
    work.quietSince = null
    session.phase = 'syncing'
    if (strategy.kind === 'fresh-start') {
      const why = strategy.why === 'first-time' ? 'first-time' : 'retention-expired'
      void work.relay.progress.reset(why, null, session.scope)
    } else work.relay.progress.resumed(session.scope)
    for (const step of strategySteps(strategy)) {
      if (step === 'clear-confirmed') this.#context.confirmed.update(url, () => nothingConfirmed)
      else if (step === 'compute-actions') this.#compute([url])
      else carryOut(step, strategy, this.#context, session, work)
    }
    this.#ends.look(work)
  }

  /** A session is over (R28): what was pending went with it, what is confirmed is kept for a while. */
  handleDisconnect(url: RelayUrl): void {
    const work = this.#work.get(url)
    if (work === undefined) return
    work.relay.noteDisconnected(this.#now())
    work.quietSince = null
    this.#context.confirmed.freeze(url)
    this.#reconciliations.drop(url)
  }

  /** New subscriptions are needed (R48). */
  handleNewSyncFilters(action: AddFilters): void {
    const { relay: url, items } = action
    const work = this.#work.get(url)
    if (work === undefined) {
      this.registerRelay(url).start()
      return
    }
    const { relay } = work
    const { session } = relay
    if (session === null || relay.isRateLimited) return
    const filters = itemFilters(this.#context, items)
    session.syncLive(filters, () => allLive(this.#context, session, work, items))
    session.historicSync({
      purpose: { kind: 'items', items },
      filters,
      since: null,
      method: methodFor(relay),
    })
    this.#ends.look(work)
  }

  /** Leaves and forgets the relays that are of no use any more (R33 to R35). */
  checkDisconnects(): void {
    const now = this.#parts.env.clock.now()
    for (const work of this.#work.values()) {
      if (work.isLeaving) continue
      const use = this.#useOf(work)
      work.idleSince = isIdle(use) ? (work.idleSince ?? now) : null
      const idleFor = work.idleSince === null ? 0 : now - work.idleSince
      if (shouldForget(use, idleFor, this.#parts.options.disconnectCheck)) this.#forget(work)
    }
    this.#context.confirmed.sweep()
  }

  // What connections tell --------------------------------------------------------------------------------------

  connected(relay: RelayConnection): void {
    this.#queue.run(() => this.handleConnectOrReconnect(relay.url))
    this.#changed()
  }

  disconnected(relay: RelayConnection): void {
    this.#queue.run(() => this.handleDisconnect(relay.url))
    this.#changed()
  }

  confirmed(relay: RelayConnection, { purpose }: PendingBatch): void {
    this.#queue.run(() => {
      if (purpose.kind === 'announcements')
        this.#confirm(relay, (before) => ({ ...before, announcementsSynced: true }))
      else if (purpose.kind === 'items') {
        // What is not wanted any more must not come back by a batch that was under way (R35).
        const still = intersectItems(purpose.items, this.#context.index.targetOf(relay.url))
        this.#confirm(relay, (before) => ({ ...before, items: uniteItems(before.items, still) }))
      }
      this.#batchOver(relay)
    })
  }

  /** A batch of a relay has failed. */
  failed(relay: RelayConnection, { purpose }: PendingBatch): void {
    this.#queue.run(() => {
      if (purpose.kind === 'announcements')
        this.#confirm(relay, (before) => ({ ...before, announcementsSynced: false }))
      else
        this.#confirm(relay, (before) => ({ ...before, items: subtractItems(before.items, purpose.items) }))
      this.#batchOver(relay)
    })
  }

  cooledDown(relay: RelayConnection): void {
    this.#queue.run(() => this.#compute([relay.url]))
  }

  restoreLive(relay: RelayConnection): void {
    this.#queue.run(() => {
      const work = this.#work.get(relay.url)
      const { session } = relay
      if (work === undefined || session === null) return
      const { sinceBufferSecs, stateEventsInLayer1 } = this.#parts.options
      const from = session.heldSince ?? this.#now()
      const { items, announcementsSynced } = this.#context.confirmed.of(relay.url)
      session.rebuildLive(allLive(this.#context, session, work), true)
      session.historicSync({
        purpose: { kind: 'announcements' },
        filters: announcementFilters(stateEventsInLayer1),
        since: announcementsSynced ? Math.max(0, from - sinceBufferSecs) : null,
        method: 'req',
        floor: from,
      })
      const asked = session.unavailableItems().reduce(uniteItems, items)
      catchUp(this.#context, session, asked, Math.max(0, from - sinceBufferSecs), from)
      session.releaseHold()
      this.#ends.look(work)
    })
  }

  changed(): void {
    this.#changed()
  }

  // Targets ----------------------------------------------------------------------------------------------------

  #take({ saved, deleted }: StoredChanges): void {
    const { store, policy } = this.#parts
    const { index } = this.#context
    const changed = index.take(saved, (announcement) => policy.mirrors(announcement, store))
    for (const event of deleted) {
      // A deletion may be older than what replaced the event meanwhile.
      const address = addressOf(event)
      const gone = isRootKind(event.kind)
        ? index.detachRoot(event.id)
        : address !== null && !store.hasAddress(address)
          ? index.withdraw(address)
          : []
      for (const url of gone) changed.add(url)
    }
    this.#targetsChanged(changed)
    for (const work of this.#work.values()) this.#ends.look(work)
  }

  #targetsChanged(urls: ReadonlySet<RelayUrl>): void {
    if (urls.size === 0) return
    const { index, confirmed } = this.#context
    const wanted = new Set(index.relays())
    for (const url of urls) {
      confirmed.update(url, (before) => ({
        ...before,
        items: intersectItems(before.items, index.targetOf(url)),
      }))
      if (wanted.has(url)) this.#work.get(url)?.relay.start()
    }
    this.#compute([...urls].filter((url) => wanted.has(url) && !isOwnRelay(url, this.#parts.options.domains)))
    this.#changed()
  }

  #compute(urls: readonly RelayUrl[]): void {
    const targets = urls.map((url) => [url, this.#context.index.targetOf(url)] as const)
    for (const action of computeActions(targets, (url) => this.#progressOf(url)))
      this.handleNewSyncFilters(action)
  }

  #progressOf(url: RelayUrl): RelayProgress | undefined {
    const relay = this.#work.get(url)?.relay
    return (
      relay && {
        status: relay.status,
        pending: relay.session?.unavailableItems() ?? [],
        confirmed: this.#context.confirmed.of(url).items,
      }
    )
  }

  // Strategies -------------------------------------------------------------------------------------------------

  #choose({ relay }: RelayWork): Strategy {
    const { confirmed, options } = this.#context
    const frozenFor = confirmed.thaw(relay.url)
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

  #syncDaily(): void {
    const now = this.#now()
    for (const work of this.#work.values()) {
      const { lastFullSync } = work.relay.record
      if (lastFullSync === null || now - lastFullSync < work.dailyAfterSecs) continue
      if (work.relay.session?.phase.startsWith('connected') === true && !work.relay.isRateLimited)
        this.#dailySync(work, work.relay.session)
    }
  }

  /** Everything anew (R47). What is confirmed stays so meanwhile, so that nobody takes the relay for idle. */
  #dailySync(work: RelayWork, session: RelaySession): void {
    const { relay } = work
    relay.noteFullSync(this.#now())
    work.dailyAfterSecs = this.#drawDaily()
    work.strategy = 'daily-sync'
    work.quietSince = null
    session.phase = 'syncing'
    session.forgiveFailures()
    const items = this.#context.index.targetOf(relay.url)
    session.rebuildLive(allLive(this.#context, session, work, items))
    const method = methodFor(relay)
    const layer1 = announcementFilters(this.#parts.options.stateEventsInLayer1)
    session.historicSync({ purpose: { kind: 'announcements' }, filters: layer1, since: null, method })
    const filters = itemFilters(this.#context, items)
    session.historicSync({ purpose: { kind: 'items', items }, filters, since: null, method })
    this.#ends.look(work)
  }

  #drawDaily(): number {
    const [least, most] = this.#parts.options.dailySyncHours
    return (least + this.#parts.env.random() * (most - least)) * hourSecs
  }

  // The end of a sync ------------------------------------------------------------------------------------------

  #confirm(relay: RelayConnection, change: (before: Confirmed) => Confirmed): void {
    this.#context.confirmed.update(relay.url, change)
    this.#changed()
  }

  #batchOver(relay: RelayConnection): void {
    const work = this.#work.get(relay.url)
    if (work !== undefined) this.#ends.look(work)
  }

  #syncOver(work: RelayWork, session: RelaySession, end: 'connected' | 'connected-with-failures'): void {
    if (session.phase === 'syncing' && work.strategy === 'fresh-start') work.relay.noteFullSync(this.#now())
    session.phase = end
    this.#changed()
    if (!work.owesReconciliation) return
    work.owesReconciliation = false
    this.#reconciliations.add(work.relay.url)
  }

  #reconcile(url: RelayUrl, done: () => void): boolean {
    const work = this.#work.get(url)
    const session = work?.relay.session ?? null
    if (work === undefined || session === null) return false
    session.reconcile(allLive(this.#context, session, work), () => this.#queue.run(done))
    return true
  }

  /** What is live is fetched up to now; floors hold the watermark below what is in flight, and what is missed (R45). */
  #advance(): void {
    for (const { relay } of this.#work.values()) {
      const phase = relay.session?.phase
      if (phase === 'connected' || phase === 'connected-with-failures') relay.progress.advance(this.#now())
    }
    this.#changed()
  }

  // The rest ---------------------------------------------------------------------------------------------------

  #useOf({ relay }: RelayWork): RelayUse {
    const phase = relay.session?.phase
    return {
      isBootstrap: relay.isBootstrap,
      status: relay.status,
      hasSynced: phase === 'connected' || phase === 'connected-with-failures',
      target: this.#context.index.targetOf(relay.url),
      pendingBatches: relay.session?.pendingBatches ?? 0,
      confirmed: this.#context.confirmed.of(relay.url).items,
    }
  }

  #forget(work: RelayWork): void {
    const { relay } = work
    work.isLeaving = true
    this.#parts.env.log.info({ relay: relay.url }, 'nothing is wanted of a relay any more')
    const leave = relay.leave().then(() =>
      this.#queue.run(() => {
        this.#work.delete(relay.url)
        this.#keeper.forget(relay.url)
        this.#context.confirmed.forget(relay.url)
        this.#parts.relays.intake.counts.forget({ kind: 'relay', url: relay.url })
        // It may have been wanted again meanwhile.
        this.#targetsChanged(new Set([relay.url]))
        this.#changed()
      }),
    )
    void leave
  }

  #now(): UnixSeconds {
    return Math.floor(this.#parts.env.clock.wall() / 1000)
  }

  #snapshot(): MirrorState {
    const wall = this.#parts.env.clock.wall()
    return {
      phase: this.#phase,
      relays: [...this.#work.values()].map((work) => statusOf(work, this.#context.confirmed, wall)),
      repositories: this.#context.index.repos.size,
    }
  }

  #changed(): void {
    this.#keeper.touch()
    if (this.#isPublishing) return
    this.#isPublishing = true
    queueMicrotask(() => {
      this.#isPublishing = false
      if (this.#phase !== 'closed') this.#state$.next(this.#snapshot())
    })
  }

  #toSave(): SavedRelay[] {
    return [...this.#work.values()].map(({ relay }) =>
      saveRelay(relay.url, relay.record, this.#context.confirmed.of(relay.url)),
    )
  }

  #stopTimers(): void {
    this.#self.close()
    for (const timer of this.#timers.splice(0)) timer.cancel()
  }

  async #close(): Promise<void> {
    this.#keeper.touch()
    await this.#keeper.save()
    this.#phase = 'closed'
    this.#context.confirmed.close()
    this.#state$.next(this.#snapshot())
    this.#state$.complete()
  }
}
