import { type End, end, type LinkProtocol, type LinkScope, type Timer } from '@holdfast/core'
import { LinkIntake } from '../intake/link-intake.js'
import {
  capAfterComplaint,
  consolidationThreshold,
  historicRoom,
  needsConsolidation,
  waitAfterComplaint,
  waitAfterStall,
} from '../sync/consolidation.js'
import type { SyncItems } from '../sync/items.js'
import { requestBytes } from '../sync/negentropy-plan.js'
import type { PendingBatch } from '../sync/pending-batches.js'
import { forgedTolerance, Strikes } from '../sync/strikes.js'
import type { NostrEvent, UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import type { RelayChannel, SubscriptionHandler } from './channel.js'
import { type FetchContext, FilterFetch } from './filter-fetch.js'
import { HistoricBatches, type HistoricSync } from './historic-batches.js'
import { type LiveLoss, LiveSubscriptions } from './live-subscriptions.js'
import { RelayDialogue } from './relay-dialogue.js'
import type { SessionOwner } from './session-owner.js'
import { Slots } from './slots.js'
import { WatermarkHold } from './watermark-hold.js'

const quietSecond = 1000

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
  readonly #dialogue: RelayDialogue
  readonly #batches: HistoricBatches
  readonly #intake: LinkIntake
  readonly #slots: Slots
  readonly #hold: WatermarkHold
  readonly #strikes = new Strikes()
  readonly #forged = new Strikes(forgedTolerance)
  #isRefused = false
  #isRestoring = false
  #complaints = 0
  #stalls = 0
  /** Until the relay has had its quiet. */
  #quiet: Timer | null = null
  #lastSent = 0
  #quietUntilSent = 0
  #hasLostEvents = false

  constructor(scope: LinkScope, relay: SessionOwner) {
    this.scope = scope
    this.#relay = relay
    const { url, options, capabilities, health } = relay
    const { env, signer, intake, historicConcurrency } = options
    this.#dialogue = new RelayDialogue(
      { scope, env, url, signer },
      {
        event: (handler, event) => this.#event(handler, event),
        malformedEvent: () => relay.countUnoffered('invalid'),
        complaint: (about, text) =>
          about === 'subscription-limit' ? this.#tooManySubscriptions() : this.#complained(text),
        unreadable: (error) => this.#strike(error.message),
        reconciling: (direction, bytes) => relay.counter.negentropyMessage(direction, bytes),
        sent: (kind) => kind === 'req' && this.#noteRequest(),
      },
    )
    this.channel = this.#dialogue.channel
    this.#batches = new HistoricBatches(scope, relay, () => this.#fetchContext())
    this.#intake = new LinkIntake(intake, { kind: 'relay', url }, scope)
    this.#slots = new Slots(() =>
      historicRoom(historicConcurrency, this.live.size, capabilities.maxSubscriptions),
    )
    this.#hold = new WatermarkHold(relay, scope)
    this.live = new LiveSubscriptions({
      channel: this.channel,
      authentication: this.#dialogue.authentication,
      requestBytes: () => requestBytes(capabilities.limitation.maxMessageLength),
      eoseWithin: options.eoseWithin,
      quietFor: () => health.quietFor(),
      isLimitZeroUnsafe: () => capabilities.isLimitZeroUnsafe,
      limitZeroFailed: () => capabilities.limitZeroFailed(),
      complained: (text) => this.#complained(text),
      refused: (text) => this.#relay.health.refused(text),
      lost: (how) => this.#liveLost(how),
    })
  }

  /** The relay's document is there: what was to be left in peace still is (R84), and what it wants to know it is told (R92). */
  begin(): void {
    const { health, capabilities, options } = this.#relay
    health.linkBegan()
    // Whatever is written meanwhile: of requests that a relay does not answer nothing is heard.
    this.scope.sweep(options.hearWithin / 2, () => this.probe())
    if (health.isRateLimited) this.#coolDown()
    if (capabilities.limitation.authRequired === true) this.#dialogue.authentication.require(() => undefined)
  }

  // What the manager asks --------------------------------------------------------------------------------------

  /** Subscriptions that the relay holds for us: live ones and historic ones. */
  get openSubscriptions(): number {
    return this.channel.subscriptions.size
  }

  /** Batches that are not confirmed yet. */
  get pendingBatches(): number {
    return this.#batches.size
  }

  /** Whether anything asked for on this link was refused. */
  get hasFailed(): boolean {
    return this.#isRefused || this.#batches.hasFailed
  }

  /** Since when something that is asked for does not come, so that nothing from there on counts as fetched. */
  get heldSince(): UnixSeconds | null {
    return this.#hold.since
  }

  /** What is in flight, and what need not be asked for again on this link because it has failed (R17). */
  unavailableItems(): SyncItems[] {
    return this.#batches.unavailableItems()
  }

  /** Lets what has failed be asked for again. */
  forgiveFailures(): void {
    this.#isRefused = false
    this.#relay.health.forgiveRefusal()
    this.#batches.forgiveFailures()
  }

  /** Opens live subscriptions (`syncLive`, R37). @param all - everything that is to be live, should all be packed anew (R49) */
  syncLive(filters: readonly Filter[], all: () => readonly Filter[]): void {
    if (needsConsolidation(this.openSubscriptions, this.live.needed(filters), this.#mostSubscriptions()))
      this.rebuildLive(all())
    else this.live.add(filters)
  }

  /** Packs all live subscriptions anew (R49). */
  rebuildLive(all: readonly Filter[], isCrowded = false): void {
    this.live.replace(all, Math.max(1, Math.floor(this.#mostSubscriptions() / 2)), isCrowded)
  }

  /** Begins a batch (`historicSync`): confirmed once all its filters were answered and what came is stored (R8, R9). */
  historicSync(sync: HistoricSync): void {
    this.#batches.start(sync)
  }

  /**
   * Looks for what authors dated before the gap (R46). No batch waits for it.
   *
   * @param done - told at the end; `failed` if something could not be looked at, and may be later
   */
  reconcile(
    filters: readonly Filter[],
    done: (how: 'answered' | 'failed') => void,
    how: 'answered' | 'failed' = 'answered',
  ): void {
    const [filter, ...rest] = filters
    if (!this.#relay.capabilities.mayUseNegentropy()) {
      done('answered')
      return
    }
    if (filter === undefined) {
      done(how)
      return
    }
    // One after the other: nobody is in a hurry.
    const next = (came: 'answered' | 'failed'): void =>
      this.reconcile(rest, done, came === 'failed' ? came : how)
    new FilterFetch(this.#fetchContext(), next, 'give-up').start(filter, 'negentropy')
  }

  /** What a batch brought is stored: it counts no longer as in flight. */
  settled(batch: PendingBatch): void {
    this.#batches.settled(batch)
  }

  /** Whether an event that came on this link could not be judged: then no batch of it may count as fetched. */
  get hasLostEvents(): boolean {
    return this.#hasLostEvents
  }

  /** Lets the watermark go again: all that was missed since {@link RelaySession.heldSince} is being asked for. */
  releaseHold(): void {
    this.#hold.release()
  }

  // What the link says -----------------------------------------------------------------------------------------

  message(raw: Uint8Array | string): void {
    this.#dialogue.message(raw)
  }

  probe(): void {
    this.scope.link.ping?.()
  }

  /** We leave: closes what is open (R33). */
  retire(): void {
    const { subscriptions, reconciliations } = this.channel
    for (const subscription of [...subscriptions.keys()]) this.channel.send({ kind: 'close', subscription })
    for (const subscription of [...reconciliations.keys()])
      this.channel.send({ kind: 'neg-close', subscription })
    this.scope.link.end(end('drained', { code: 1000, advice: { kind: 'never' } }))
  }

  ended(why: End): void {
    this.#relay.sessionEnded(this, why)
  }

  #event(handler: SubscriptionHandler, event: NostrEvent): void {
    if (!handler.matches(event)) {
      this.#relay.countUnoffered('unsolicited')
      this.#strike('events that nobody asked for')
      return
    }
    handler.event(event)
    this.#intake.offer(event, (outcome) => {
      if (outcome.kind === 'failed') this.#hasLostEvents = true
      else if (outcome.kind === 'invalid' && outcome.isForged) this.#strike('forged events', this.#forged)
    })
  }

  #strike(what: string, strikes = this.#strikes): void {
    if (strikes.note(this.channel.now())) this.channel.fail(end('protocol-error', { detail: what }))
  }

  #fetchContext(): FetchContext {
    const { options, capabilities, counter } = this.#relay
    const { paging, idChunk, eoseWithin } = options
    const { maxLimit, defaultLimit, maxMessageLength } = capabilities.limitation
    return {
      channel: this.channel,
      slots: this.#slots,
      authentication: this.#dialogue.authentication,
      eoseWithin,
      complained: (text) => this.#complained(text),
      refused: (text) => this.#relay.health.refused(text),
      paging: { ...paging, maxLimit: maxLimit ?? defaultLimit },
      idChunk,
      maxMessageLength,
      mayUseNegentropy: () => capabilities.mayUseNegentropy(),
      negentropyRefused: (why) => capabilities.negentropyRefused(why),
      items: (filter) => options.items(filter),
      knows: (id) => options.intake.knows(id),
      paged: () => counter.paged(),
      reconciled: (how) => counter.reconciled(how),
    }
  }

  // Load -------------------------------------------------------------------------------------------------------

  #mostSubscriptions(): number {
    const { capabilities, options } = this.#relay
    return consolidationThreshold(capabilities.maxSubscriptions, options.consolidationThreshold)
  }

  #complained(text: string): void {
    this.#relay.health.rateLimited(text)
    this.#coolDown()
  }

  /** Nothing new until the relay has had its quiet; live subscriptions stay (R84). */
  #coolDown(): void {
    const { health } = this.#relay
    this.#slots.pause()
    this.#quiet?.cancel()
    this.#quiet = this.channel.after(health.quietFor(), () => {
      // It is of civil time: the clock may have been set back meanwhile.
      if (health.isRateLimited) {
        this.#coolDown()
        return
      }
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
    this.#relay.capabilities.capSubscriptions(capAfterComplaint(this.openSubscriptions))
    this.live.dropSince(this.#quietUntilSent)
    this.#liveLost('passing', waitAfterComplaint(this.#complaints++))
  }

  /** The watermark stays where it is until what was missed has been asked for again. */
  #liveLost(how: LiveLoss, waitIfPassing = 60_000): void {
    this.#hold.begin(this.channel.wallSeconds())
    // Who answers other requests is slow, or was busy; of who answers none no more is to be expected.
    if (how === 'refused' || (how === 'stalled' && !this.#dialogue.hasAnswered)) {
      this.#hold.keepForGood()
      if (this.#isRefused) return
      this.#isRefused = true
      this.#relay.liveRefused()
      return
    }
    if (this.#isRestoring) return
    this.#isRestoring = true
    const wait = how === 'stalled' ? waitAfterStall(this.#stalls++) : waitIfPassing
    this.channel.after(Math.max(wait, this.#relay.health.quietFor()), () => {
      this.#isRestoring = false
      this.#relay.restoreLive()
    })
  }
}
