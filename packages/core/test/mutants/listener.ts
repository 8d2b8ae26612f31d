import { listenerStep } from '@holdfast/core'
import type { ListenerStep } from '../listener-world.js'

/** The listener's machine with one rule broken in each. */
export const listenerMutants: Readonly<Record<string, ListenerStep>> = {
  'takes links while it drains': (state, event, limits) =>
    event.kind === 'incoming' && state.phase === 'draining'
      ? { state: { ...state, handshaking: state.handshaking + 1 }, effects: [{ kind: 'take' }] }
      : listenerStep(state, event, limits),

  'does not count handshakes': (state, event, limits) =>
    listenerStep(state, event, { ...limits, handshaking: Infinity }),

  'does not count addresses': (state, event, limits) => {
    const { links, handshaking } = limits
    return listenerStep(state, event, { links, handshaking })
  },

  'stays full when a link ends': (state, event, limits) => {
    const next = listenerStep(state, event, limits)
    return event.kind === 'ended' && state.phase === 'full'
      ? { ...next, state: { ...next.state, phase: 'full' } }
      : next
  },

  'never closes when the last link of a drain ends': (state, event, limits) => {
    const next = listenerStep(state, event, limits)
    return event.kind === 'ended' && state.phase === 'draining'
      ? { ...next, state: { ...next.state, phase: 'draining' } }
      : next
  },

  'goes on accepting after a drain': (state, event, limits) => {
    const next = listenerStep(state, event, limits)
    return {
      ...next,
      effects: next.effects.filter(({ kind }) => event.kind !== 'drain' || kind !== 'unbind'),
    }
  },

  'leaves links behind at the deadline': (state, event, limits) => {
    const next = listenerStep(state, event, limits)
    return {
      ...next,
      effects: next.effects.filter(({ kind }) => event.kind !== 'deadline' || kind !== 'destroy-all'),
    }
  },
}
