import type { Step } from '../interpreter.js'
import type { ListenerLimits, ListenerState } from './types.js'

/** What happens to a listener. */
export type ListenerEvent =
  | { readonly kind: 'incoming'; readonly fromSameAddress: number }
  | { readonly kind: 'ready' }
  | { readonly kind: 'ended'; readonly wasReady: boolean }
  | { readonly kind: 'drain' | 'deadline' | 'close' }

/** What has to be done about it. */
export type ListenerEffect =
  | { readonly kind: 'take' | 'refuse' }
  /** Stop accepting. */
  | { readonly kind: 'unbind' }
  /** Ask every link to finish its work. */
  | { readonly kind: 'retire-all' }
  | { readonly kind: 'destroy-all' }

/** A listener that has just been bound. */
export const listening: ListenerState = { phase: 'listening', links: 0, handshaking: 0 }

/** listening ⇄ full → draining → closed: the pure part of a {@link Listener}. */
export function listenerStep(
  state: ListenerState,
  event: ListenerEvent,
  limits: ListenerLimits,
): Step<ListenerState, ListenerEffect> {
  if (state.phase === 'closed')
    return { state, effects: event.kind === 'incoming' ? [{ kind: 'refuse' }] : [] }
  switch (event.kind) {
    case 'incoming': {
      // The limits may have changed.
      const now = counted(state, 0, 0, limits)
      if (now.phase !== 'listening' || event.fromSameAddress >= (limits.perAddress ?? Infinity)) {
        return { state: now.phase === state.phase ? state : now, effects: [{ kind: 'refuse' }] }
      }
      return { state: counted(state, 0, 1, limits), effects: [{ kind: 'take' }] }
    }
    case 'ready':
      return { state: counted(state, 1, -1, limits), effects: [] }
    case 'ended': {
      const left = event.wasReady ? counted(state, -1, 0, limits) : counted(state, 0, -1, limits)
      const isEmpty = left.links + left.handshaking === 0
      return {
        state: left.phase === 'draining' && isEmpty ? { ...left, phase: 'closed' } : left,
        effects: [],
      }
    }
    case 'drain': {
      if (state.phase === 'draining') return { state, effects: [] }
      const isEmpty = state.links + state.handshaking === 0
      if (isEmpty) return { state: { ...state, phase: 'closed' }, effects: [{ kind: 'unbind' }] }
      return { state: { ...state, phase: 'draining' }, effects: [{ kind: 'unbind' }, { kind: 'retire-all' }] }
    }
    case 'deadline':
      return state.phase === 'draining' ? closed([{ kind: 'destroy-all' }]) : { state, effects: [] }
    case 'close':
      return closed([{ kind: 'unbind' }, { kind: 'destroy-all' }])
  }
}

function closed(effects: readonly ListenerEffect[]): Step<ListenerState, ListenerEffect> {
  return { state: { phase: 'closed', links: 0, handshaking: 0 }, effects }
}

function counted(
  state: ListenerState,
  links: number,
  handshaking: number,
  limits: ListenerLimits,
): ListenerState {
  const nowLinks = state.links + links
  const nowHandshaking = state.handshaking + handshaking
  const full = nowLinks + nowHandshaking >= limits.links || nowHandshaking >= limits.handshaking
  const phase = state.phase === 'draining' ? 'draining' : full ? 'full' : 'listening'
  // Always the same shape: three of these are made for each connection, and spreading is dear.
  return { phase, links: nowLinks, handshaking: nowHandshaking }
}
