import type { AdmissionPolicy } from '../admission/types.js'
import type { EventStore } from '../store/types.js'
import type { RepoIndex } from '../sync/repo-index.js'
import { addressOf } from '../wire/address.js'
import { isRootKind } from '../wire/kinds.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { type StoredChanges, storedTargets } from './self-subscriber.js'

/** Keeps the index of what is wanted in step with the store (R6, R35, R65 to R68). */
export class WantedItems {
  readonly #index: RepoIndex
  readonly #store: EventStore
  readonly #policy: AdmissionPolicy

  constructor(index: RepoIndex, store: EventStore, policy: AdmissionPolicy) {
    this.#index = index
    this.#store = store
    this.#policy = policy
  }

  /** Takes up everything that is stored (R67). */
  load(): void {
    for (const events of storedTargets(this.#store)) this.#take(events)
  }

  /** Takes up what was stored and deleted. @returns the relays for which something has changed */
  take({ saved, deleted }: StoredChanges): Set<RelayUrl> {
    const changed = this.#take(saved)
    for (const event of deleted) {
      // A deletion may be older than what replaced the event meanwhile.
      const address = addressOf(event)
      const gone = isRootKind(event.kind)
        ? this.#index.detachRoot(event.id)
        : address !== null && !this.#store.hasAddress(address)
          ? this.#index.withdraw(address)
          : []
      for (const url of gone) changed.add(url)
    }
    return changed
  }

  #take(events: StoredChanges['saved']): Set<RelayUrl> {
    return this.#index.take(events, (announcement) => this.#policy.mirrors(announcement, this.#store))
  }
}
