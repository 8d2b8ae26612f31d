import {
  type Cursor,
  cursor,
  type DrainReport,
  type End,
  type Env,
  type Lifecycle,
  type LinkProtocol,
  type LinkScope,
  lifecycle,
  type Millis,
  type Reached,
  type RetryAdvice,
  type WallStamp,
} from '@holdfast/core'
import type { Subscription } from 'rxjs'
import { LinkIntake } from '../intake/link-intake.js'
import type { ConnectionStatus } from '../sync/compute-actions.js'
import { mayTryNegentropy, type NegentropyRefused } from '../sync/negentropy-plan.js'
import type { PendingBatch } from '../sync/pending-batches.js'
import {
  adviseRelay,
  type FaultCategory,
  persistentFault,
  persistentFaultMs,
} from '../sync/persistent-fault.js'
import { isRateLimited, type RateLimit, rateLimitHit } from '../sync/rate-limit.js'
import { relayBackoff } from '../sync/relay-backoff.js'
import { afterFailure, afterSuccess, type HealthRecord } from '../sync/relay-health.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayInfo, RelayLimitation } from '../wire/relay-info.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { RelayTargetError } from './errors.js'
import type { RelayOptions } from './relay-options.js'
import type { SessionOwner } from './session-owner.js'

export type { RelayOptions } from './relay-options.js'

import { RelaySession } from './relay-session.js'
import { relayTarget } from './relay-target.js'

/** Who is told what becomes of a connection. Called one at a time, never within another of these calls. */
export interface RelayHost {
  /** There is a session, and the relay's document is known (R24). */
  connected(relay: RelayConnection, session: RelaySession): void
  /** It is over (R28). Once for each `connected`. */
  disconnected(relay: RelayConnection, session: RelaySession, why: End): void
  /** All that a batch asked for has come, and is stored (R10). */
  confirmed(relay: RelayConnection, batch: PendingBatch): void
  /** A batch of a relay could not be fetched whole. */
  failed(relay: RelayConnection, batch: PendingBatch): void
  /** A rate limit is over: what was not asked for meanwhile can be (R84). */
  cooledDown(relay: RelayConnection): void
  /** Live subscriptions were lost: they have to be opened anew, and what came meanwhile asked for. */
  restoreLive(relay: RelayConnection): void
  /** Something that operators see has changed. */
  changed(relay: RelayConnection): void
}

/** What outlives the process (R88). Plain data. */
export interface RelayRecord {
  readonly lastConnected: UnixSeconds | null
  readonly disconnectedAt: UnixSeconds | null
  readonly watermark: UnixSeconds | null
  readonly failuresInRow: number
  readonly failingSince: WallStamp | null
  readonly recoveredAt: WallStamp | null
  readonly rateLimit: RateLimit | null
  readonly negentropyRefused: { readonly at: WallStamp; readonly version?: string | undefined } | null
  readonly isLimitZeroUnsafe: boolean
  /** When all was last asked for, whatever was confirmed (R47). */
  readonly lastFullSync: UnixSeconds | null
}

/** What the work with a relay took, since the start of the process. */
export interface RelayCounts {
  readonly pages: number
  readonly reconciliations: number
  readonly connects: number
}

const newRecord: RelayRecord = {
  lastConnected: null,
  disconnectedAt: null,
  watermark: null,
  failuresInRow: 0,
  failingSince: null,
  recoveredAt: null,
  rateLimit: null,
  negentropyRefused: null,
  isLimitZeroUnsafe: false,
  lastFullSync: null,
}
const infoGoodFor: Millis = 3_600_000
const dialLeast: Millis = 1000

/**
 * One relay: made once per URL and kept across every disconnect (R20). Owns the lifecycle of its connections, its health
 * and its watermark (R45); knows neither other relays nor what is wanted.
 */
