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
  wallSeconds(): UnixSeconds
  intakeOf(scope: LinkScope): LinkIntake
  capSubscriptions(most: number): void
  limitZeroFailed(): void
  mayUseNegentropy(): boolean
  negentropyRefused(why: string): void
  quietFor(): Millis
  rateLimited(text: string): void
  countUnoffered(result: 'invalid' | 'unsolicited'): void
  countPage(): void
  countReconciliation(): void
  batchFailed(batch: PendingBatch): void
  cooledDown(): void
  restoreLive(): void
  sessionEnded(session: LinkProtocol, why: End): void
}
