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
} from '@holdfast/core'
import type { Subscription } from 'rxjs'
import type { ConnectionStatus } from '../sync/compute-actions.js'
import type { PendingBatch } from '../sync/pending-batches.js'
import type { HealthRecord } from '../sync/relay-health.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { HealthTracker } from './health-tracker.js'
import { RelayCapabilities } from './relay-capabilities.js'
import { RelayCounter } from './relay-counter.js'
import type { RelayOptions } from './relay-options.js'
import { newRecord, type RelayRecord } from './relay-record.js'
import { RelaySession } from './relay-session.js'
import { type RelayTarget, relayTarget } from './relay-target.js'
import type { SessionOwner } from './session-owner.js'

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
  /** A live subscription was refused: what it was to bring is missed until it is asked for again. */
  liveRefused(relay: RelayConnection): void
  /** Something that operators see has changed. */
  changed(relay: RelayConnection): void
}

/** However soon the next one may begin: no two overlap, and a busy machine takes its time. */
const dialLeast: Millis = 5000

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
  /** How it does, and when it may be asked again. */
  readonly health: HealthTracker
  /** What it can do. */
  readonly capabilities: RelayCapabilities
  /** What the work with it takes. */
  readonly counter = new RelayCounter()
  readonly #host: RelayHost
  readonly #env: Env
  readonly #following: readonly Subscription[]
  #record: RelayRecord
  #session: RelaySession | null = null
  #isLeaving = false
  #isConnected = false

  constructor(
    url: RelayUrl,
    isBootstrap: boolean,
    options: RelayOptions,
    host: RelayHost,
    record: RelayRecord = newRecord,
  ) {
    this.url = url
    this.isBootstrap = isBootstrap
    this.options = options
    this.#host = host
    this.#record = record
    this.#env = { ...options.env, name: `relay ${url}` }
    const { clock, log } = this.#env
    this.health = new HealthTracker({ ...options, url, clock, log }, record)
    this.capabilities = new RelayCapabilities({ ...options, url, clock, log }, record)
    this.progress = this.#makeProgress(record.watermark)
    this.life = this.#makeLife()
    this.#following = this.#follow()
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
    const watermark = phase === 'unloaded' ? this.#record.watermark : (applied?.at ?? null)
    return { ...this.#record, ...this.health.memory, ...this.capabilities.memory, watermark }
  }

  /** What its health is judged by. */
  get healthRecord(): HealthRecord {
    return this.health.record(this.#isConnected)
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

  // What a session says ----------------------------------------------------------------------------------------

  /** Counts an event that is not even offered. */
  countUnoffered(result: 'invalid' | 'unsolicited'): void {
    this.options.intake.counts.add({ kind: 'relay', url: this.url }, result)
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

  /** A live subscription was refused. */
  liveRefused(): void {
    this.#host.liveRefused(this)
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

  // Inside -----------------------------------------------------------------------------------------------------

  #makeProgress(watermark: UnixSeconds | null): Cursor<UnixSeconds, PendingBatch> {
    return cursor({
      env: this.#env,
      key: this.url,
      compare: (a, b) => a - b,
      sizeOf: () => 1,
      staging: { bytes: 1 << 20 },
      backlog: { bytes: 1 << 20 },
      apply: ({ items }) => this.#apply(items),
      resync: () => Promise.resolve(null),
      // The manager saves all relays together; a position counts as saved once what it stands for is stored.
      store: { load: () => Promise.resolve(watermark === null ? null : { at: watermark }) },
    })
  }

  #makeLife(): Lifecycle<RelaySession> {
    const { dialer, backoff, hearWithin, stableAfter } = this.options
    return lifecycle({
      env: this.#env,
      dialer,
      endpoints: () => this.#locate(),
      protocol: (scope) => this.#open(scope),
      dialWithin: Math.max(dialLeast, backoff.base ?? 5000),
      stableAfter,
      keepalive: { hearWithin, arm: 'at-open' },
      backoff: this.health.backoff(),
      advise: (why) => this.health.advise(why),
    })
  }

  /** Both complete with the lifecycle, which ends with this object. */
  #follow(): Subscription[] {
    const error = (err: unknown): void => this.#env.log.error({ err }, 'a relay is not followed any more')
    return [
      this.life.events$.subscribe({
        next: (event) => {
          if (event.kind !== 'transition' || event.to !== 'waiting' || !event.why) return
          if (event.from === 'dialing' || event.from === 'handshaking') this.counter.attempted('failure')
          this.health.failed(event.why)
        },
        error,
      }),
      this.life.state$.subscribe({
        next: (state) => {
          if (state.phase === 'ready' && state.stable) this.health.succeeded()
          this.#host.changed(this)
        },
        error,
      }),
    ]
  }

  async #over(): Promise<void> {
    for (const subscription of this.#following) subscription.unsubscribe()
    await this.progress.close()
  }

  async #locate(): Promise<RelayTarget> {
    const { resolve, allowPrivateTargets: allowPrivate } = this.options
    const target = await relayTarget(this.url, { resolve, allowPrivate })
    this.capabilities.ask(target)
    return target
  }

  #open(scope: LinkScope): RelaySession {
    const session = new RelaySession(scope, this)
    this.#session = session
    const begin = scope.guard(() => {
      this.#isConnected = true
      this.counter.attempted('success')
      scope.ready()
      session.begin()
      this.#host.connected(this, session)
    })
    void this.capabilities.known().then(begin)
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
}