export class RelayConnection implements SessionOwner {
  readonly url: RelayUrl
  readonly options: RelayOptions
  isBootstrap: boolean
  /** The lifecycle of its connections. @internal */
  readonly life: Lifecycle<RelaySession>
  /** Everything that the relay stored before, and that matches what is confirmed, was fetched (R45). */
  readonly progress: Cursor<UnixSeconds, PendingBatch>
  readonly #host: RelayHost
  readonly #env: Env
  readonly #following: readonly Subscription[]
  #record: RelayRecord
  #session: RelaySession | null = null
  #isLeaving = false
  #isConnected = false
  #info: { readonly at: Millis; readonly info: Promise<RelayInfo | null> } | null = null
  #known: RelayInfo | null = null
  #cap: number | null = null
  #fault: { readonly category: FaultCategory; readonly at: WallStamp } | null = null
  readonly #counts = { pages: 0, reconciliations: 0, connects: 0 }

  constructor(
    url: RelayUrl,
    isBootstrap: boolean,
    options: RelayOptions,
    host: RelayHost,
    record?: RelayRecord,
  ) {
    this.url = url
    this.isBootstrap = isBootstrap
    this.options = options
    this.#host = host
    this.#record = record ?? newRecord
    this.#env = { ...options.env, name: `relay ${url}` }
    const { watermark } = this.#record
    this.progress = cursor<UnixSeconds, PendingBatch>({
      env: this.#env,
      key: url,
      compare: (a, b) => a - b,
      sizeOf: () => 1,
      staging: { bytes: 1 << 20 },
      backlog: { bytes: 1 << 20 },
      apply: ({ items }) => this.#apply(items),
      resync: () => Promise.resolve(null),
      // The manager saves all relays together; a position counts as saved once what it stands for is stored.
      store: { load: () => Promise.resolve(watermark === null ? null : { at: watermark }) },
    })
    const { base = 5000 } = options.backoff
    const backoff = relayBackoff(options.backoff)
    this.life = lifecycle({
      env: this.#env,
      dialer: options.dialer,
      endpoints: () => this.#locate(),
      protocol: (scope) => this.#open(scope),
      dialWithin: Math.max(dialLeast, base),
      stableAfter: options.stableAfter,
      keepalive: { hearWithin: 60_000, arm: 'at-open' },
      backoff: (context) => {
        const { failuresInRow, failingSince } = this.#record
        const sinceReady =
          failingSince === null ? context.reached.sinceReady : this.#env.clock.wall() - failingSince
        return backoff({
          ...context,
          random: () => context.random(),
          attempt: Math.max(context.attempt, failuresInRow),
          reached: { ...context.reached, sinceReady },
        })
      },
      advise: (why, reached) => this.#advise(why, reached),
    })
    const error = (err: unknown): void => this.#env.log.error({ err }, 'a relay is not followed any more')
    // Both complete with the lifecycle, which ends with this object.
    this.#following = [
      this.life.events$.subscribe({
        next: (event) => {
          if (event.kind === 'transition' && event.to === 'waiting' && event.why) this.#failed(event.why)
        },
        error,
      }),
      this.life.state$.subscribe({
        next: (state) => {
          if (state.phase === 'ready' && state.stable) this.#succeeded()
          this.#host.changed(this)
        },
        error,
      }),
    ]
  }

  // What the manager does --------------------------------------------------------------------------------------

  /** Begins to dial, and goes on for ever (R26, R27). Idempotent. */
  start(): void {
    void this.progress.load().then(() => this.life.start())
  }

  /** Leaves the relay, for good (R33). */
  async leave(within?: Millis): Promise<DrainReport> {
    this.#isLeaving = true
    const report = await this.life.drain(within === undefined ? {} : { within })
    await this.#over()
    return report
  }

  /** Ends at once. */
  async close(): Promise<void> {
    this.#isLeaving = true
    this.life.close()
    await this.#over()
  }

  /** The session that is ready; null between sessions. @internal */
  get session(): RelaySession | null {
    return this.#isConnected ? this.#session : null
  }

  /** Where it is, in the words of the specification. */
  get status(): ConnectionStatus {
    if (this.#isLeaving) return 'disconnecting'
    const session = this.session
    if (session !== null && session.phase !== 'opening') return session.phase
    const { phase } = this.life.state
    return phase === 'dialing' || phase === 'handshaking' || phase === 'ready' ? 'connecting' : 'disconnected'
  }

  /** What is to be saved. */
  get record(): RelayRecord {
    const { phase, applied } = this.progress
    return phase === 'unloaded' ? this.#record : { ...this.#record, watermark: applied?.at ?? null }
  }

  /** What it has counted since the start. */
  get counts(): RelayCounts {
    return { ...this.#counts }
  }

  /** Its health, for statistics and for what is kept. */
  health(): HealthRecord {
    const { failuresInRow, failingSince, recoveredAt, rateLimit } = this.#record
    return {
      isConnected: this.#isConnected,
      failuresInRow,
      failingSince,
      recoveredAt,
      limitedUntil: rateLimit?.until ?? null,
    }
  }

  /** Notes that a session begins (R25). */
  noteConnected(now: UnixSeconds): void {
    this.#record = { ...this.#record, lastConnected: now, disconnectedAt: null }
  }

  /** Remembers when the link was lost: what a quick reconnect is measured from. */
  noteDisconnected(now: UnixSeconds): void {
    this.#record = { ...this.#record, disconnectedAt: now }
  }

  /** Remembers when everything was last synced. */
  noteFullSync(now: UnixSeconds): void {
    this.#record = { ...this.#record, lastFullSync: now }
  }

  /** Civil time, in seconds. */
  wallSeconds(): UnixSeconds {
    return Math.floor(this.#env.clock.wall() / 1000)
  }

  // What the relay is known for --------------------------------------------------------------------------------

  /** What the relay said about itself last; null if it said nothing. */
  get info(): RelayInfo | null {
    return this.#known
  }

  /** What its NIP-11 document limits. */
  get limitation(): RelayLimitation {
    return this.#known?.limitation ?? {}
  }

  /** How many subscriptions it takes, as it says or as it complained (R49, R85). */
  get maxSubscriptions(): number | undefined {
    const said = this.limitation.maxSubscriptions
    return this.#cap === null ? said : Math.min(this.#cap, said ?? Infinity)
  }

  /** Subscriptions above which live ones are packed anew (R49). */
  get consolidationThreshold(): number {
    return this.options.consolidationThreshold
  }

  /** It refused another subscription: no more than so many from now on. */
  capSubscriptions(most: number): void {
    this.#cap = Math.min(this.#cap ?? Infinity, most)
  }

  /** Whether it takes `limit: 0` for no limit (R37). */
  get isLimitZeroUnsafe(): boolean {
    return this.#record.isLimitZeroUnsafe
  }

  /** It took `limit: 0` for no limit. */
  limitZeroFailed(): void {
    this.#record = { ...this.#record, isLimitZeroUnsafe: true }
  }

  /** Whether negentropy may be tried now (R97). */
  mayUseNegentropy(): boolean {
    if (this.options.negentropy === 'off') return false
    return mayTryNegentropy(this.#refused(), this.#env.clock.wall(), this.#known?.version)
  }

  /** It refused negentropy: not tried again for a day, or until it is another version (R102). */
  negentropyRefused(why: string): void {
    if (this.#record.negentropyRefused === null)
      this.#env.log.info({ relay: this.url, why }, 'the relay does without negentropy')
    const at = this.#env.clock.wall()
    this.#record = { ...this.#record, negentropyRefused: { at, version: this.#known?.version } }
  }

  /** Whether it asked us to slow down, and that has not passed yet (R84). */
  get isRateLimited(): boolean {
    return isRateLimited(this.#record.rateLimit, this.#env.clock.wall())
  }

  /** How long the relay is still to be left in peace. */
  quietFor(): Millis {
    return Math.max(0, (this.#record.rateLimit?.until ?? 0) - this.#env.clock.wall())
  }

  /** It asked us to slow down. */
  rateLimited(text: string, retryAfter: Millis = 0): void {
    const rateLimit = rateLimitHit(
      this.#record.rateLimit,
      this.#env.clock.wall(),
      this.options.rateLimit,
      retryAfter,
    )
    this.#env.log.info({ relay: this.url, text, ms: this.quietFor() }, 'the relay wants quiet')
    this.#record = { ...this.#record, rateLimit }
  }

  // What a session says ----------------------------------------------------------------------------------------

  /** How a session offers what it receives. */
  intakeOf(scope: LinkScope): LinkIntake {
    return new LinkIntake(this.options.intake, { kind: 'relay', url: this.url }, scope)
  }

  /** Counts an event that is not even offered. */
  countUnoffered(result: 'invalid' | 'unsolicited'): void {
    this.options.intake.counts.add({ kind: 'relay', url: this.url }, result)
  }

  /** Counts a page of history. */
  countPage(): void {
    this.#counts.pages++
  }

  /** Counts a reconciliation. */
  countReconciliation(): void {
    this.#counts.reconciliations++
  }

  /** A batch could not be fetched whole. */
  batchFailed(batch: PendingBatch): void {
    this.#host.failed(this, batch)
  }

  /** What it asked us to wait is over: what is wanted is computed anew. */
  cooledDown(): void {
    this.#host.cooledDown(this)
  }

  /** Live subscriptions were lost while the link lasts: they are opened anew. */
  restoreLive(): void {
    this.#host.restoreLive(this)
  }

  /** The link of a session is gone. */
  sessionEnded(ended: LinkProtocol, why: End): void {
    const session = this.#session
    if (session === null || session !== ended) return
    const wasConnected = this.#isConnected
    this.#isConnected = false
    this.#session = null
    if (wasConnected) this.#host.disconnected(this, session, why)
  }

  async #over(): Promise<void> {
    for (const subscription of this.#following) subscription.unsubscribe()
    await this.progress.close()
  }

  // Inside -----------------------------------------------------------------------------------------------------

  async #locate(): Promise<Awaited<ReturnType<typeof relayTarget>>> {
    const { resolve, allowPrivateTargets: allowPrivate } = this.options
    const target = await relayTarget(this.url, { resolve, allowPrivate })
    const now = this.#env.clock.now()
    if (this.#info === null || now - this.#info.at >= infoGoodFor) {
      // Not awaited here: a slow document must not cost the dial its time.
      this.#info = { at: now, info: this.options.fetchInfo(target) }
    }
    return target
  }

  #open(scope: LinkScope): RelaySession {
    const session = new RelaySession(scope, this)
    this.#session = session
    const asked = this.#info
    const begin = scope.guard((info: RelayInfo | null) => {
      // What could not be had is asked for again at the next dial.
      if (info === null && this.#info === asked) this.#info = null
      this.#known = info ?? this.#known
      this.#isConnected = true
      this.#counts.connects++
      scope.ready()
      session.begin()
      this.#host.connected(this, session)
    })
    void (asked?.info ?? Promise.resolve(null)).then(begin)
    return session
  }

  /** What a batch brought is stored before it counts; of positions that move alone the same holds. */
  async #apply(batches: readonly PendingBatch[]): Promise<void> {
    const session = this.#session
    await this.options.intake.settled()
    if (session?.hasLostEvents === true) throw new Error('events could not be stored')
    // A later session has not subscribed to what this batch asked for: to it nothing is confirmed.
    if (session === null || session !== this.#session) return
    for (const batch of batches) {
      session.settled(batch)
      this.#host.confirmed(this, batch)
    }
  }

  #advise(why: End, _reached: Reached): RetryAdvice {
    const { code, cause } = why
    if (cause instanceof RelayTargetError) return { kind: 'after', ms: 3_600_000 }
    const causeCode = (cause as { code?: unknown } | undefined)?.code
    const known = code ?? (typeof causeCode === 'string' ? causeCode : undefined)
    const advice = why.advice.kind === 'after' ? why.advice.ms : null
    if (known === 429 || known === 503) this.rateLimited(`HTTP ${known}`, advice ?? 0)
    return adviseRelay({ ...why, code: known }, advice)
  }

  #succeeded(): void {
    const { failuresInRow, failingSince, recoveredAt } = afterSuccess(this.health(), this.#env.clock.wall())
    this.#record = { ...this.#record, failuresInRow, failingSince, recoveredAt }
    this.#fault = null
  }

  #failed(why: End): void {
    const now = this.#env.clock.wall()
    const { failuresInRow, failingSince } = afterFailure(this.health(), now)
    this.#record = { ...this.#record, failuresInRow, failingSince }
    const category = persistentFault(why)
    if (category === null) return
    const isNew = this.#fault?.category !== category || now - this.#fault.at > persistentFaultMs
    if (isNew) {
      this.#fault = { category, at: now }
      this.#env.log.warn({ relay: this.url, category, why }, 'a fault that will not pass soon')
    }
  }

  #refused(): NegentropyRefused | null {
    const refused = this.#record.negentropyRefused
    return refused === null ? null : { at: refused.at, version: refused.version }
  }
}
