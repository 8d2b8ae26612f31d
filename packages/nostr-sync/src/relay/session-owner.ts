import type { Cursor, End, LinkProtocol, LinkScope, Millis } from '@holdfast/core'
import type { LinkIntake } from '../intake/link-intake.js'
import type { PendingBatch } from '../sync/pending-batches.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayLimitation } from '../wire/relay-info.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { RelayOptions } from './relay-options.js'

/** What a session knows of its relay: what outlives it, and whom to tell. */
export interface SessionOwner {
  readonly url: RelayUrl
  readonly options: RelayOptions
  readonly limitation: RelayLimitation
  readonly progress: Cursor<UnixSeconds, PendingBatch>
  readonly maxSubscriptions: number | undefined
  readonly consolidationThreshold: number
  readonly isLimitZeroUnsafe: boolean
  readonly isRateLimited: boolean
  /** Civil time, in seconds. */
  wallSeconds(): UnixSeconds
  /** Where the events of one link go. */
  intakeOf(scope: LinkScope): LinkIntake
  /** It refused another subscription: no more than so many from now on. */
  capSubscriptions(most: number): void
  /** It took `limit: 0` for no limit (R37). */
  limitZeroFailed(): void
  /** Whether negentropy may be tried now (R97). */
  mayUseNegentropy(): boolean
  /** It refused negentropy (R102). */
  negentropyRefused(why: string): void
  /** How long nothing new may be asked of it (R84). */
  quietFor(): Millis
  /** It asked us to slow down. */
  rateLimited(text: string): void
  /** Counts an event that was not even offered to the intake. */
  countUnoffered(result: 'invalid' | 'unsolicited'): void
  /** Counts a page of history. */
  countPage(): void
  /** Counts a reconciliation. */
  countReconciliation(): void
  /** A batch could not be fetched whole. */
  batchFailed(batch: PendingBatch): void
  /** What it asked us to wait is over. */
  cooledDown(): void
  /** Live subscriptions were lost while the link lasts. */
  restoreLive(): void
  /** The link of a session is gone. */
  sessionEnded(session: LinkProtocol, why: End): void
}
