import { type Env, type Off, OptionError } from '@holdfast/core'
import { RejectedEvents } from '../admission/rejected-events.js'
import type { AdmissionPolicy } from '../admission/types.js'
import type { EventStore, PutOutcome } from '../store/types.js'
import { KnownIds } from '../verify/known-ids.js'
import type { Verdict, Verifier } from '../verify/types.js'
import type { NostrEvent } from '../wire/event.js'
import { Backlog, type BacklogPlace } from './backlog.js'
import { IntakeError } from './errors.js'
import { EventCounts, type EventResult } from './event-counts.js'
import type { EventSource } from './event-source.js'
import { HeldEvents, type HeldEventsOptions } from './held-events.js'
import type { Intake, IntakeOutcome } from './types.js'

/** Options of {@link eventIntake}. What is handed in stays its owner's to close. */
export interface EventIntakeOptions {
  readonly env: Pick<Env, 'clock' | 'log' | 'random'>
  readonly store: EventStore
  readonly verifier: Verifier
  readonly policy: AdmissionPolicy
  /**
   * The memory of what was rejected, which its owner may save and restore (R88).
   *
   * @defaultValue an empty one
   */
  readonly rejected?: RejectedEvents
  /** How long, and how much of, what the policy keeps aside is kept (R76). */
  readonly hold?: HeldEventsOptions
  /**
   * Events that wait for a decision before {@link Intake.offer} says `full`.
   *
   * @defaultValue 2000
   */
  readonly maxPending?: number
  /**
   * Characters of those events.
   *
   * @defaultValue 16777216
   */
  readonly maxPendingChars?: number
  /**
   * How far ahead of our clock an event may be dated, in seconds (R91).
   *
   * @defaultValue 900
   */
  readonly maxAheadSecs?: number
}

/** An event on its way. */
interface Entry {
  readonly event: NostrEvent
  readonly place: BacklogPlace
  readonly tell: (outcome: IntakeOutcome) => void
}

/** An event whose signature is right. */
interface Verified extends Entry {
  /** The same event from others, who came while it was being decided on. */
  readonly others: Entry[]
}

/** To be stored, or else the outcome. */
type Decision = { readonly kind: 'accept' } | IntakeOutcome

const sweepEvery = 60_000
/** Events that are put to the policy before the store is written to. */
const eventsAtOnce = 1000

/**
 * Makes the one way by which events come in.
 *
 * @example
 * ```ts
 * import { testEnv } from '@holdfast/core/testing'
 * import { eventIntake, graspPolicy, type IntakeOutcome, memoryStore, startVerifier } from '@holdfast/nostr-sync'
 *
 * const env = testEnv()
 * await using store = memoryStore()
 * await using verifier = await startVerifier({ env, workers: 1 })
 * const policy = graspPolicy({ domains: ['grasp.example'] })
 * await using intake = eventIntake({ env, store, verifier, policy })
 * const forged = { id: '0'.repeat(64), pubkey: '1'.repeat(64), created_at: 1, kind: 1, tags: [], content: '', sig: '2'.repeat(128) }
 * const outcome = await new Promise<IntakeOutcome>((resolve) => intake.offer(forged, { kind: 'client' }, resolve))
 * outcome // => { kind: 'invalid', why: 'the id is not that of the content' }
 * ```
 */
export function eventIntake(options: EventIntakeOptions): Intake {
  for (const name of ['maxPending', 'maxPendingChars', 'maxAheadSecs'] as const) {
    const value = options[name] ?? 1
    if (!(value > 0)) throw new OptionError(name, 'a number above 0', value)
  }
  return new EventIntake(options)
}

class EventIntake implements Intake {
  readonly counts = new EventCounts()
  readonly #options: EventIntakeOptions
  readonly #maxAheadSecs: number
  /** Of what the store knows: asked before it. */
  readonly #known: KnownIds
  readonly #rejected: RejectedEvents
  readonly #held: HeldEvents
  /** What the verifier had no room for. */
  #aside: Entry[] = []
  #verified: Verified[] = []
  /** Signature checked, outcome not known, by id. */
  readonly #deciding = new Map<string, Verified>()
  #running: Promise<void> | null = null
  readonly #backlog: Backlog
  readonly #savedListeners = new Set<(events: readonly NostrEvent[]) => void>()
  readonly #offs: Off[]
  #isClosed = false

