import { feedReaderStep } from '@holdfast/core'
import type { FeedStep } from '../feed-world.js'

/** The machine of a feed's reader with one rule broken in each. */
export const feedMutants: Readonly<Record<string, FeedStep>> = {
  'goes live although it missed what was published while a page was read': (state, event) =>
    feedReaderStep(
      state.phase === 'reading' && event.kind === 'page' ? { ...state, kept: true } : state,
      event,
    ),

  'goes live before the last page': (state, event) =>
    feedReaderStep(state, event.kind === 'page' ? { ...event, reached: true } : event),

  'reads on although the link is full': (state, event) =>
    feedReaderStep(state, state.phase === 'paging' && event.kind === 'full' ? { kind: 'sent' } : event),

  'stays live past its budget': (state, event) =>
    event.kind === 'overflowed' && state.phase === 'held'
      ? { state, effects: [] }
      : feedReaderStep(state, event),

  'does not say that it has caught up again': (state, event) => {
    const next = feedReaderStep(state, event)
    return { ...next, effects: next.effects.filter((effect) => effect.kind !== 'caught-up' || !effect.again) }
  },

  'forgets what waits when the link is writable': (state, event) =>
    state.phase === 'held' && event.kind === 'writable'
      ? { state: { phase: 'live' }, effects: [{ kind: 'forget' }] }
      : feedReaderStep(state, event),

  'goes on sending after a full answer': (state, event) =>
    state.phase === 'flushing' && event.kind === 'full'
      ? { state, effects: [{ kind: 'send-next' }] }
      : feedReaderStep(state, event),
}
