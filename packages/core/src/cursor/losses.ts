import type { LinkId } from '../end.js'
import { listed, queueOf } from './queue.js'
import { place, receive } from './received.js'
import type { CursorDraft, CursorEffect, CursorRules, SealedEntry } from './state.js'

/**
 * Drops batches, open or queued, and with them every position that claims to cover one of them. Says which, if there are
 * any.
 */
export function drop<P>(
  s: CursorDraft<P>,
  { compare }: CursorRules<P>,
  lostIf: {
    readonly open: (open: { readonly batch: number; readonly link: LinkId }) => boolean
    readonly queued: (entry: SealedEntry<P>) => boolean
  },
): CursorEffect<P> | null {
  const lost = new Set<number>()
  for (const open of s.open) if (lostIf.open(open)) lost.add(open.batch)
  let broken = false
  let kept = listed(s.queue).filter((entry) => {
    if (!lostIf.queued(entry) && !(broken && entry.batch === null)) return true
    broken = true
    if (entry.batch !== null) lost.add(entry.batch)
    return false
  })
  const forfeited = s.floors.filter(({ batch }) => lost.has(batch))
  const covers = (to: P): boolean => forfeited.some(({ floor }) => compare(to, floor) >= 0)
  kept = kept.map((entry) => (entry.to !== null && covers(entry.to) ? { ...entry, to: null } : entry))
  s.queue = queueOf(kept)
  s.open = s.open.filter(({ batch }) => !lost.has(batch))
  s.floors = s.floors.filter(({ batch }) => !lost.has(batch))
  s.held = s.held.filter((to) => !covers(to))
  const held = s.applying === null ? kept : [s.applying.entry, ...kept]
  s.bytes = held.reduce((sum, entry) => sum + entry.bytes, 0)
  s.count = held.reduce((sum, entry) => sum + entry.count, 0)
  s.received = s.applying?.moveTo ?? s.applied
  for (const { to } of s.verdict === null ? kept : []) if (to !== null) receive(s, place(s, to), compare)
  for (const to of s.held) receive(s, place(s, to), compare)
  return lost.size === 0 ? null : { kind: 'drop', batches: [...lost] }
}
