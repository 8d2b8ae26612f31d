import type { DrainReport, Env, Millis, Store } from '@holdfast/core'
import type { Observable } from 'rxjs'
import type { RejectedEvents } from '../admission/rejected-events.js'
import type { AdmissionPolicy } from '../admission/types.js'
import type { RelayConnection, RelayHost } from '../relay/relay-connection.js'
import type { RelayOptions } from '../relay/relay-options.js'
import type { EventStore } from '../store/types.js'
import type { AddFilters } from '../sync/compute-actions.js'
import type { PendingBatch } from '../sync/pending-batches.js'
import { RepoIndex } from '../sync/repo-index.js'
import { strategySteps } from '../sync/strategy.js'
import type { UnixSeconds } from '../wire/event.js'
import { normalizeRelayUrl, type RelayUrl } from '../wire/relay-url.js'
import { ConfirmedState } from './confirmed-state.js'
import { DailySync } from './daily-sync.js'
import { Housekeeping } from './housekeeping.js'
import { PublishedState } from './published-state.js'
import type { RelayWork, SyncContext } from './relay-work.js'
import { type SavedRelay, type SavedState, saveRelay } from './saved-state.js'
import { SelfSubscriber } from './self-subscriber.js'
import { SerialQueue } from './serial-queue.js'
import { StateKeeper } from './state-keeper.js'
import { type CaughtUp, type MirrorState, type RelayStatus, statusOf } from './status.js'
import { addItems, carryOut, restoreLive, strategyFor } from './strategies.js'
import { SyncCompletion } from './sync-completion.js'
import type { SyncOptions } from './sync-options.js'
import { Targets } from './targets.js'
import { TrackedRelays } from './tracked-relays.js'
import { WantedItems } from './wanted-items.js'

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
  /** Told when a sync with a relay is over. Must not throw. */
  readonly onCaughtUp?: (what: CaughtUp) => void
}

/**
 * Decides what to ask of which relay, and when. The only writer of the three indexes: what is wanted (`RepoIndex`), what is
 * confirmed (`ConfirmedState`), and what is in flight (each session's batches).
 */
