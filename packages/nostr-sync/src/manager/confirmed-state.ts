import { type Env, type Member, type Millis, type Roster, roster } from '@holdfast/core'
import { type SyncItems, syncItems } from '../sync/items.js'
import type { RelayUrl } from '../wire/relay-url.js'

/** What a relay is known to have given us in full. */
export interface Confirmed {
  readonly items: SyncItems
  /** Whether all its announcements were fetched once (R7, R10). */
  readonly announcementsSynced: boolean
}

/** What nothing is known of. */
export const nothingConfirmed: Confirmed = { items: syncItems(), announcementsSynced: false }

/** A frozen relay as it is saved: since when, and what was confirmed. */
export type ConfirmedEntry = readonly [url: RelayUrl, since: Millis, confirmed: Confirmed]

/** What is confirmed of each relay, and kept for a while after it is gone (R28, R40): the RelaySyncIndex. */
export class ConfirmedState {
  readonly #roster: Roster<RelayUrl, Confirmed>

  /** @param keepFor - for exactly so long is still kept */
  constructor(env: Env, keepFor: Millis, restore: Iterable<ConfirmedEntry> = []) {
    this.#roster = roster({
      env,
      keep: () => ({ for: keepFor }),
      restore: [...restore].map(([url, since, value]): [RelayUrl, Member<Confirmed>] => [
        url,
        { value, lastActive: since, frozen: { since, why: 'restart' } },
      ]),
    })
  }

  of(url: RelayUrl): Confirmed {
    return (this.#roster.live.get(url) ?? this.#roster.frozen.get(url))?.value ?? nothingConfirmed
  }

  /** The relay is back. @returns for how long it was away; null if nothing was kept of it, or no longer is */
  thaw(url: RelayUrl): Millis | null {
    const back = this.#roster.thaw(url)
    if (back === null) this.#roster.join(url, nothingConfirmed)
    return back?.frozenFor ?? null
  }

  freeze(url: RelayUrl): void {
    this.#roster.freeze(url, 'disconnected')
  }

  update(url: RelayUrl, change: (confirmed: Confirmed) => Confirmed): void {
    this.#roster.update(url, change(this.of(url)))
  }

  forget(url: RelayUrl): void {
    this.#roster.forget(url)
  }

  /** Forgets those that were kept for long enough. */
  sweep(): void {
    this.#roster.sweep()
  }

  close(): void {
    this.#roster.close()
  }
}
