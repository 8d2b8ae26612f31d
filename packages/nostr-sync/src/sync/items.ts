import type { RepoKey } from '../wire/address.js'

/** What a relay can be asked for: repositories, and the threads of root events. */
export interface SyncItems {
  /** Everything about these is wanted. */
  readonly repos: ReadonlySet<RepoKey>
  /** Only the state events of these are wanted: their announcement is held (R15). */
  readonly stateRepos: ReadonlySet<RepoKey>
  /** Ids of root events (R13). */
  readonly rootEvents: ReadonlySet<string>
}

const kindsOfItems = ['repos', 'stateRepos', 'rootEvents'] as const

/** Makes items; what is left out is empty. */
export function syncItems(items: { readonly [K in keyof SyncItems]?: Iterable<string> } = {}): SyncItems {
  return {
    repos: new Set(items.repos),
    stateRepos: new Set(items.stateRepos),
    rootEvents: new Set(items.rootEvents),
  }
}

/** How many there are, of all kinds together. */
export function countItems(items: SyncItems): number {
  return kindsOfItems.reduce((count, kind) => count + items[kind].size, 0)
}

/** What is in either. */
export function uniteItems(a: SyncItems, b: SyncItems): SyncItems {
  const unite = (kind: keyof SyncItems): Set<string> => new Set([...a[kind], ...b[kind]])
  return { repos: unite('repos'), stateRepos: unite('stateRepos'), rootEvents: unite('rootEvents') }
}

/** What is in the first and in none of the others. */
export function subtractItems(items: SyncItems, ...others: readonly SyncItems[]): SyncItems {
  const left = (kind: keyof SyncItems): Set<string> =>
    new Set([...items[kind]].filter((one) => !others.some((other) => other[kind].has(one))))
  return { repos: left('repos'), stateRepos: left('stateRepos'), rootEvents: left('rootEvents') }
}

/** What is in both: confirmed items that are still wanted, for one (R35). */
export function intersectItems(a: SyncItems, b: SyncItems): SyncItems {
  const both = (kind: keyof SyncItems): Set<string> => new Set([...a[kind]].filter((one) => b[kind].has(one)))
  return { repos: both('repos'), stateRepos: both('stateRepos'), rootEvents: both('rootEvents') }
}
