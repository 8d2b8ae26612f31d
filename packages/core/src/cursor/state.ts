import type { Budget } from '../budget.js'
import type { LinkId, Millis } from '../end.js'
import { emptyQueue, type Queue } from './queue.js'
import type { CursorPhase, Position, ResetWhy } from './types.js'

/** What a cursor's machine has to know besides its state. */
export interface CursorRules<P> {
  /** Orders positions, as in the options. */
  readonly compare: (a: P, b: P) => number
  /** Where every position is taken: what `b` is, seen from `a`. */
  readonly next?: (a: P, b: P) => 'next' | 'gap' | 'old' | 'unknown'
  readonly backlog: Budget
  /** `apply`: in its own transaction; `nobody`: there is no store. */
  readonly savedBy: 'save' | 'apply' | 'nobody'
  readonly saveEvery: Millis
}

/** Something sealed and not yet applied: a batch, or a position without items (`batch` is `null`). */
export interface SealedEntry<P> {
  /** Counts everything sealed or advanced, in order. */
  readonly order: number
  readonly batch: number | null
  readonly link: LinkId | null
  readonly to: P | null
  readonly bytes: number
  readonly count: number
  readonly at: Millis
}

/** A reset verdict that has not been satisfied. */
export interface Verdict<P> {
  readonly why: ResetWhy
  readonly peer: Position<P> | null
  /** The link that brought it, where that was said. */
  readonly link: LinkId | null
}

/** State of a cursor: plain data, without the items, which are known by the number of their batch. */
export interface CursorMachine<P> {
  readonly phase: CursorPhase
  readonly received: Position<P> | null
  readonly applied: Position<P> | null
  readonly durable: Position<P> | null
  /** Links that feed the cursor. */
  readonly links: readonly LinkId[]
  /** Whether they are to be paused. */
  readonly paused: boolean
  readonly open: readonly { readonly batch: number; readonly link: LinkId }[]
  readonly queue: Queue<SealedEntry<P>>
  /** The entry being applied, and where the position goes with it. */
  readonly applying: { readonly entry: SealedEntry<P>; readonly moveTo: Position<P> | null } | null
  /** Bytes and items of `queue` and `applying` together. */
  readonly bytes: number
  readonly count: number
  /** Low watermarks of batches that are open or queued. */
  readonly floors: readonly { readonly batch: number; readonly floor: P }[]
  /** Positions that wait for a floor to lift, in order; never more than there are floors. */
  readonly held: readonly P[]
  /** Stands while resyncing or stale. */
  readonly verdict: Verdict<P> | null
  /** Came while the resync was running: it has to run once more. */
  readonly again: Verdict<P> | null
  readonly resync: 'none' | 'running' | { readonly took: Position<P> | null }
  /** The save in flight; `final` if its end is the end of a resync. */
  readonly saving: { readonly to: Position<P> | null; readonly upTo: number; readonly final: boolean } | null
  /** Saves begin as soon as they can, until everything up to this order is saved. */
  readonly due: number
  /** A save is on the clock. */
  readonly armed: boolean
  /** Orders: given out last, and known to be saved or in need of no saving. */
  readonly sealed: number
  readonly saved: number
  /** The time last told, for the age of the backlog. */
  readonly now: Millis
}

/** What can happen to a cursor. */
export type CursorEvent<P> =
  | { readonly kind: 'loaded'; readonly position: Position<P> | null }
  | { readonly kind: 'opened'; readonly batch: number; readonly link: LinkId; readonly floor?: P }
  | { readonly kind: 'discarded'; readonly batch: number }
  | {
      readonly kind: 'sealed'
      readonly batch: number
      readonly to: P | null
      readonly bytes: number
      readonly count: number
      readonly at: Millis
    }
  | { readonly kind: 'advanced'; readonly to: P; readonly at: Millis }
  | { readonly kind: 'applied'; readonly at: Millis }
  | { readonly kind: 'apply-failed'; readonly cause: unknown }
  | { readonly kind: 'resumed'; readonly link: LinkId | null }
  | {
      readonly kind: 'reset'
      readonly why: ResetWhy
      readonly peer: Position<P> | null
      readonly link: LinkId | null
    }
  | { readonly kind: 'resynced'; readonly position: Position<P> | null }
  | { readonly kind: 'resync-failed'; readonly cause: unknown }
  | { readonly kind: 'saved' }
  | { readonly kind: 'save-failed'; readonly cause: unknown }
  | { readonly kind: 'save-due' }
  | { readonly kind: 'hurried' }
  | { readonly kind: 'link-ended'; readonly link: LinkId }
  | { readonly kind: 'closed' }

/** What a cursor's machine wants done. */
export type CursorEffect<P> =
  | { readonly kind: 'apply'; readonly batch: number | null; readonly to: Position<P> | null }
  | { readonly kind: 'resync'; readonly why: ResetWhy; readonly peer: Position<P> | null }
  | { readonly kind: 'save'; readonly to: Position<P> | null }
  | { readonly kind: 'save-later' }
  | { readonly kind: 'drop'; readonly batches: readonly number[] }
  | { readonly kind: 'end-links'; readonly cause: unknown }

/** The state of a cursor before anything has happened. */
export function idleCursor<P>(rules: CursorRules<P>): CursorMachine<P> {
  return {
    phase: rules.savedBy === 'nobody' ? 'unknown' : 'unloaded',
    received: null,
    applied: null,
    durable: null,
    links: [],
    paused: false,
    open: [],
    queue: emptyQueue,
    applying: null,
    bytes: 0,
    count: 0,
    floors: [],
    held: [],
    verdict: null,
    again: null,
    resync: 'none',
    saving: null,
    due: 0,
    armed: false,
    sealed: 0,
    saved: 0,
    now: 0,
  }
}

/** A state in the making, written to by one step. */
export type CursorDraft<P> = { -readonly [K in keyof CursorMachine<P>]: CursorMachine<P>[K] }

/** A copy to be written to. Spelled out, because spreading an object of this size takes five times as long. */
export function draftOf<P>(state: CursorMachine<P>): CursorDraft<P> {
  return {
    phase: state.phase,
    received: state.received,
    applied: state.applied,
    durable: state.durable,
    links: state.links,
    paused: state.paused,
    open: state.open,
    queue: state.queue,
    applying: state.applying,
    bytes: state.bytes,
    count: state.count,
    floors: state.floors,
    held: state.held,
    verdict: state.verdict,
    again: state.again,
    resync: state.resync,
    saving: state.saving,
    due: state.due,
    armed: state.armed,
    sealed: state.sealed,
    saved: state.saved,
    now: state.now,
  }
}

/** Whether a cursor is closed, and nothing is under way any more. */
export function isOver(state: CursorMachine<unknown>): boolean {
  return state.phase === 'closed' && state.applying === null && state.saving === null
}
