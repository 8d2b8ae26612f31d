import { type GateEvent, type GateMachine, type gateStep, openGate } from '@holdfast/core'
import type { Exploration } from '@holdfast/core/testing'

export type GateStep = typeof gateStep

/** The gate's machine, the tickets that are really held, and the deadlines that were really given. */
export interface GateWorld {
  readonly m: GateMachine
  readonly now: number
  readonly tickets: number
  readonly finished: number
  /** The earliest deadline asked for; `null` before the first drain. */
  readonly deadline: number | null
  readonly timer: number | null
  readonly staleTimer: number | null
  readonly settled: boolean
}

type Move = GateEvent | { readonly kind: 'tick' } | { readonly kind: 'stale-deadline'; readonly at: number }

/** Every schedule of up to three tickets and any number of drains. */
export function gateExploration(step: GateStep): Exploration<GateWorld, Move> {
  return {
    initial: {
      m: openGate,
      now: 0,
      tickets: 0,
      finished: 0,
      deadline: null,
      timer: null,
      staleTimer: null,
      settled: false,
    },
    events,
    step: (world, move) => moved(step, world, move),
    check,
    key: (world) => {
      const due = (at: number | null): number | null => (at === null ? null : Math.max(at - world.now, -1))
      const { m } = world
      const deadlines = [world.deadline, world.timer, world.staleTimer].map(due)
      const told =
        'timedOut' in m ? [m.timedOut, m.inFlight] : [m.inFlight, 'deadline' in m && due(m.deadline)]
      return JSON.stringify([m.phase, told, deadlines, world.tickets, world.finished, world.settled])
    },
  }
}

function* events({ m, now, tickets, timer, staleTimer }: GateWorld): Iterable<Move> {
  if (tickets < 3) yield { kind: 'enter' }
  if (tickets > 0) yield { kind: 'done', at: now }
  for (const within of [1, 3]) {
    yield { kind: 'drain', at: now, within, excused: 0 }
    if (tickets > 0 && m.phase !== 'closed') yield { kind: 'drain', at: now, within, excused: 1 }
  }
  yield { kind: 'cut', at: now }
  if (timer !== null && now >= timer) yield { kind: 'deadline', at: now }
  if (staleTimer !== null) yield { kind: 'stale-deadline', at: now }
  if (timer !== null && now < timer + 1) yield { kind: 'tick' }
}

function moved(step: GateStep, world: GateWorld, move: Move): GateWorld {
  if (move.kind === 'tick') return { ...world, now: world.now + 1 }
  const event: GateEvent = move.kind === 'stale-deadline' ? { kind: 'deadline', at: move.at } : move
  const { state, effects } = step(world.m, event)
  let after: GateWorld = { ...happened(world, move, state), m: state }
  for (const effect of effects) {
    if (effect.kind === 'arm') {
      after = { ...after, timer: effect.deadline, staleTimer: after.timer ?? after.staleTimer }
    } else after = { ...after, settled: true, timer: null, staleTimer: after.timer ?? after.staleTimer }
  }
  return after.m.phase === 'closed' ? { ...after, tickets: 0 } : after
}

function happened(world: GateWorld, move: Move, state: GateMachine): GateWorld {
  const isDraining = world.m.phase === 'draining'
  switch (move.kind) {
    case 'enter':
      return state === world.m ? world : { ...world, tickets: world.tickets + 1 }
    case 'done':
      return { ...world, tickets: world.tickets - 1, finished: world.finished + (isDraining ? 1 : 0) }
    case 'drain': {
      if (world.m.phase === 'closed') return world
      const deadline = Math.min(world.deadline ?? Infinity, move.at + move.within)
      return { ...world, deadline, tickets: world.tickets - move.excused }
    }
    case 'deadline':
      return { ...world, timer: null }
    case 'stale-deadline':
      return { ...world, staleTimer: null }
    case 'cut':
    case 'tick':
      return world
  }
}

function check(after: GateWorld, move: Move, before: GateWorld): string | null {
  const { m } = after
  if (before.m.phase !== 'open' && move.kind === 'enter' && m !== before.m) {
    return 'I11: work is admitted although the gate is no longer open'
  }
  if (m.phase !== 'closed' && m.inFlight !== after.tickets) return 'the count is not that of the tickets held'
  if ((m.phase === 'closed') !== after.settled) return 'I11: closed and settled are not the same'
  if (m.phase === 'draining') return checkDraining(after)
  if (m.phase === 'open' || before.m.phase === 'closed') return null
  if (m.finished !== after.finished) return 'the report counts other work than was finished'
  const isLate = after.deadline !== null && after.now >= after.deadline
  if (m.timedOut && !isLate) return 'I11: timed out before the deadline'
  const isOver = m.timedOut || move.kind === 'cut' || m.inFlight === 0
  return isOver ? null : 'I11: closed over work that may still finish'
}

function checkDraining({ m, timer, now, deadline, tickets }: GateWorld): string | null {
  if (m.phase !== 'draining') return null
  if (tickets === 0) return 'I11: draining with nothing in flight'
  if (m.deadline !== deadline) return 'I11: another deadline than the earliest that was given'
  if (timer !== null) return timer === deadline ? null : 'I11: the timer is not for the deadline'
  return now >= m.deadline ? 'I11: the deadline has passed and nothing happened' : 'I11: no timer'
}
