import { isRepoKey, type RepoKey } from '../wire/address.js'
import { type Announcement, readAnnouncement, relaysOf } from '../wire/announcement.js'
import type { NostrEvent } from '../wire/event.js'
import { isRootKind, kinds } from '../wire/kinds.js'
import { isOwnRelay, type RelayUrl } from '../wire/relay-url.js'
import { type SyncItems, syncItems } from './items.js'

/** Whether all about a repository is wanted, or only its state because its announcement is held (R15). */
export type SyncLevel = 'full' | 'state-only'

/** What is wanted of one repository. */
export interface RepoNeeds {
  readonly relays: ReadonlySet<RelayUrl>
  readonly rootEvents: ReadonlySet<string>
  readonly level: SyncLevel
  /** The owner and the maintainers: whose state events count. */
  readonly authors: ReadonlySet<string>
}

/** Options of {@link RepoIndex}. */
export interface RepoIndexOptions {
  /** Our own domains, which are no targets (R5). */
  readonly domains: readonly string[]
  /**
   * Relays that are synced with; the first ones named win (R4).
   *
   * @defaultValue 500
   */
  readonly maxRelays?: number
  /**
   * Relays that one announcement may name (R4).
   *
   * @defaultValue 20
   */
  readonly maxRelaysPerRepo?: number
}

interface Entry extends RepoNeeds {
  relays: Set<RelayUrl>
  readonly rootEvents: Set<string>
  level: SyncLevel
  authors: Set<string>
}

/**
 * What is wanted, by repository and, the other way round, by relay (R6, R16). Every change says which relays it
 * concerns, so that a change of one repository costs nothing to the rest.
 */
export class RepoIndex {
  readonly #options: RepoIndexOptions
  readonly #repos = new Map<RepoKey, Entry>()
  readonly #byRelay = new Map<RelayUrl, Set<RepoKey>>()
  readonly #reposOfRoot = new Map<string, Set<RepoKey>>()

  constructor(options: RepoIndexOptions) {
    this.#options = options
  }

  /** What is wanted of each repository. */
  get repos(): ReadonlyMap<RepoKey, RepoNeeds> {
    return this.#repos
  }

