import type { End, Log, Millis, Timer } from '@holdfast/core'
import type { ClientMessage } from '../wire/client-message.js'
import type { NostrEvent, UnixSeconds } from '../wire/event.js'

/** Who hears what comes for one subscription. */
export interface SubscriptionHandler {
  /** Whether the subscription asked for the event (R64). */
  readonly matches: (event: NostrEvent) => boolean
  event(event: NostrEvent): void
  /** An event came whose shape is wrong: it counts for the page all the same (R53). */
  malformed(): void
  eose(): void
  closed(text: string): void
}

/** Who hears what comes for one reconciliation. */
export interface ReconciliationHandler {
  message(hex: string): void
  error(text: string): void
  closed(text: string): void
  /** A text for people came, which may be about this (R99). */
  notice(text: string): void
}

/** What the parts of a session have in common: one link, its ids and its time. All of it ends with the link. */
export interface RelayChannel {
  readonly subscriptions: Map<string, SubscriptionHandler>
  readonly reconciliations: Map<string, ReconciliationHandler>
  readonly log: Log
  /** An id that no other session has (R12): `<session>.<n>`, both in base 36. */
  nextId(): string
  send(message: ClientMessage): void
  after(ms: Millis, fn: () => void): Timer
  /** Wraps what comes back from elsewhere, so that it does nothing once the link has ended. */
  guard<A extends unknown[]>(fn: (...args: A) => void): (...args: A) => void
  /** Monotonic. */
  now(): Millis
  /** Messages that came so far. */
  readonly received: number
  wallSeconds(): UnixSeconds
  /** A seed for tables of ids that strangers choose. */
  seed(): number
  /** Ends the link. */
  fail(why: End): void
  /** Something was refused until we say who we are (R92). @param then - told once whether asking again is of use */
  authenticate(then: (accepted: boolean) => void): void
}
