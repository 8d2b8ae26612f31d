import type { Step } from '../interpreter.js'

/**
 * State of one reader's pump, without positions and items.
 *
 * - `reading`: a page is being read. `kept`: what is published meanwhile waits behind it.
 * - `paging`: a page was handed over, and its answer is awaited. `reached`: it was the last.
 * - `waiting`: behind, and the link is full. Nothing is held.
 * - `live`: what is published is handed over at once, without an event; only an answer other than `sent` is one.
 * - `held`: live, but the link is full: what is published waits.
 * - `flushing`: something that waited was handed over, and its answer is awaited.
 */
export type FeedReaderMachine =
  | { readonly phase: 'new' | 'closed' }
  | { readonly phase: 'reading'; readonly kept: boolean; readonly again: boolean }
  | { readonly phase: 'paging'; readonly kept: boolean; readonly reached: boolean; readonly again: boolean }
  | { readonly phase: 'waiting'; readonly again: boolean }
  | { readonly phase: 'live' | 'held' | 'flushing' }

/** What can happen to a reader. */
export type FeedReaderEvent =
  | { readonly kind: 'opened'; readonly behind: boolean }
  /** A page has come; without items there is nothing to hand over. */
  | { readonly kind: 'page'; readonly reached: boolean; readonly empty: boolean }
  | { readonly kind: 'unreadable' }
  /** What waits exceeds its budget. */
  | { readonly kind: 'overflowed' }
  /** The answer to what was handed over. */
  | { readonly kind: 'sent' | 'full' | 'refused' }
  /** Asked for the next that waits, the shell found nothing more. */
  | { readonly kind: 'drained' }
  | { readonly kind: 'writable' }
  | { readonly kind: 'closed' }

/** What a reader's machine wants done. */
export type FeedReaderEffect =
  /** Read a page up to the head, and from now on keep what is published. */
  | { readonly kind: 'read' }
  | { readonly kind: 'send-page' }
  /** Hand over the oldest of what waits. */
  | { readonly kind: 'send-next' }
  /** Let go of what waits: it will be read again. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'caught-up'; readonly again: boolean }
  | { readonly kind: 'failed' }
  | { readonly kind: 'close' }

type ReaderStep = Step<FeedReaderMachine, FeedReaderEffect>

/** A reader before it is opened. */
export const newFeedReader: FeedReaderMachine = { phase: 'new' }

const live: FeedReaderMachine = { phase: 'live' }
const held: FeedReaderMachine = { phase: 'held' }
const flushing: FeedReaderMachine = { phase: 'flushing' }
const over: FeedReaderMachine = { phase: 'closed' }

const read: FeedReaderEffect = { kind: 'read' }
const sendNext: FeedReaderEffect = { kind: 'send-next' }
const forget: FeedReaderEffect = { kind: 'forget' }
const close: FeedReaderEffect = { kind: 'close' }

/** The pure machine of one reader of a feed. An event that means nothing returns the very same state. */
export function feedReaderStep(
  state: FeedReaderMachine,
  event: FeedReaderEvent,
): Step<FeedReaderMachine, FeedReaderEffect> {
  const unchanged: ReaderStep = { state, effects: [] }
  if (state.phase === 'closed') return unchanged
  switch (event.kind) {
    case 'opened':
      if (state.phase !== 'new') return unchanged
      return event.behind ? readOn(false) : { state: live, effects: [{ kind: 'caught-up', again: false }] }
    case 'page': {
      if (state.phase !== 'reading') return unchanged
      const paging = { ...state, phase: 'paging', reached: event.reached } as const
      if (event.empty) return paged(paging, 'sent')
      return { state: paging, effects: [{ kind: 'send-page' }] }
    }
    case 'unreadable':
      return state.phase === 'reading' ? { state: over, effects: [{ kind: 'failed' }, close] } : unchanged
    case 'overflowed':
      return overflowed(state)
    case 'sent':
      if (state.phase === 'paging') return paged(state, 'sent')
      return state.phase === 'flushing' ? { state, effects: [sendNext] } : unchanged
    case 'full':
      if (state.phase === 'paging') return paged(state, 'full')
      return state.phase === 'live' || state.phase === 'flushing' ? { state: held, effects: [] } : unchanged
    case 'drained':
      return state.phase === 'flushing' ? { state: live, effects: [forget] } : unchanged
    case 'writable':
      if (state.phase === 'waiting') return readOn(state.again)
      return state.phase === 'held' ? { state: flushing, effects: [sendNext] } : unchanged
    case 'refused':
    case 'closed':
      return { state: over, effects: [close] }
  }
}

function readOn(again: boolean): ReaderStep {
  return { state: { phase: 'reading', kept: true, again }, effects: [read] }
}

function paged(state: FeedReaderMachine & { phase: 'paging' }, answer: 'sent' | 'full'): ReaderStep {
  const { again } = state
  if (state.reached && state.kept) {
    const caughtUp = { kind: 'caught-up', again } as const
    if (answer === 'full') return { state: held, effects: [caughtUp] }
    return { state: flushing, effects: [caughtUp, sendNext] }
  }
  if (answer === 'sent') return readOn(again)
  return { state: { phase: 'waiting', again }, effects: [forget] }
}

function overflowed(state: FeedReaderMachine): ReaderStep {
  switch (state.phase) {
    case 'reading':
    case 'paging':
      return state.kept ? { state: { ...state, kept: false }, effects: [forget] } : { state, effects: [] }
    case 'held':
      return { state: { phase: 'waiting', again: true }, effects: [forget] }
    case 'flushing':
      // What has been handed over is still to be answered, like a page.
      return { state: { phase: 'paging', kept: false, reached: false, again: true }, effects: [forget] }
    case 'new':
    case 'waiting':
    case 'live':
    case 'closed':
      return { state, effects: [] }
  }
}
