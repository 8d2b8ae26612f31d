import { type Env, type Off, OptionError } from '@holdfast/core'
import { RejectedEvents } from '../admission/rejected-events.js'
import type { AdmissionPolicy } from '../admission/types.js'
import type { EventStore } from '../store/types.js'
import type { Verdict, Verifier } from '../verify/types.js'
import type { NostrEvent } from '../wire/event.js'
import { Backlog } from './backlog.js'
import { Decider } from './decider.js'
import type { Entry } from './entry.js'
import { IntakeError } from './errors.js'
import { EventCounts } from './event-counts.js'
import { EventMemory } from './event-memory.js'
import type { EventSource } from './event-source.js'
import type { HeldEventsOptions } from './held-events.js'
import { resultOf } from './result-of.js'
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

const sweepEvery = 60_000
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
 * outcome // => { kind: 'invalid', why: 'the id is not that of the content', isForged: true }
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
  readonly rejected: RejectedEvents
  readonly #options: EventIntakeOptions
  readonly #maxAheadSecs: number
  readonly #memory: EventMemory
  readonly #decider: Decider
  /** What the verifier had no room for. */
  #aside: Entry[] = []
  readonly #backlog: Backlog
  readonly #savedListeners = new Set<(events: readonly NostrEvent[]) => void>()
  readonly #offs: Off[]
  #isClosed = false

  constructor(options: EventIntakeOptions) {
    const { env, store, policy, verifier, rejected = new RejectedEvents(), hold } = options
    const { maxPending = 2000, maxPendingChars = 16 * 1024 * 1024, maxAheadSecs = 900 } = options
    this.#options = options
    this.#backlog = new Backlog(maxPending, maxPendingChars)
    this.#maxAheadSecs = maxAheadSecs
    this.rejected = rejected
    this.#memory = new EventMemory(store, rejected, hold, Math.floor(env.random() * 2 ** 32))
    this.#decider = new Decider({
      ...{ env, store, policy, memory: this.#memory },
      enter: (event) => this.#enter(event, nobody),
      finish: (entry, outcome) => this.#finish(entry, outcome),
      saved: (events) => {
        for (const listener of [...this.#savedListeners]) listener(events)
      },
    })
    const sweep = env.clock.sweep(sweepEvery, () => this.#memory.sweep(env.clock.wall()))
    this.#offs = [() => sweep.cancel(), verifier.onRoom(() => this.#submitAside())]
  }

  get pending(): number {
    return this.#backlog.size
  }

  get held(): number {
    return this.#memory.held
  }

  offer(event: NostrEvent, from: EventSource, done?: (outcome: IntakeOutcome) => void): 'taken' | 'full' {
    const tell = (outcome: IntakeOutcome): void => {
      this.counts.add(from, resultOf(outcome))
      done?.(outcome)
    }
    const early = this.#judgeUnchecked(event, from)
    if (early === null) {
      const entry = this.#enter(event, tell)
      if (!this.#decider.join(entry)) this.#submit(entry)
    } else tell(early)
    return this.#backlog.isFull ? 'full' : 'taken'
  }

  knows(id: string): boolean {
    return this.#decider.has(id) || this.#memory.of(id) !== null
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
    for (const event of this.#memory.releaseHeld(needs)) this.#pass(this.#enter(event, nobody))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const off of this.#offs) off()
    for (const entry of this.#aside.splice(0)) this.#finish(entry, undecided('the intake was closed'))
    await this.#decider.settled()
    this.#savedListeners.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // Before the signature -----------------------------------------------------------------------------------------

  /** What can be said without checking the signature (R69, R91); null if that has to be checked. */
  #judgeUnchecked(event: NostrEvent, from: EventSource): IntakeOutcome | null {
    if (this.#isClosed) return undecided('the intake was closed')
    const because = this.#memory.of(event.id)
    // A person who tries again, perhaps after a change of our policy, deserves an answer.
    if (because !== null && (because !== 'rejected' || from.kind === 'relay'))
      return { kind: 'known', because }
    const { env, policy } = this.#options
    if (policy.blocks(event))
      return { kind: 'rejected', reason: 'blocked', detail: 'the author is on the block list' }
    const ahead = event.created_at - env.clock.wall() / 1000
    if (ahead > this.#maxAheadSecs) {
      return { kind: 'invalid', why: 'created_at is too far in the future', isForged: false }
    }
    return null
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
        this.#finish(entry, { kind: 'invalid', why: 'the id is not that of the content', isForged: true })
        return
      case 'bad-signature':
        this.#finish(entry, { kind: 'invalid', why: 'the signature is not the author’s', isForged: true })
        return
      case 'unverified':
        this.#finish(entry, undecided('the verifier gave no verdict'))
    }
  }

  #pass(entry: Entry): void {
    if (this.#isClosed) {
      this.#finish(entry, undecided('the intake was closed'))
      return
    }
    this.#decider.add(entry)
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

/** Roughly: what is fixed in length counts as nothing. */
function charsOf({ content, tags }: NostrEvent): number {
  let chars = content.length
  for (const tag of tags) for (const text of tag) chars += text.length
  return chars
}
