import { gateStep } from '@holdfast/core'
import type { GateStep } from '../gate-world.js'

/** The gate's machine with one rule broken in each. */
export const gateMutants: Readonly<Record<string, GateStep>> = {
  'forgets a ticket that is done': (state, event) =>
    event.kind === 'done' && state.phase === 'draining' ? { state, effects: [] } : gateStep(state, event),

  'admits work while it drains': (state, event) =>
    event.kind === 'enter' && state.phase === 'draining'
      ? { state: { ...state, inFlight: state.inFlight + 1 }, effects: [] }
      : gateStep(state, event),

  'ignores an earlier deadline': (state, event) =>
    event.kind === 'drain' && state.phase === 'draining'
      ? gateStep(state, { ...event, within: Math.max(event.within, state.deadline - event.at) })
      : gateStep(state, event),

  'lets a later drain move the deadline': (state, event) => {
    const next = gateStep(state, event)
    if (event.kind !== 'drain' || next.state.phase !== 'draining') return next
    const deadline = event.at + event.within
    return { state: { ...next.state, deadline }, effects: [{ kind: 'arm', deadline }] }
  },

  'closes at a deadline that was replaced': (state, event) =>
    gateStep(
      state,
      event.kind === 'deadline' && state.phase === 'draining' ? { ...event, at: state.deadline } : event,
    ),

  'waits for the ticket of whoever awaits the drain': (state, event) =>
    gateStep(state, event.kind === 'drain' ? { ...event, excused: 0 } : event),
}