  /** The relays to sync with: those that repositories name, up to `maxRelays`. */
  relays(): RelayUrl[] {
    return [...this.#byRelay.keys()].slice(0, this.#options.maxRelays ?? 500)
  }

  /** What is wanted from one relay (R16). */
  targetOf(relay: RelayUrl): SyncItems {
    return targetFrom([...(this.#byRelay.get(relay) ?? [])].flatMap((key) => this.#needs(key)))
  }

  /**
   * Takes an announcement, or a newer version of one (R68): relays that it no longer names are dropped. A repository that
   * is wanted in full stays so (R15).
   *
   * @returns the relays for which something changed
   */
  announce(announcement: Announcement, level: SyncLevel = 'full'): Set<RelayUrl> {
    const { key, owner, maintainers } = announcement
    const { domains, maxRelaysPerRepo } = this.#options
    const relays = new Set(
      relaysOf(announcement, maxRelaysPerRepo).filter((relay) => !isOwnRelay(relay, domains)),
    )
    const authors = new Set([owner, ...maintainers])
    const before = this.#repos.get(key)
    if (before === undefined) {
      this.#repos.set(key, { relays, rootEvents: new Set(), level, authors })
      for (const relay of relays) this.#list(relay, key)
      return new Set(relays)
    }
    const changed = new Set([...relays, ...before.relays])
    for (const relay of before.relays) if (!relays.has(relay)) this.#unlist(relay, key)
    for (const relay of relays) this.#list(relay, key)
    before.relays = relays
    before.authors = authors
    if (level === 'full') before.level = 'full'
    return changed
  }

  /** Forgets a repository and the root events that belong to no other. @returns the relays concerned */
  withdraw(key: RepoKey): Set<RelayUrl> {
    const entry = this.#repos.get(key)
    if (entry === undefined) return new Set()
    this.#repos.delete(key)
    for (const relay of entry.relays) this.#unlist(relay, key)
    for (const id of entry.rootEvents) {
      const owners = this.#reposOfRoot.get(id)
      owners?.delete(key)
      if (owners?.size === 0) this.#reposOfRoot.delete(id)
    }
    return entry.relays
  }

  /**
   * Attaches a root event to every known repository that its `a` tags name (R14); one of unknown repositories is not kept.
   *
   * @returns the relays concerned
   */
  attachRoot(event: Pick<NostrEvent, 'id' | 'tags'>): Set<RelayUrl> {
    const changed = new Set<RelayUrl>()
    for (const [name, value = ''] of event.tags) {
      if (name !== 'a' || !isRepoKey(value)) continue
      const entry = this.#repos.get(value)
      if (entry === undefined || entry.rootEvents.has(event.id)) continue
      entry.rootEvents.add(event.id)
      getOrMake(this.#reposOfRoot, event.id).add(value)
      for (const relay of entry.relays) changed.add(relay)
    }
    return changed
  }

  /** Forgets a root event, because it was deleted. @returns the relays concerned */
  detachRoot(id: string): Set<RelayUrl> {
    const changed = new Set<RelayUrl>()
    for (const key of this.#reposOfRoot.get(id) ?? []) {
      const entry = this.#repos.get(key)
      entry?.rootEvents.delete(id)
      for (const relay of entry?.relays ?? []) changed.add(relay)
    }
    this.#reposOfRoot.delete(id)
    return changed
  }

  /**
   * Takes what was saved since the last tick (R65, R66), or all that is stored at the start (R67): announcements first, so
   * that no root event finds its repository unknown.
   *
   * @param mirrors - whether a repository is to be synced; one that is not, or no longer, is withdrawn (R35)
   * @returns the relays concerned
   */
  take(events: readonly NostrEvent[], mirrors: (announcement: Announcement) => boolean): Set<RelayUrl> {
    const changed = new Set<RelayUrl>()
    const note = (relays: Iterable<RelayUrl>): void => {
      for (const relay of relays) changed.add(relay)
    }
    for (const event of events) {
      if (event.kind !== kinds.announcement) continue
      const reading = readAnnouncement(event)
      if (reading.kind === 'malformed') continue
      const { announcement } = reading
      note(mirrors(announcement) ? this.announce(announcement) : this.withdraw(announcement.key))
    }
    for (const event of events) if (isRootKind(event.kind)) note(this.attachRoot(event))
    return changed
  }

  #needs(key: RepoKey): (readonly [RepoKey, RepoNeeds])[] {
    const entry = this.#repos.get(key)
    return entry === undefined ? [] : [[key, entry]]
  }

  #list(relay: RelayUrl, key: RepoKey): void {
    getOrMake(this.#byRelay, relay).add(key)
  }

  #unlist(relay: RelayUrl, key: RepoKey): void {
    const keys = this.#byRelay.get(relay)
    keys?.delete(key)
    if (keys?.size === 0) this.#byRelay.delete(relay)
  }
}

/** All targets at once (R16): what {@link RepoIndex.targetOf} says of each relay, worked out from nothing. */
export function deriveRelayTargets(repos: ReadonlyMap<RepoKey, RepoNeeds>): Map<RelayUrl, SyncItems> {
  const byRelay = new Map<RelayUrl, (readonly [RepoKey, RepoNeeds])[]>()
  for (const [key, needs] of repos) {
    for (const relay of needs.relays) byRelay.set(relay, [...(byRelay.get(relay) ?? []), [key, needs]])
  }
  return new Map([...byRelay].map(([relay, listed]) => [relay, targetFrom(listed)]))
}

function targetFrom(repos: readonly (readonly [RepoKey, RepoNeeds])[]): SyncItems {
  const full = repos.filter(([, { level }]) => level === 'full')
  return syncItems({
    repos: full.map(([key]) => key),
    stateRepos: repos.filter(([, { level }]) => level === 'state-only').map(([key]) => key),
    rootEvents: full.flatMap(([, { rootEvents }]) => [...rootEvents]),
  })
}

function getOrMake(map: Map<string, Set<string>>, key: string): Set<string> {
  const found = map.get(key) ?? new Set<string>()
  map.set(key, found)
  return found
}
