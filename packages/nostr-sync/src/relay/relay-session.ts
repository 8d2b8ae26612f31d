import { type Batch, type End, end, type LinkProtocol, type LinkScope } from '@holdfast/core'
import type { LinkIntake } from '../intake/link-intake.js'
import { capAfterComplaint, consolidationThreshold, needsConsolidation } from '../sync/consolidation.js'
import { type SyncItems, syncItems, uniteItems } from '../sync/items.js'
import { filtersSince, fitFilter } from '../sync/layer-filters.js'
import { UnsolicitedEvents } from '../sync/live-guard.js'
import { requestBytes } from '../sync/negentropy-plan.js'
import {
  type BatchEnd,
  type BatchPurpose,
  type PendingBatch,
  PendingBatches,
  type SyncMethod,
} from '../sync/pending-batches.js'
import { formatClientMessage } from '../wire/client-message.js'
import { MessageError } from '../wire/errors.js'
import type { NostrEvent, UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import { loadComplaint } from '../wire/refusal.js'
import { type ReceivedRelayMessage, readRelayMessage } from '../wire/relay-message.js'
import { Authentication } from './authentication.js'
import type { ReconciliationHandler, RelayChannel, SubscriptionHandler } from './channel.js'
import { type FetchContext, FilterFetch } from './filter-fetch.js'
import { LiveSubscriptions } from './live-subscriptions.js'
import type { SessionOwner } from './session-owner.js'
import { Slots } from './slots.js'

/** What to fetch of a relay's past. */
export interface HistoricSync {
  readonly purpose: BatchPurpose
  readonly filters: readonly Filter[]
  /** Not older than this; null for all of it. */
  readonly since: UnixSeconds | null
  readonly method: SyncMethod
  /** Where the watermark has to stay until this is confirmed; now, unless something was missed before. */
  readonly floor?: UnixSeconds
}

const quietSecond = 1000
const pingEvery = 30_000

/**
 * One WebSocket session with a relay, from its opening to its end: its subscriptions, timers and pending batches, none of
 * which survives it (R12, R20, R30).
 */
export class RelaySession implements LinkProtocol {
  readonly scope: LinkScope
  /** @internal */
  readonly channel: RelayChannel
  /** @internal */
  readonly live: LiveSubscriptions
  /** Where the historic sync is; told by the manager (R57). */
  phase: 'opening' | 'syncing' | 'connected' | 'connected-with-failures' = 'opening'
  readonly #relay: SessionOwner
  readonly #pending = new PendingBatches()
  /** Batches of which everything came, and some waits to be stored. */
  readonly #settling = new Set<PendingBatch>()
  readonly #intake: LinkIntake
  readonly #slots: Slots
  readonly #authentication: Authentication
  readonly #subscriptions = new Map<string, SubscriptionHandler>()
  readonly #reconciliations = new Map<string, ReconciliationHandler>()
  readonly #strikes = new UnsolicitedEvents()
  #failed: SyncItems = syncItems()
  #hasFailed = false
  #ids = 0
  #hold: { readonly batch: Batch<UnixSeconds, PendingBatch>; readonly from: UnixSeconds } | null = null
  #isRefused = false
  #isRestoring = false
  #lastSent = 0
  #quietUntilSent = 0
  #hasLostEvents = false

  constructor(scope: LinkScope, relay: SessionOwner) {
    this.scope = scope
    this.#relay = relay
    const { env } = relay.options
    this.channel = {
      subscriptions: this.#subscriptions,
      reconciliations: this.#reconciliations,
      log: env.log,
      nextId: () => `${scope.link.id.toString(36)}.${(this.#ids++).toString(36)}`,
      send: (message) => {
        if (message.kind === 'req') this.#noteRequest()
        scope.link.write(formatClientMessage(message))
      },
      after: (ms, fn) => scope.after(ms, fn),
      guard: (fn) => scope.guard(fn),
      now: () => env.clock.now(),
      wallSeconds: () => relay.wallSeconds(),
      seed: () => Math.floor(env.random() * 2 ** 32),
      fail: (why) => scope.fail(why),
    }
    this.#intake = relay.intakeOf(scope)
    this.#slots = new Slots(relay.options.historicConcurrency)
    this.#authentication = new Authentication(this.channel, relay.url, relay.options.signer)
    this.live = new LiveSubscriptions({
      channel: this.channel,
      authentication: this.#authentication,
      requestBytes: () => requestBytes(relay.limitation.maxMessageLength),
      eoseWithin: relay.options.eoseWithin,
      quietFor: () => relay.quietFor(),
      isLimitZeroUnsafe: () => relay.isLimitZeroUnsafe,
      limitZeroFailed: () => relay.limitZeroFailed(),
      complained: (text) => this.#complained(text),
      lost: (how) => this.#liveLost(how),
    })
  }

  /** The relay's document is there: what was to be left in peace still is (R84), and what it wants to know it is told (R92). */
  begin(): void {
    // Whatever is written meanwhile: of requests that a relay does not answer nothing is heard.
    this.scope.sweep(pingEvery, () => this.probe())
    if (this.#relay.isRateLimited) this.#coolDown()
    if (this.#relay.limitation.authRequired === true) this.#authentication.require(() => undefined)
  }

  // What the manager asks --------------------------------------------------------------------------------------

  /** Subscriptions that the relay holds for us: live ones and historic ones. */
  get openSubscriptions(): number {
    return this.#subscriptions.size
  }

  /** Batches that are not confirmed yet. */
  get pendingBatches(): number {
    return this.#pending.size + this.#settling.size
  }

  /** Whether anything asked for on this link was refused. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Since when something that is asked for does not come, so that nothing from there on counts as fetched. */
  get heldSince(): UnixSeconds | null {
    return this.#hold?.from ?? null
  }

  /** What is in flight, and what need not be asked for again on this link because it has failed (R17). */
  unavailableItems(): SyncItems[] {
    const settling = [...this.#settling].map(({ purpose }) =>
      purpose.kind === 'items' ? purpose.items : syncItems(),
    )
    return [...this.#pending.items(), ...settling, this.#failed]
  }

  /** Lets what has failed be asked for again. */
  forgiveFailures(): void {
    this.#failed = syncItems()
    this.#hasFailed = false
  }

  /** Opens live subscriptions (`syncLive`, R37). @param all - everything that is to be live, should all be packed anew (R49) */
  syncLive(filters: readonly Filter[], all: () => readonly Filter[]): void {
    const { maxSubscriptions, consolidationThreshold: most } = this.#relay
    const threshold = consolidationThreshold(maxSubscriptions, most)
    if (needsConsolidation(this.openSubscriptions, this.live.needed(filters), threshold))
      this.rebuildLive(all())
    else this.live.add(filters)
  }

  /** Packs all live subscriptions anew (R49). */
  rebuildLive(all: readonly Filter[], isCrowded = false): void {
    const { maxSubscriptions } = this.#relay
    const room = consolidationThreshold(maxSubscriptions, this.#relay.consolidationThreshold)
    this.live.replace(all, Math.max(1, Math.floor(room / 2)), isCrowded)
  }

  /** Begins a batch (`historicSync`): confirmed once all its filters were answered and what came is stored (R8, R9). */
  historicSync({ purpose, filters, since, method, floor }: HistoricSync): void {
    const startedAt = this.channel.wallSeconds()
    const batch = this.#pending.open(purpose, method, startedAt)
    const position = this.#relay.progress.open(this.scope, { floor: floor ?? startedAt })
    position.add(batch)
    const most = requestBytes(this.#relay.limitation.maxMessageLength)
    const fitting = filtersSince(filters, since).flatMap((filter) => fitFilter(filter, most))
    fitting.forEach((filter, index) => {
      const key = `${batch.id}.${index}`
      this.#pending.track(batch, key)
      const done = (how: 'answered' | 'failed'): void =>
        this.#batchEnded(this.#pending.ended(key, how), position)
      new FilterFetch(this.#fetchContext(), done).start(filter, method)
    })
    this.#batchEnded(this.#pending.complete(batch), position)
  }

  /** Looks for what authors dated before the gap (R46). No batch waits for it, and what fails is left to the daily sync. */
  reconcile(filters: readonly Filter[], done: () => void): void {
    const [filter, ...rest] = filters
    if (filter === undefined || !this.#relay.mayUseNegentropy()) {
      done()
      return
    }
    // One after the other: nobody is in a hurry.
    const next = (): void => this.reconcile(rest, done)
    new FilterFetch(this.#fetchContext(), next, 'give-up').start(filter, 'negentropy')
  }

  /** What a batch brought is stored: it counts no longer as in flight. */
  settled(batch: PendingBatch): void {
    this.#settling.delete(batch)
  }

  /** Lets the watermark go again: all that was missed since {@link RelaySession.heldSince} is being asked for. */
  releaseHold(): void {
    // What is refused is missed for as long as the link lasts.
    if (this.#isRefused) return
    this.#hold?.batch.discard()
    this.#hold = null
  }

  // What the link says -----------------------------------------------------------------------------------------

  message(raw: Uint8Array | string): void {
    try {
      if (typeof raw !== 'string') throw new MessageError('a binary frame', '')
      this.#received(readRelayMessage(raw))
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.channel.log.debug({ err: error }, 'the relay sent what is no message')
      this.#strike(error.message)
    }
  }

  probe(): void {
    this.scope.link.ping?.()
  }

  /** We leave: closes what is open (R33). */
  retire(): void {
    for (const subscription of [...this.#subscriptions.keys()])
      this.channel.send({ kind: 'close', subscription })
    for (const subscription of [...this.#reconciliations.keys()])
      this.channel.send({ kind: 'neg-close', subscription })
    this.scope.link.end(end('drained', { code: 1000, advice: { kind: 'never' } }))
  }

  ended(why: End): void {
    this.#relay.sessionEnded(this, why)
  }

  #received(message: ReceivedRelayMessage): void {
    switch (message.kind) {
      case 'event':
        this.#event(message.subscription, message.event)
        return
      case 'malformed-event':
        this.#relay.countUnoffered('invalid')
        this.#subscriptions.get(message.subscription)?.malformed()
        return
      case 'eose':
        // Of an id that nobody knows any more: ignored (R56).
        this.#subscriptions.get(message.subscription)?.eose()
        return
      case 'closed':
        this.#subscriptions.get(message.subscription)?.closed(message.text)
        this.#reconciliations.get(message.subscription)?.closed(message.text)
        return
      case 'ok':
        this.#authentication.ok(message.id, message.accepted)
        return
      case 'notice':
        this.#notice(message.text)
        return
      case 'auth':
        this.#authentication.challenge(message.challenge)
        return
      case 'neg-msg':
        this.#reconciliations.get(message.subscription)?.message(message.message)
        return
      case 'neg-err':
        this.#reconciliations.get(message.subscription)?.error(message.text)
        return
      case 'count':
      case 'unknown':
    }
  }

  #event(subscription: string, event: NostrEvent): void {
    const handler = this.#subscriptions.get(subscription)
    if (handler === undefined) return
    if (!handler.matches(event)) {
      this.#relay.countUnoffered('unsolicited')
      this.#strike('events that nobody asked for')
      return
    }
    handler.event(event)
    this.#intake.offer(event, ({ kind }) => {
      if (kind === 'failed') this.#hasLostEvents = true
    })
  }

  #notice(text: string): void {
    this.channel.log.debug({ text, relay: this.#relay.url }, 'a relay says')
    const complaint = loadComplaint(text)
    if (complaint === 'subscription-limit') this.#tooManySubscriptions()
    else if (complaint === 'rate-limit') this.#complained(text)
    else for (const reconciliation of [...this.#reconciliations.values()]) reconciliation.notice(text)
  }

  #strike(what: string): void {
    if (this.#strikes.note(this.channel.now())) this.channel.fail(end('protocol-error', { detail: what }))
  }

  // Batches ----------------------------------------------------------------------------------------------------

  #batchEnded(over: BatchEnd | null, position: Batch<UnixSeconds, PendingBatch>): void {
    if (over === null) return
    const { batch } = over
    if (over.kind === 'confirmed') {
      this.#settling.add(batch)
      position.seal(batch.startedAt)
      return
    }
    this.#hasFailed = true
    if (batch.purpose.kind !== 'announcements') this.#failed = uniteItems(this.#failed, batch.purpose.items)
    position.discard()
    this.#relay.batchFailed(batch)
  }

  /** Whether an event that came on this link could not be judged: then no batch of it may count as fetched. */
  get hasLostEvents(): boolean {
    return this.#hasLostEvents
  }

  #fetchContext(): FetchContext {
    const relay = this.#relay
    const { paging, idChunk, eoseWithin } = relay.options
    const { maxLimit, defaultLimit, maxMessageLength } = relay.limitation
    return {
      channel: this.channel,
      slots: this.#slots,
      authentication: this.#authentication,
      eoseWithin,
      complained: (text) => this.#complained(text),
      paging: { ...paging, maxLimit: maxLimit ?? defaultLimit },
      idChunk,
      maxMessageLength,
      mayUseNegentropy: () => relay.mayUseNegentropy(),
      negentropyRefused: (why) => relay.negentropyRefused(why),
      items: (filter) => relay.options.items(filter),
      knows: (id) => relay.options.intake.knows(id),
      paged: () => relay.countPage(),
      reconciled: () => relay.countReconciliation(),
    }
  }

  // Load -------------------------------------------------------------------------------------------------------

  #complained(text: string): void {
    this.#relay.rateLimited(text)
    this.#coolDown()
  }

  /** Nothing new until the relay has had its quiet; live subscriptions stay (R84). */
  #coolDown(): void {
    this.#slots.pause()
    this.channel.after(this.#relay.quietFor(), () => {
      if (this.#relay.isRateLimited) return
      this.#slots.resume()
      this.#relay.cooledDown()
    })
  }

  #noteRequest(): void {
    const now = this.channel.now()
    if (now - this.#lastSent >= quietSecond) this.#quietUntilSent = now
    this.#lastSent = now
  }

  /** What was opened since the last quiet second is not live, whatever was answered (R85). */
  #tooManySubscriptions(): void {
    this.#relay.capSubscriptions(capAfterComplaint(this.openSubscriptions))
    this.live.dropSince(this.#quietUntilSent)
    this.#liveLost('passing', 0)
  }

  /** The watermark stays where it is until what was missed has been asked for again. */
  #liveLost(how: 'passing' | 'refused', wait = 60_000): void {
    const from = this.channel.wallSeconds()
    this.#hold ??= { batch: this.#relay.progress.open(this.scope, { floor: from }), from }
    if (how === 'refused') {
      this.#isRefused = true
      this.#hasFailed = true
      return
    }
    if (this.#isRestoring) return
    this.#isRestoring = true
    this.channel.after(Math.max(wait, this.#relay.quietFor()), () => {
      this.#isRestoring = false
      this.#relay.restoreLive()
    })
  }
}