  constructor(options: EventIntakeOptions) {
    const {
      env,
      verifier,
      maxPending = 2000,
      maxPendingChars = 16 * 1024 * 1024,
      maxAheadSecs = 900,
    } = options
    this.#options = options
    this.#backlog = new Backlog(maxPending, maxPendingChars)
    this.#maxAheadSecs = maxAheadSecs
    this.#known = new KnownIds(undefined, Math.floor(env.random() * 2 ** 32))
    this.#rejected = options.rejected ?? new RejectedEvents()
    this.#held = new HeldEvents(options.hold)
    const sweep = env.clock.sweep(sweepEvery, () => {
      this.#rejected.sweep(env.clock.wall())
      this.#held.sweep(env.clock.wall())
    })
    this.#offs = [() => sweep.cancel(), verifier.onRoom(() => this.#submitAside())]
  }

  get pending(): number {
    return this.#backlog.size
  }

  get held(): number {
    return this.#held.size
  }

  offer(event: NostrEvent, from: EventSource, done?: (outcome: IntakeOutcome) => void): 'taken' | 'full' {
    const tell = (outcome: IntakeOutcome): void => {
      this.counts.add(from, resultOf(outcome))
      done?.(outcome)
    }
    const early = this.#judgeUnchecked(event, from)
    if (early === null) this.#submit(this.#enter(event, tell))
    else tell(early)
    return this.#backlog.isFull ? 'full' : 'taken'
  }

  knows(id: string): boolean {
    return this.#deciding.has(id) || this.#knownBecause(id) !== null
  }

  onRoom(listener: () => void): Off {
    return this.#backlog.onRoom(listener)
  }

  onSaved(listener: (events: readonly NostrEvent[]) => void): Off {
    this.#savedListeners.add(listener)
    return () => void this.#savedListeners.delete(listener)
  }

  settled(): Promise<void> {
    return this.#backlog.settled()
  }

