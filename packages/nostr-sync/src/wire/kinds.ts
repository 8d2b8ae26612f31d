/** Kinds of events that have a part of their own in the sync (spec 2). */
export const kinds = {
  deletion: 5,
  patch: 1617,
  pullRequest: 1618,
  issue: 1621,
  relayList: 10002,
  graspList: 10317,
  auth: 22242,
  announcement: 30617,
  state: 30618,
} as const

/**
 * What a store does with events of a kind (NIP-01).
 *
 * - `regular`: all are kept.
 * - `replaceable`: the newest per author and kind.
 * - `addressable`: the newest per author, kind and `d` tag.
 * - `ephemeral`: none.
 */
export type KindClass = 'regular' | 'replaceable' | 'addressable' | 'ephemeral'

/** Kinds that no range covers are regular. */
export function kindClass(kind: number): KindClass {
  if (kind === 0 || kind === 3) return 'replaceable'
  if (kind >= 10_000 && kind < 20_000) return 'replaceable'
  if (kind >= 20_000 && kind < 30_000) return 'ephemeral'
  if (kind >= 30_000 && kind < 40_000) return 'addressable'
  return 'regular'
}

const rootKinds: readonly number[] = [kinds.patch, kinds.pullRequest, kinds.issue]

/** Whether events of this kind begin a thread that layer 3 follows (R13): patches, pull requests and issues. */
export function isRootKind(kind: number): boolean {
  return rootKinds.includes(kind)
}
