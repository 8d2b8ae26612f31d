import type { Millis } from '../end.js'
import type { Step } from '../interpreter.js'
import { SortedMap } from '../sorted-map.js'
import type { PoolEffect, PoolEvent, PoolMachine, PoolRules } from './model.js'
import { PoolTurn } from './turn.js'

/** A pool before its `start`. */
export const emptyPool: PoolMachine = {
  phase: 'open',
  slots: new SortedMap(),
  bindings: new SortedMap(),
  parked: new SortedMap(),
  nextSlot: 1,
  nextTicket: 1,
}

/**
 * Places bindings on the least loaded ready link and moves them when it goes: the pure part of a pool.
 *
 * Bindings are either on a link or parked, and parked only while no link is ready. A link that ends loses all its
 * bindings in that very step. One that is retired loses the movable as soon as there is another, the rest as they
 * flush, and what is left at the deadline; its slot goes with it, and a replacement is opened at once if that
 * leaves fewer than `size.min`.
 *
 * @example
 * ```ts
 * import { emptyPool, type LinkId, type PoolRules, poolStep } from '@holdfast/core'
 *
 * const rules: PoolRules = { size: { min: 1, max: 1 }, park: { within: 3000, max: 10 }, movable: () => true }
 *
 * const started = poolStep(emptyPool, { kind: 'start', at: 0 }, rules)
 * started.effects // => [{ kind: 'open', slot: 1 }]
 *
 * const parked = poolStep(started.state, { kind: 'bind', binding: 7, at: 50 }, rules)
 * parked.effects // => []
 *
 * const ready = poolStep(parked.state, { kind: 'ready', slot: 1, link: 5 as LinkId, at: 100 }, rules)
 * ready.effects // => [{ kind: 'attach', binding: 7, to: 5 }]
 * ```
 */
export function poolStep(
  state: PoolMachine,
  event: PoolEvent,
  rules: PoolRules,
): Step<PoolMachine, PoolEffect> {
  const { phase } = state
  if (event.kind === 'bind' && phase !== 'open')
    return { state, effects: [{ kind: 'refuse', binding: event.binding, why: phase }] }
  if (event.kind === 'drain' && phase === 'open')
    return { state: { ...state, phase: 'draining' }, effects: [] }
  if (event.kind === 'drain' || phase === 'closed') return { state, effects: [] }
  const turn = new PoolTurn(state, event.at, rules)
  turn.take(event)
  return { state: turn.result(), effects: turn.effects }
}

/** When the next `tick` is due: the time of a parked binding or of a retiring link is up. `null` for never. */
export function poolDeadline({ slots, parked }: PoolMachine): Millis | null {
  // All are parked for equally long, so the first in the queue is the first to go.
  let earliest = parked.first()?.[1].until ?? Infinity
  slots.forEach((slot) => {
    if (slot.phase === 'retiring') earliest = Math.min(earliest, slot.deadline)
  })
  return earliest === Infinity ? null : earliest
}
