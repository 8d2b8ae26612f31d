import type { Env } from '@holdfast/core'
import type { AdmissionPolicy } from '../admission/types.js'
import type { EventStore, PutOutcome } from '../store/types.js'
import type { NostrEvent } from '../wire/event.js'
import type { Entry } from './entry.js'
import type { EventMemory } from './event-memory.js'
import type { IntakeOutcome } from './types.js'

/** What a {@link Decider} is made of. */
export interface DeciderParts {
  readonly env: Pick<Env, 'clock' | 'log'>
  readonly store: EventStore
  readonly policy: AdmissionPolicy
  readonly memory: EventMemory
  /** Makes the entry of an event that nobody waits for any more. */
  readonly enter: (event: NostrEvent) => Entry
  readonly finish: (entry: Entry, outcome: IntakeOutcome) => void
  /** What was saved, in the order of saving. */
  readonly saved: (events: readonly NostrEvent[]) => void
}

/** An event whose signature is right. */
interface Verified extends Entry {
  /** The same event from others, who came while it was being decided on. */
  readonly others: Entry[]
}

/** To be stored, or else the outcome. */
type Decision = { readonly kind: 'accept' } | IntakeOutcome

/** Events that are put to the policy before the store is written to. */
const eventsAtOnce = 1000

/** Puts verified events to the policy and into the store, in bursts (R71 to R77). */
export class Decider {
  readonly #parts: DeciderParts
  #verified: Verified[] = []
  /** Signature checked, outcome not known, by id. */
  readonly #deciding = new Map<string, Verified>()
  #running: Promise<void> | null = null

  constructor(parts: DeciderParts) {
    this.#parts = parts
  }

  /** Whether an event is being decided on. */
  has(id: string): boolean {
    return this.#deciding.has(id)
  }

  /** Has an event share the outcome of the one that is being decided on under its id (R78), if there is one. */
  join(entry: Entry): boolean {
    const same = this.#deciding.get(entry.event.id)
    same?.others.push(entry)
    return same !== undefined
  }

  /** Takes an event whose signature is right. */
  add(entry: Entry): void {
    if (this.join(entry)) return
    this.#verified.push(this.#begin(entry))
    this.#running ??= this.#run()
  }

  /** Whatever was added has been decided on. */
  async settled(): Promise<void> {
    await this.#running
  }

  #begin(entry: Entry): Verified {
    const verified = { ...entry, others: [] }
    this.#deciding.set(entry.event.id, verified)
    return verified
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
    const { memory, enter } = this.#parts
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
        .flatMap(({ event }) => memory.releaseRejected(event))
        .map((released) => {
          const waiting = rejections.get(released.id)?.entry
          rejections.delete(released.id)
          return waiting ?? this.#begin(enter(released))
        })
      accepted.forEach((entry, index) => {
        const outcome = outcomes[index]
        if (outcome !== undefined) this.#settle(entry, outcome)
      })
    }
    for (const { entry, outcome } of rejections.values()) this.#settle(entry, outcome)
  }

  #admit(event: NostrEvent): Decision {
    const { env, policy, store, memory } = this.#parts
    try {
      // Its twin may have been decided on while its own signature was being checked.
      const because = memory.ofLate(event.id)
      if (because !== null && because !== 'rejected') return { kind: 'known', because }
      const admission = policy.admit(event, store)
      switch (admission.kind) {
        case 'accept':
          return admission
        case 'reject':
          memory.reject(event, admission.reason, env.clock.wall())
          return { ...admission, kind: 'rejected' }
        case 'hold':
          memory.hold(event, admission.needs, env.clock.wall())
          return { kind: 'held', needs: admission.needs }
      }
    } catch (cause) {
      env.log.error({ err: cause, id: event.id }, 'an event could not be decided on')
      return { kind: 'failed', cause }
    }
  }

  async #put(entries: readonly Verified[]): Promise<readonly IntakeOutcome[]> {
    if (entries.length === 0) return []
    const { env, store, saved } = this.#parts
    try {
      const outcomes = await store.put(entries.map(({ event }) => event))
      const events = entries.filter((_, index) => outcomes[index] === 'saved').map(({ event }) => event)
      if (events.length > 0) saved(events)
      return entries.map((entry, index) => this.#outcomeOf(entry, outcomes[index]))
    } catch (cause) {
      env.log.error({ err: cause, events: entries.length }, 'events could not be stored')
      return entries.map(() => ({ kind: 'failed', cause }))
    }
  }

  #outcomeOf({ event }: Verified, outcome: PutOutcome | undefined): IntakeOutcome {
    if (outcome === 'not-stored')
      return { kind: 'rejected', reason: 'not-stored', detail: `kind ${event.kind} is never stored` }
    this.#parts.memory.stored(event.id)
    if (outcome === 'saved') return { kind: 'saved' }
    return { kind: 'known', because: outcome === 'duplicate' ? 'stored' : 'gone' }
  }

  #settle(entry: Verified, outcome: IntakeOutcome): void {
    this.#deciding.delete(entry.event.id)
    this.#parts.finish(entry, outcome)
    const forOthers = outcome.kind === 'saved' ? ({ kind: 'known', because: 'stored' } as const) : outcome
    for (const other of entry.others) this.#parts.finish(other, forOthers)
  }
}
