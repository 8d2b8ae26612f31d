import type { Clock, Millis } from '@holdfast/core'
import type { RelaySession } from '../relay/relay-session.js'
import { waitAfterFailures } from '../sync/sync-end.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { ReconciliationQueue } from './reconciliation-queue.js'
import { allLive, type RelayWork, type SyncContext } from './relay-work.js'
import type { CaughtUp } from './status.js'
import { askFailedAgain } from './strategies.js'
import { SyncEndWatch } from './sync-end-watch.js'

/** What {@link SyncCompletion} is made of. */
export interface SyncCompletionParts {
  readonly clock: Clock
  readonly context: SyncContext
  /** Whether everything that was stored has been looked at for new targets. */
  readonly isCaughtUp: () => boolean
  readonly workOf: (url: RelayUrl) => RelayWork | undefined
  /** Does something after what is being done, by the single writer. */
  readonly run: (task: () => void) => void
  /** Asks a relay for what is wanted of it and neither confirmed nor in flight. */
  readonly compute: (url: RelayUrl) => void
  /** Something that operators see has changed. */
  readonly changed: () => void
  readonly now: () => UnixSeconds
  readonly onCaughtUp: ((what: CaughtUp) => void) | undefined
}

/** When a look for what was dated before the gap is taken once more that could not be. */
const reconcileAgainAfter: Millis = 300_000

/** The end of each historic sync, and what follows from it: what has failed is asked for again (R57), what `since` cannot find is looked for (R46). */
export class SyncCompletion {
  readonly #parts: SyncCompletionParts
  readonly #ends: SyncEndWatch
  readonly #reconciliations: ReconciliationQueue

  constructor(parts: SyncCompletionParts) {
    const { clock, context, isCaughtUp, run } = parts
    this.#parts = parts
    this.#ends = new SyncEndWatch({
      ...{ clock, isCaughtUp },
      batchWindow: context.options.batchWindow,
      onEnd: (work, session, end) => run(() => this.#over(work, session, end)),
    })
    this.#reconciliations = new ReconciliationQueue((url, done) => this.#reconcile(url, done))
  }

  /** Something has begun or ended that the end of a relay's sync depends on. */
  look(work: RelayWork): void {
    this.#ends.look(work)
  }

  /** Judges the end of a relay's sync anew, also where it was over. */
  lookAgain(work: RelayWork): void {
    work.quietSince = null
    this.#ends.look(work)
  }

  /** The session of a relay is over. */
  drop(work: RelayWork): void {
    this.#forgetFailures(work)
    this.#reconciliations.drop(work.relay.url)
  }

  #over(work: RelayWork, session: RelaySession, end: 'connected' | 'connected-with-failures'): void {
    if (session.phase === 'syncing') this.#caughtUp(work)
    session.phase = end
    this.#parts.changed()
    if (end === 'connected') this.#forgetFailures(work)
    else this.#askFailedLater(work, session, waitAfterFailures(work.failuresInRow))
    if (!work.owesReconciliation) return
    work.owesReconciliation = false
    this.#reconciliations.add(work.relay.url)
  }

  #caughtUp({ relay, strategy, beganAt, quietSince, failuresInRow }: RelayWork): void {
    if (strategy === null) return
    const { clock, now, onCaughtUp } = this.#parts
    // What is asked for once more because it has failed is not all.
    if (strategy === 'fresh-start' && failuresInRow === 0) relay.noteFullSync(now())
    const took = Math.max(0, (quietSince ?? clock.now()) - beganAt)
    onCaughtUp?.({ relay: relay.url, strategy, took })
  }

  #reconcile(url: RelayUrl, done: () => void): boolean {
    const { context, workOf, run } = this.#parts
    const work = workOf(url)
    const session = work?.relay.session ?? null
    if (work === undefined || session === null) return false
    session.reconcile(allLive(context, session, work), (how) => {
      run(done)
      if (how === 'failed') session.channel.after(reconcileAgainAfter, () => this.#reconciliations.add(url))
    })
    return true
  }

  #forgetFailures(work: RelayWork): void {
    work.failuresInRow = 0
    work.failedAgain?.cancel()
    work.failedAgain = null
  }

  /** Once for all that fails until then: the end of every batch is the end of a sync again. */
  #askFailedLater(work: RelayWork, session: RelaySession, wait: Millis): void {
    work.failedAgain ??= session.channel.after(wait, () => {
      work.failedAgain = null
      this.#parts.run(() => this.#askFailedAgain(work, session))
    })
  }

  #askFailedAgain(work: RelayWork, session: RelaySession): void {
    const { context, compute } = this.#parts
    const { url, health } = work.relay
    // Else everything is being asked for anew, and the end of that is judged by itself.
    if (session.phase !== 'connected-with-failures') return
    if (health.isRateLimited) {
      this.#askFailedLater(work, session, health.quietFor())
      return
    }
    work.failuresInRow += 1
    askFailedAgain(context, session, work)
    compute(url)
    this.#ends.look(work)
  }
}
