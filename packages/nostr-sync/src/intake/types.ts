import type { Off } from '@holdfast/core'
import type { RejectedEvents } from '../admission/rejected-events.js'
import type { RejectReason } from '../admission/types.js'
import type { NostrEvent } from '../wire/event.js'
import type { EventCounts } from './event-counts.js'
import type { EventSource } from './event-source.js'

/**
 * What became of an event.
 *
 * - `saved`: it is stored, and durable.
 * - `known`: stored; `gone`, which is replaced by a newer one or deleted by its author; rejected or held before. What a client
 *   or a file brings again after a rejection is looked at again.
 * - `rejected`: the policy does not want it (spec 7).
 * - `held`: the policy keeps it aside (R76).
 * - `invalid`: not what its author has signed (R89, R90), or dated too far ahead (R91).
 * - `failed`: nothing is known about it, because the store or the verifier failed, or the intake was closed. It may be
 *   offered again.
 */
export type IntakeOutcome =
  | { readonly kind: 'saved' }
  | { readonly kind: 'known'; readonly because: 'stored' | 'gone' | 'rejected' | 'held' }
  | { readonly kind: 'rejected'; readonly reason: RejectReason; readonly detail: string }
  | { readonly kind: 'held'; readonly needs: string }
  /** `isForged`: by the event itself, not by its date. */
  | { readonly kind: 'invalid'; readonly why: string; readonly isForged: boolean }
  | { readonly kind: 'failed'; readonly cause: unknown }

/**
 * The one way by which events come in, from relays, clients and files alike: known id, blocked author, date, id and signature,
 * policy, store (R69, R70, R77). Shapes are checked by whoever reads the message.
 */
export interface Intake extends AsyncDisposable {
  /** Events that wait for a decision. */
  readonly pending: number
  /** What is kept aside by the policy, at present. */
  readonly held: number
  /**
   * Takes an event, always. One that was offered before its dependency is looked at again when that has been stored, also
   * where both come in one burst.
   *
   * @param done - told once, perhaps before this returns; must not throw
   * @returns `full` when the sender should be read no further until {@link Intake.onRoom}: what comes nevertheless is held
   *   in memory. `LinkIntake` does that for a link
   */
  offer(event: NostrEvent, from: EventSource, done?: (outcome: IntakeOutcome) => void): 'taken' | 'full'
  /** What became of all events, by who sent them (R104). */
  readonly counts: EventCounts
  /** The memory of what was not taken (R75). */
  readonly rejected: RejectedEvents
  /** Whether there is no use in fetching the event: stored, replaced, deleted, rejected, held, or being decided on. */
  knows(id: string): boolean
  /** Tells that there is room again, after `full`. Listeners must not throw. */
  onRoom(listener: () => void): Off
  /** Tells what was saved, in the order of saving, a batch at a time. Listeners must not throw. */
  onSaved(listener: (events: readonly NostrEvent[]) => void): Off
  /** Everything that was offered before has been decided on; what was saved is durable. */
  settled(): Promise<void>
  /** What is kept aside because of this need is put to the policy again: embedders call it when the need is met (R76). */
  reconsider(needs: string): void
  /** Takes nothing more; what waits for the verifier fails, what waits for the store is stored. Idempotent. */
  close(): Promise<void>
}
