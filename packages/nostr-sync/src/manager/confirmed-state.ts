import { type Env, type Member, type Millis, type Roster, roster } from '@holdfast/core'
import { intersectItems, type SyncItems, subtractItems, syncItems, uniteItems } from '../sync/items.js'
import type { BatchPurpose } from '../sync/pending-batches.js'
import type { RelayUrl } from '../wire/relay-url.js'

/** What a relay is known to have given us in full. */
export interface Confirmed {
  readonly items: SyncItems
  /** Whether all its announcements were fetched once (R7, R10). */
  readonly announcementsSynced: boolean
}

/** What nothing is known of. */
const nothingConfirmed: Confirmed = { items: syncItems(), announcementsSynced: false }

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

  /** A batch has come whole. @param target - what is wanted of the relay now: a batch under way must not bring back more (R35) */
  batchConfirmed(url: RelayUrl, purpose: BatchPurpose, target: SyncItems): void {
    if (purpose.kind === 'announcements')
      this.#update(url, (before) => ({ ...before, announcementsSynced: true }))
    else if (purpose.kind === 'items') {
      const still = intersectItems(purpose.items, target)
      this.#update(url, (before) => ({ ...before, items: uniteItems(before.items, still) }))
    }
  }

  /** What a batch asked for did not come whole, whatever had come before (R57). */
  batchFailed(url: RelayUrl, purpose: BatchPurpose): void {
    if (purpose.kind === 'announcements')
      this.#update(url, (before) => ({ ...before, announcementsSynced: false }))
    else this.#update(url, (before) => ({ ...before, items: subtractItems(before.items, purpose.items) }))
  }

  /** Lets go what is not of the target any more. */
  retain(url: RelayUrl, target: SyncItems): void {
    this.#update(url, (before) => ({ ...before, items: intersectItems(before.items, target) }))
  }

  /** All of it has to come anew. */
  clear(url: RelayUrl): void {
    this.#update(url, () => nothingConfirmed)
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

  #update(url: RelayUrl, change: (before: Confirmed) => Confirmed): void {
    this.#roster.update(url, change(this.of(url)))
  }
}
