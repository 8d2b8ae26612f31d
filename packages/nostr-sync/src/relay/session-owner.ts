import type { Cursor, End, LinkProtocol } from '@holdfast/core'
import type { EventResult } from '../intake/event-counts.js'
import type { PendingBatch } from '../sync/pending-batches.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { HealthTracker } from './health-tracker.js'
import type { RelayCapabilities } from './relay-capabilities.js'
import type { RelayCounter } from './relay-counter.js'
import type { RelayOptions } from './relay-options.js'

/** What a session knows of its relay: what outlives it, and whom to tell. */
export interface SessionOwner {
  readonly url: RelayUrl
  readonly options: RelayOptions
  readonly progress: Cursor<UnixSeconds, PendingBatch>
  readonly health: HealthTracker
  readonly capabilities: RelayCapabilities
  readonly counter: RelayCounter
  /** Counts an event that was not even offered to the intake. */
  countUnoffered(result: Extract<EventResult, 'invalid' | 'unsolicited'>): void
  /** A batch could not be fetched whole. */
  batchFailed(batch: PendingBatch): void
  /** What it asked us to wait is over. */
  cooledDown(): void
  /** Live subscriptions were lost while the link lasts. */
  restoreLive(): void
  /** A live subscription was refused, and will not be opened again unless what has failed is. */
  liveRefused(): void
  /** The link of a session is gone. */
  sessionEnded(session: LinkProtocol, why: End): void
}
