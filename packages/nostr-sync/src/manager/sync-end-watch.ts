import type { Clock, Millis } from '@holdfast/core'
import type { RelaySession } from '../relay/relay-session.js'
import { syncEnd } from '../sync/sync-end.js'
import type { RelayWork } from './relay-work.js'

/** What a {@link SyncEndWatch} has to know. */
export interface SyncEndOptions {
  readonly clock: Clock
  readonly batchWindow: Millis
  /** Whether everything that was stored has been looked at for new targets. */
  readonly isCaughtUp: () => boolean
  /** A relay's historic sync is over; told again after each later batch. */
  readonly onEnd: (
    work: RelayWork,
    session: RelaySession,
    end: 'connected' | 'connected-with-failures',
  ) => void
}

const recheckEvery: Millis = 1000

/** Finds out when the historic sync of a relay is over (R57): when nothing is pending, and nothing will follow from what came. */
export class SyncEndWatch {
  readonly #options: SyncEndOptions

  constructor(options: SyncEndOptions) {
    this.#options = options
  }

  /** Something of the relay has changed. */
  look(work: RelayWork): void {
    const { session } = work.relay
    if (session === null || session.phase === 'opening') return
    if (session.pendingBatches > 0) work.quietSince = null
    else if (work.quietSince === null) {
      work.quietSince = this.#options.clock.now()
      this.#lookLater(work, session, this.#options.batchWindow + recheckEvery)
    }
  }

  #lookLater(work: RelayWork, session: RelaySession, ms: Millis): void {
    session.channel.after(ms, () => this.#judge(work, session))
  }

  #judge(work: RelayWork, session: RelaySession): void {
    // If there was something meanwhile, its end is watched for by another call.
    if (work.quietSince === null) return
    const { clock, batchWindow, isCaughtUp, onEnd } = this.#options
    const quietFor = clock.now() - work.quietSince
    const { pendingBatches, hasFailed: hasFailures } = session
    const end = syncEnd({ pendingBatches, hasFailures, quietFor, selfCaughtUp: isCaughtUp() }, batchWindow)
    if (end === 'syncing') this.#lookLater(work, session, recheckEvery)
    else onEnd(work, session, end)
  }
}