  reconsider(needs: string): void {
    for (const event of this.#held.take(needs)) this.#pass(this.#enter(event, nobody))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const off of this.#offs) off()
    for (const entry of this.#aside.splice(0)) this.#finish(entry, undecided('the intake was closed'))
    await this.#running
    this.#savedListeners.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // Before the signature -----------------------------------------------------------------------------------------

  /** What can be said without checking the signature (R69, R91); null if that has to be checked. */
  #judgeUnchecked(event: NostrEvent, from: EventSource): IntakeOutcome | null {
    if (this.#isClosed) return undecided('the intake was closed')
    const because = this.#knownBecause(event.id)
    // A person who tries again, perhaps after a change of our policy, deserves an answer.
    if (because !== null && (because !== 'rejected' || from.kind === 'relay'))
      return { kind: 'known', because }
    const { env, policy } = this.#options
    if (policy.blocks(event))
      return { kind: 'rejected', reason: 'blocked', detail: 'the author is on the block list' }
    const ahead = event.created_at - env.clock.wall() / 1000
    if (ahead > this.#maxAheadSecs) return { kind: 'invalid', why: 'created_at is too far in the future' }
    return null
  }

  #knownBecause(id: string): (IntakeOutcome & { kind: 'known' })['because'] | null {
    const { store } = this.#options
    if (this.#rejected.has(id)) return 'rejected'
    if (this.#held.has(id)) return 'held'
    if (!this.#known.has(id) && !store.knows(id)) return null
    return store.has(id) ? 'stored' : 'gone'
  }

  #enter(event: NostrEvent, tell: (outcome: IntakeOutcome) => void): Entry {
    return { event, tell, place: this.#backlog.enter(charsOf(event)) }
  }

  #submit(entry: Entry): void {
    const { verifier } = this.#options
    if (verifier.submit(entry.event, (verdict) => this.#judged(entry, verdict)) === 'refused')
      this.#aside.push(entry)
  }

  #submitAside(): void {
    for (const entry of this.#aside.splice(0)) this.#submit(entry)
  }

  #judged(entry: Entry, verdict: Verdict): void {
    switch (verdict) {
      case 'valid':
        this.#pass(entry)
        return
      case 'bad-id':
        this.#finish(entry, { kind: 'invalid', why: 'the id is not that of the content' })
        return
      case 'bad-signature':
        this.#finish(entry, { kind: 'invalid', why: 'the signature is not the author’s' })
        return
      case 'unverified':
        this.#finish(entry, undecided('the verifier gave no verdict'))
    }
  }

  // After the signature ------------------------------------------------------------------------------------------

  #pass(entry: Entry): void {
    if (this.#isClosed) {
      this.#finish(entry, undecided('the intake was closed'))
      return
    }
    const same = this.#deciding.get(entry.event.id)
    if (same !== undefined) {
      same.others.push(entry)
      return
    }
    const verified = { ...entry, others: [] }
    this.#deciding.set(entry.event.id, verified)
    this.#verified.push(verified)
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // Verdicts come in batches: the rest of this one is to be decided on together.
    await Promise.resolve()
    while (this.#verified.length > 0) await this.#decide(this.#verified.splice(0, eventsAtOnce))
    this.#running = null
  }

  /**
   * Decides on events. Those that the store lacks something for are put to the policy again once what came with them is
   * stored, and so are older ones (R75); what is still rejected then is told so.
   */
  async #decide(events: readonly Verified[]): Promise<void> {
    const rejections = new Map<string, { readonly entry: Verified; readonly outcome: IntakeOutcome }>()
    for (let round = events; round.length > 0; ) {
      const accepted: Verified[] = []
      for (const entry of round) {
        const decision = this.#admit(entry.event)
        if (decision.kind === 'accept') accepted.push(entry)
        else if (decision.kind === 'rejected') rejections.set(entry.event.id, { entry, outcome: decision })
        else this.#settle(entry, decision)
      }
      const outcomes = await this.#put(accepted)
      // Before anybody is told, so that whoever waits until all is settled waits for these too.
      round = accepted
        .filter((_, index) => outcomes[index]?.kind === 'saved')
        .flatMap(({ event }) => this.#rejected.release(event))
        .map((released) => {
          const waiting = rejections.get(released.id)?.entry
          rejections.delete(released.id)
          return waiting ?? this.#enterReleased(released)
        })
      accepted.forEach((entry, index) => {
        const outcome = outcomes[index]
        if (outcome !== undefined) this.#settle(entry, outcome)
      })
    }
    for (const { entry, outcome } of rejections.values()) this.#settle(entry, outcome)
  }

  #admit(event: NostrEvent): Decision {
    const { env, policy, store } = this.#options
    try {
      // Its twin may have been decided on while its own signature was being checked.
      const because = this.#knownBecause(event.id)
      if (because !== null && because !== 'rejected') return { kind: 'known', because }
      const admission = policy.admit(event, store)
      switch (admission.kind) {
        case 'accept':
          return admission
        case 'reject':
          this.#rejected.add(event, admission.reason, env.clock.wall())
          return { ...admission, kind: 'rejected' }
        case 'hold':
          this.#held.add(event, admission.needs, env.clock.wall())
          return { kind: 'held', needs: admission.needs }
      }
    } catch (cause) {
      env.log.error({ err: cause, id: event.id }, 'an event could not be decided on')
      return { kind: 'failed', cause }
    }
  }

  async #put(entries: readonly Verified[]): Promise<readonly IntakeOutcome[]> {
    if (entries.length === 0) return []
    const { env, store } = this.#options
    try {
      const outcomes = await store.put(entries.map(({ event }) => event))
      const saved = entries.filter((_, index) => outcomes[index] === 'saved').map(({ event }) => event)
      if (saved.length > 0) for (const listener of [...this.#savedListeners]) listener(saved)
      return entries.map((entry, index) => this.#outcomeOf(entry, outcomes[index]))
    } catch (cause) {
      env.log.error({ err: cause, events: entries.length }, 'events could not be stored')
      return entries.map(() => ({ kind: 'failed', cause }))
    }
  }

  #outcomeOf({ event }: Verified, outcome: PutOutcome | undefined): IntakeOutcome {
    if (outcome === 'not-stored')
      return { kind: 'rejected', reason: 'not-stored', detail: `kind ${event.kind} is never stored` }
    this.#known.add(event.id)
    if (outcome === 'saved') return { kind: 'saved' }
    return { kind: 'known', because: outcome === 'duplicate' ? 'stored' : 'gone' }
  }

  #enterReleased(event: NostrEvent): Verified {
    const verified = { ...this.#enter(event, nobody), others: [] }
    this.#deciding.set(event.id, verified)
    return verified
  }

  #settle(entry: Verified, outcome: IntakeOutcome): void {
    this.#deciding.delete(entry.event.id)
    this.#finish(entry, outcome)
    const forOthers = outcome.kind === 'saved' ? ({ kind: 'known', because: 'stored' } as const) : outcome
    for (const other of entry.others) this.#finish(other, forOthers)
  }

  #finish(entry: Entry, outcome: IntakeOutcome): void {
    entry.tell(outcome)
    this.#backlog.leave(entry.place)
  }
}

function nobody(): void {
  // Whoever sent it has had an answer.
}

function undecided(what: string): IntakeOutcome {
  return { kind: 'failed', cause: new IntakeError(what) }
}

function resultOf(outcome: IntakeOutcome): EventResult {
  return outcome.kind === 'known' ? 'duplicate' : outcome.kind
}

/** Roughly: what is fixed in length counts as nothing. */
function charsOf({ content, tags }: NostrEvent): number {
  let chars = content.length
  for (const tag of tags) for (const text of tag) chars += text.length
  return chars
}
