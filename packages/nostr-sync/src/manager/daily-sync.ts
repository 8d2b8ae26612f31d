import type { Env } from '@holdfast/core'
import type { RelaySession } from '../relay/relay-session.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayWork, SyncContext } from './relay-work.js'
import { syncAnew } from './strategies.js'

/** What a {@link DailySync} is made of. */
export interface DailySyncParts {
  readonly env: Pick<Env, 'clock' | 'random'>
  readonly context: SyncContext
  /** Told of each relay that everything is asked of anew. */
  readonly onBegin: (work: RelayWork) => void
}

const hourSecs = 3600

/** Syncs each relay anew once a day (R47), at a time left to chance, so that not all of them are at once. */
export class DailySync {
  readonly #parts: DailySyncParts

  constructor(parts: DailySyncParts) {
    this.#parts = parts
  }

  /** Draws how long after a full sync the next one comes, in seconds. */
  draw(): number {
    const { env, context } = this.#parts
    const [least, most] = context.options.dailySyncHours
    return (least + env.random() * (most - least)) * hourSecs
  }

  /** Begins where it is due, and the relay may be asked. */
  look(relays: Iterable<RelayWork>): void {
    const { env, context, onBegin } = this.#parts
    const now = Math.floor(env.clock.wall() / 1000)
    for (const work of relays) {
      const session = due(work, now)
      if (session === null) continue
      work.relay.noteFullSync(now)
      work.dailyAfterSecs = this.draw()
      work.owesFullSync = false
      work.beganAt = env.clock.now()
      syncAnew(context, session, work)
      onBegin(work)
    }
  }

  /**
   * The clock was set. What came was judged by a wrong date, or is about to be asked for since a wrong one: positions in time mean
   * nothing any more (R37, R91).
   */
  clockSet(relays: Iterable<RelayWork>): void {
    for (const work of relays) work.owesFullSync = true
    this.look(relays)
  }
}

/** The session of a relay that is due and may be asked; null otherwise. */
function due({ relay, dailyAfterSecs, owesFullSync }: RelayWork, now: UnixSeconds): RelaySession | null {
  const { session, record, health } = relay
  const { lastFullSync } = record
  const isDue = lastFullSync !== null && now - lastFullSync >= dailyAfterSecs
  if (!isDue && !owesFullSync) return null
  if (session === null || health.isRateLimited) return null
  return session.phase === 'connected' || session.phase === 'connected-with-failures' ? session : null
}