export class SyncManager implements RelayHost {
  readonly #parts: SyncManagerParts
  readonly #context: SyncContext
  readonly #queue = new SerialQueue()
  readonly #tracked: TrackedRelays
  readonly #keeper: StateKeeper
  readonly #completion: SyncCompletion
  readonly #self: SelfSubscriber
  readonly #wanted: WantedItems
  readonly #targets: Targets
  readonly #daily: DailySync
  readonly #published: PublishedState
  #housekeeping: Housekeeping | null = null
  #phase: MirrorState['phase'] = 'idle'

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
    this.#wanted = new WantedItems(this.#context.index, store, parts.policy)
    this.#daily = new DailySync({
      env,
      context: this.#context,
      onBegin: (work) => this.#completion.look(work),
    })
    this.#tracked = new TrackedRelays({
      options: parts.relays,
      host: this,
      context: this.#context,
      restored: (url) => this.#keeper.of(url)?.record,
      dailyAfterSecs: () => this.#daily.draw(),
    })
    this.#targets = new Targets({
      context: this.#context,
      tracked: this.#tracked,
      domains: options.domains,
      ask: (action) => this.handleNewSyncFilters(action),
    })
    this.#completion = new SyncCompletion({
      clock: env.clock,
      context: this.#context,
      isCaughtUp: () => this.#self.isCaughtUp && parts.relays.intake.pending === 0,
      workOf: (url) => this.#tracked.get(url),
      run: (task) => this.#queue.run(task),
      compute: (url) => this.#targets.compute([url]),
      changed: () => this.#changed(),
      now: () => this.#now(),
      onCaughtUp: parts.onCaughtUp,
    })
    this.#self = new SelfSubscriber({
      clock: env.clock,
      store,
      batchWindow: options.batchWindow,
      onChanges: (changes) => this.#queue.run(() => this.#storeChanged(this.#wanted.take(changes))),
    })
    this.#published = new PublishedState(() => this.#snapshot())
  }

  // What everybody sees ----------------------------------------------------------------------------------------

  /** As it is now. */
  get state(): MirrorState {
    return this.#snapshot()
  }

  /** Replays the present, then changes; those of one turn as one. Completes once closed. */
  get state$(): Observable<MirrorState> {
    return this.#published.state$
  }

  /** One relay's part of {@link SyncManager.state$}; null while it is not known. */
  relay$(url: RelayUrl): Observable<RelayStatus | null> {
    return this.#published.relay$(url)
  }

  /** The object of a relay; the same for as long as the relay is known (R20). */
  relay(url: RelayUrl): RelayConnection | null {
    return this.#tracked.get(url)?.relay ?? null
  }

  // The life of the manager ------------------------------------------------------------------------------------

  /** Takes up what is stored (R67), and begins to dial. */
  start(): void {
    if (this.#phase !== 'idle') return
    this.#phase = 'running'
    const { env, options } = this.#parts
    this.#queue.run(() => {
      this.#wanted.load()
      for (const text of options.bootstrapRelays) {
        const url = normalizeRelayUrl(text)
        if (url !== null) this.registerRelay(url, true).start()
      }
      this.#targetsChanged(this.#targets.relays)
    })
    const run = (task: () => void) => (): void => this.#queue.run(task)
    this.#housekeeping = new Housekeeping(env.clock, options, {
      advance: run(() => this.#advance()),
      review: run(() => {
        this.checkDisconnects()
        this.#daily.look(this.#tracked)
      }),
      save: () => void this.#keeper.save(),
      clockSet: run(() => this.#daily.clockSet(this.#tracked)),
    })
    this.#changed()
  }

  /** Leaves all relays, and saves. */
  async drain(within: Millis): Promise<DrainReport> {
    const began = this.#parts.env.clock.now()
    this.#phase = 'draining'
    this.#advance()
    this.#stopTimers()
    const reports = await Promise.all([...this.#tracked].map(({ relay }) => relay.leave(within)))
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
    await Promise.all([...this.#tracked].map(({ relay }) => relay.close()))
    await this.#close()
  }

  // By the names of the specification --------------------------------------------------------------------------

  /** Makes the object of a relay, and does nothing else (R20, R21). Idempotent; who was bootstrap once stays it. */
  registerRelay(url: RelayUrl, isBootstrap = false): RelayConnection {
    const relay = this.#tracked.register(url, isBootstrap)
    this.#changed()
    return relay
  }

  /** A relay is connected (R24, R25): chooses how to catch up (R40), and does so. */
  handleConnectOrReconnect(url: RelayUrl): void {
    const work = this.#tracked.get(url)
    const session = work?.relay.session ?? null
    if (work === undefined || session === null) return
    const strategy = strategyFor(this.#context, work)
    if (work.relay.record.lastConnected !== null) work.relay.counter.reconnected(strategy.kind)
    work.relay.noteConnected(this.#now())
    work.beganAt = this.#parts.env.clock.now()
    work.strategy = strategy.kind
    work.owesFullSync = false
    work.quietSince = null
    session.phase = 'syncing'
    if (strategy.kind === 'fresh-start') {
      const why = strategy.why === 'first-time' ? 'first-time' : 'retention-expired'
      void work.relay.progress.reset(why, null, session.scope)
    } else work.relay.progress.resumed(session.scope)
    for (const step of strategySteps(strategy)) {
      if (step === 'clear-confirmed') this.#context.confirmed.clear(url)
      else if (step === 'compute-actions') this.#targets.compute([url])
      else carryOut(step, strategy, this.#context, session, work)
    }
    this.#completion.look(work)
  }

  /** A session is over (R28): what was pending went with it, what is confirmed is kept for a while. */
  handleDisconnect(url: RelayUrl): void {
    const work = this.#tracked.get(url)
    if (work === undefined) return
    work.relay.noteDisconnected(this.#now())
    work.quietSince = null
    this.#context.confirmed.freeze(url)
    this.#completion.drop(work)
  }

  /** New subscriptions are needed (R48). */
  handleNewSyncFilters(action: AddFilters): void {
    const { relay: url, items } = action
    const work = this.#tracked.get(url)
    if (work === undefined) {
      this.registerRelay(url).start()
      return
    }
    const { relay } = work
    const { session } = relay
    if (session === null || relay.health.isRateLimited) return
    addItems(this.#context, session, work, items)
    this.#completion.look(work)
  }

  /** Leaves and forgets the relays that are of no use any more (R33 to R35). */
  checkDisconnects(): void {
    for (const work of this.#tracked.useless(this.#parts.env.clock.now())) this.#forget(work)
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

  confirmed({ url }: RelayConnection, { purpose }: PendingBatch): void {
    this.#queue.run(() => {
      const { confirmed, index } = this.#context
      confirmed.batchConfirmed(url, purpose, index.targetOf(url))
      this.#batchOver(url)
    })
  }

  /** A batch of a relay has failed. */
  failed({ url }: RelayConnection, { purpose }: PendingBatch): void {
    this.#queue.run(() => {
      this.#context.confirmed.batchFailed(url, purpose)
      this.#batchOver(url)
    })
  }

  cooledDown(relay: RelayConnection): void {
    this.#queue.run(() => this.#targets.compute([relay.url]))
  }

  restoreLive(relay: RelayConnection): void {
    this.#queue.run(() => {
      const work = this.#tracked.get(relay.url)
      const { session } = relay
      if (work === undefined || session === null) return
      restoreLive(this.#context, session, work, this.#now())
      this.#completion.look(work)
    })
  }

  liveRefused(relay: RelayConnection): void {
    this.#queue.run(() => {
      const work = this.#tracked.get(relay.url)
      if (work !== undefined) this.#completion.lookAgain(work)
    })
  }

  changed(): void {
    this.#changed()
  }

  // Targets ----------------------------------------------------------------------------------------------------

  #storeChanged(urls: ReadonlySet<RelayUrl>): void {
    this.#targetsChanged(urls)
    for (const work of this.#tracked) this.#completion.look(work)
  }

  #targetsChanged(urls: ReadonlySet<RelayUrl>): void {
    if (urls.size === 0) return
    this.#targets.changed(urls)
    this.#changed()
  }

  // The end of a sync ------------------------------------------------------------------------------------------

  #batchOver(url: RelayUrl): void {
    this.#changed()
    const work = this.#tracked.get(url)
    if (work !== undefined) this.#completion.look(work)
  }

  /** What is live is fetched up to now; floors hold the watermark below what is in flight, and what is missed (R45). */
  #advance(): void {
    for (const { relay } of this.#tracked) {
      const phase = relay.session?.phase
      if (phase === 'connected' || phase === 'connected-with-failures') relay.progress.advance(this.#now())
    }
    this.#changed()
  }

  // The rest ---------------------------------------------------------------------------------------------------

  #forget(work: RelayWork): void {
    const { relay } = work
    work.isLeaving = true
    this.#parts.env.log.info({ relay: relay.url }, 'nothing is wanted of a relay any more')
    const leave = relay.leave().then(() =>
      this.#queue.run(() => {
        this.#tracked.forget(relay.url)
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
      relays: [...this.#tracked].map((work) => statusOf(work, this.#context.confirmed, wall)),
      repositories: this.#context.index.repos.size,
    }
  }

  #changed(): void {
    this.#keeper.touch()
    this.#published.changed()
  }

  #toSave(): SavedRelay[] {
    return [...this.#tracked].map(({ relay }) =>
      saveRelay(relay.url, relay.record, this.#context.confirmed.of(relay.url)),
    )
  }

  #stopTimers(): void {
    this.#self.close()
    this.#housekeeping?.stop()
  }

  async #close(): Promise<void> {
    this.#keeper.touch()
    await this.#keeper.save()
    this.#phase = 'closed'
    this.#context.confirmed.close()
    this.#published.close()
  }
}
