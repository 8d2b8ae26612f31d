import type { WallStamp } from '@holdfast/core'
import type { RejectedEvents } from '../admission/rejected-events.js'
import type { RejectReason } from '../admission/types.js'
import type { EventStore } from '../store/types.js'
import { KnownIds } from '../verify/known-ids.js'
import type { NostrEvent } from '../wire/event.js'
import { HeldEvents, type HeldEventsOptions } from './held-events.js'
import type { IntakeOutcome } from './types.js'

/** Why there is no use in looking at an event again. */
export type KnownBecause = Extract<IntakeOutcome, { kind: 'known' }>['because']

/** What is known of events that were decided on: stored, gone, rejected (R75) or held (R76). */
export class EventMemory {
  readonly #store: EventStore
  readonly #rejected: RejectedEvents
  readonly #held: HeldEvents
  /** Of what the store knows: asked before it. */
  readonly #stored: KnownIds

  /** @param seed - a random 32-bit number, because strangers choose ids */
  constructor(
    store: EventStore,
    rejected: RejectedEvents,
    hold: HeldEventsOptions | undefined,
    seed: number,
  ) {
    this.#store = store
    this.#rejected = rejected
    this.#held = new HeldEvents(hold)
    this.#stored = new KnownIds(undefined, seed)
  }

  /** Events that are held. */
  get held(): number {
    return this.#held.size
  }

  /** What became of an event; null if it was never decided on. */
  of(id: string): KnownBecause | null {
    return this.ofLate(id) ?? (this.#store.knows(id) ? this.#storedOrGone(id) : null)
  }

  /** The same for what was decided on of late, without a look at the disk; null may also mean that it was long ago. */
  ofLate(id: string): KnownBecause | null {
    if (this.#rejected.has(id)) return 'rejected'
    if (this.#held.has(id)) return 'held'
    return this.#stored.has(id) ? this.#storedOrGone(id) : null
  }

  /** The store has it, or has had it. */
  stored(id: string): void {
    this.#stored.add(id)
  }

  reject(event: NostrEvent, reason: RejectReason, now: WallStamp): void {
    this.#rejected.add(event, reason, now)
  }

  hold(event: NostrEvent, needs: string, now: WallStamp): void {
    this.#held.add(event, needs, now)
  }

  /** Takes out what was rejected for want of an event that is stored now. */
  releaseRejected(by: NostrEvent): NostrEvent[] {
    return this.#rejected.release(by)
  }

  /** Takes out what was held for want of this. */
  releaseHeld(needs: string): NostrEvent[] {
    return this.#held.take(needs)
  }

  /** Lets go of what was kept for long enough. To be called every minute. */
  sweep(now: WallStamp): void {
    this.#rejected.sweep(now)
    this.#held.sweep(now)
  }

  #storedOrGone(id: string): 'stored' | 'gone' {
    return this.#store.has(id) ? 'stored' : 'gone'
  }
}
