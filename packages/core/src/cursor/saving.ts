import { first } from './queue.js'
import type { CursorDraft, CursorEffect, CursorRules } from './state.js'
import type { Position } from './types.js'

/** Goes on with what is to be saved: at once what is due, else later. */
export function save<P>(s: CursorDraft<P>, rules: CursorRules<P>): CursorEffect<P> | null {
  const dirty = rules.savedBy === 'save' && s.applied !== s.durable
  if (!dirty) s.saved = finished(s)
  if (s.saved >= s.due) s.due = 0
  if (s.saving !== null) return null
  if (typeof s.resync === 'object') return startSave(s, s.resync.took, true)
  if (!dirty || s.resync !== 'none') return null
  if (s.due > 0) return startSave(s, s.applied, false)
  if (rules.saveEvery === 0 || s.armed || s.phase === 'closed') return null
  s.armed = true
  return { kind: 'save-later' }
}

function startSave<P>(s: CursorDraft<P>, to: Position<P> | null, final: boolean): CursorEffect<P> {
  const upTo = finished(s)
  s.saving = { to, upTo, final }
  // Even if this save fails: it is tried again with the next one, not at once and for ever.
  if (upTo >= s.due) s.due = 0
  return { kind: 'save', to }
}

/** Everything that is done with is to be saved without delay. */
export function saveFinished<P>(s: CursorDraft<P>): void {
  s.due = Math.max(s.due, finished(s))
}

/** Nothing will follow on this link: what was applied, or is just being applied, is saved without delay. */
export function saveSoon<P>(s: CursorDraft<P>): void {
  s.due = Math.max(s.due, s.applying?.entry.order ?? finished(s))
}

/** The last entry such that it and all before it are done with. */
function finished<P>(s: CursorDraft<P>): number {
  const outstanding = s.applying?.entry ?? first(s.queue)
  return outstanding === undefined ? s.sealed : outstanding.order - 1
}
