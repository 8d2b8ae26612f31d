import type { Millis } from '../end.js'
import type { Step } from '../interpreter.js'

/** Where a gate is, and how much is in flight. */
export type GateMachine =
  | { readonly phase: 'open'; readonly inFlight: number }
  | {
      readonly phase: 'draining'
      readonly inFlight: number
      readonly finished: number
      readonly since: Millis
      readonly deadline: Millis
    }
  | {
      readonly phase: 'closed'
      /** Work that was in flight when the gate gave up on it. */
      readonly inFlight: number
      readonly finished: number
      readonly took: Millis
      readonly timedOut: boolean
    }

/** What happens to a gate. */
export type GateEvent =
  /** Refused by the very same state. */
  | { readonly kind: 'enter' }
  | { readonly kind: 'done'; readonly at: Millis }
  /** A drain; `excused` of the tickets in flight belong to whoever awaits it. */
  | { readonly kind: 'drain'; readonly at: Millis; readonly within: Millis; readonly excused: number }
  /** The deadline, which may since have been moved. */
  | { readonly kind: 'deadline'; readonly at: Millis }
  /** What the gate belongs to has ended. */
  | { readonly kind: 'cut'; readonly at: Millis }

/** What has to be done about it. */
export type GateEffect = { readonly kind: 'arm'; readonly deadline: Millis } | { readonly kind: 'settle' }

/** An open gate with nothing in flight. */
export const openGate: GateMachine = { phase: 'open', inFlight: 0 }

/** Open → draining → closed, with a deadline: the pure part of a {@link Gate}. */
export function gateStep(state: GateMachine, event: GateEvent): Step<GateMachine, GateEffect> {
  switch (event.kind) {
    case 'enter':
      if (state.phase !== 'open') return { state, effects: [] }
      return { state: { phase: 'open', inFlight: state.inFlight + 1 }, effects: [] }
    case 'done':
      return done(state, event.at)
    case 'drain':
      return drain(state, event)
    case 'deadline':
      if (state.phase !== 'draining' || event.at < state.deadline) return { state, effects: [] }
      return close(state, event.at, true)
    case 'cut':
      if (state.phase === 'closed') return { state, effects: [] }
      return close(state, event.at)
  }
}

type GateStep = Step<GateMachine, GateEffect>

function done(state: GateMachine, at: Millis): GateStep {
  switch (state.phase) {
    case 'open':
      return { state: { phase: 'open', inFlight: state.inFlight - 1 }, effects: [] }
    case 'draining': {
      const rest = { ...state, inFlight: state.inFlight - 1, finished: state.finished + 1 }
      return rest.inFlight === 0 ? close(rest, at) : { state: rest, effects: [] }
    }
    case 'closed':
      return { state, effects: [] }
  }
}

function drain(state: GateMachine, event: GateEvent & { kind: 'drain' }): GateStep {
  if (state.phase === 'closed') return { state, effects: [{ kind: 'settle' }] }
  const asked = event.at + event.within
  const before = state.phase === 'draining' ? state : { finished: 0, since: event.at, deadline: Infinity }
  const draining: GateMachine & { phase: 'draining' } = {
    phase: 'draining',
    inFlight: state.inFlight - event.excused,
    finished: before.finished,
    since: before.since,
    deadline: Math.min(before.deadline, asked),
  }
  if (draining.inFlight === 0) return close(draining, event.at)
  const effects: GateEffect[] = []
  if (draining.deadline < before.deadline) effects.push({ kind: 'arm', deadline: draining.deadline })
  return { state: draining, effects }
}

function close(state: GateMachine & { phase: 'open' | 'draining' }, at: Millis, timedOut = false): GateStep {
  const { finished, since } = state.phase === 'draining' ? state : { finished: 0, since: at }
  const { inFlight } = state
  return {
    state: { phase: 'closed', inFlight, finished, took: at - since, timedOut },
    effects: [{ kind: 'settle' }],
  }
}
