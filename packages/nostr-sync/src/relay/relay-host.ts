import type { End } from '@holdfast/core'
import type { PendingBatch } from '../sync/pending-batches.js'
import type { RelayConnection } from './relay-connection.js'
import type { RelaySession } from './relay-session.js'

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
  /** Something that operators see has changed. */
  changed(relay: RelayConnection): void
}
