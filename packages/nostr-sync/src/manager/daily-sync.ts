import type { Env } from '@holdfast/core'
import type { RelaySession } from '../relay/relay-session.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayWork } from './relay-work.js'

const hourSecs = 3600

/** Says when each relay is to be synced anew (R47): by chance, so that not all of them are at once. */
export class DailySync {
  readonly #env: Pick<Env, 'random'>
  readonly #hours: readonly [least: number, most: number]

  constructor(env: Pick<Env, 'random'>, hours: readonly [least: number, most: number]) {
    this.#env = env
    this.#hours = hours
  }

  /** Draws how long after a full sync the next one comes, in seconds. */
  draw(): number {
    const [least, most] = this.#hours
    return (least + this.#env.random() * (most - least)) * hourSecs
  }

  /** The session of a relay that is due and may be asked; null otherwise. @param now - in seconds */
  due({ relay, dailyAfterSecs, owesFullSync }: RelayWork, now: UnixSeconds): RelaySession | null {
    const { session, record, health } = relay
    const { lastFullSync } = record
    const isDue = lastFullSync !== null && now - lastFullSync >= dailyAfterSecs
    if (!isDue && !owesFullSync) return null
    if (session === null || health.isRateLimited) return null
    return session.phase === 'connected' || session.phase === 'connected-with-failures' ? session : null
  }
}
