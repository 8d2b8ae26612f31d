import {
  type LinkId,
  type PoolEffect,
  type PoolMachine,
  type PoolSlot,
  poolStep,
  type poolStep as RealStep,
  type SlotId,
} from '@holdfast/core'

export type PoolStep = typeof RealStep

/** The pool machine with one rule broken in each. */
export const poolMutants: Readonly<Record<string, PoolStep>> = {
  'places bindings on a retiring link': (state, event, rules) => {
    if (event.kind !== 'bind') return poolStep(state, event, rules)
    let slots = state.slots
    state.slots.forEach((slot, id) => {
      if (slot.phase === 'retiring')
        slots = slots.set(id, { phase: 'ready', link: slot.link, bound: slot.bound, yields: null })
    })
    const next = poolStep({ ...state, slots }, event, rules)
    slots = next.state.slots
    state.slots.forEach((slot, id) => {
      const now = slots.get(id)
      if (slot.phase === 'retiring' && now && 'bound' in now)
        slots = slots.set(id, { ...slot, bound: now.bound })
    })
    return { state: { ...next.state, slots }, effects: next.effects }
  },

  'forgets a binding of a link that ends': (state, event, rules) => {
    const next = poolStep(state, event, rules)
    const lost = next.effects.find((effect) => effect.kind === 'detach' && !effect.linkAlive)
    if (lost?.kind !== 'detach') return next
    const effects = next.effects.filter((effect) => !('binding' in effect) || effect.binding !== lost.binding)
    return { state: without(next.state, lost.binding), effects }
  },

  'moves a binding in the middle of a send': (state, event, rules) =>
    poolStep(state, event, { ...rules, movable: () => true }),

  'releases twice': (state, event, rules) => {
    const next = poolStep(state, event, rules)
    const again = next.effects.filter(({ kind }) => kind === 'release')
    return { state: next.state, effects: [...next.effects, ...again] }
  },

  'parks as many as come': (state, event, rules) =>
    poolStep(state, event, rules.park ? { ...rules, park: { ...rules.park, max: Infinity } } : rules),

  'parks without a prospect': (state, event, rules) => {
    if (event.kind !== 'waiting') return poolStep(state, event, rules)
    const hopeful = poolStep(state, { ...event, dueAt: event.at }, rules)
    const { slots } = hopeful.state
    if (slots.get(event.slot)?.phase !== 'waiting') return hopeful
    const late: PoolSlot = { phase: 'waiting', dueAt: event.dueAt }
    return { state: { ...hopeful.state, slots: slots.set(event.slot, late) }, effects: hopeful.effects }
  },

  'attaches before it detaches': (state, event, rules) => {
    const next = poolStep(state, event, rules)
    const effects = [...next.effects].sort((a, b) => order(a) - order(b))
    return { state: next.state, effects }
  },

  'serves the queue from its end': (state, event, rules) => {
    const next = poolStep(state, event, rules)
    if (event.kind !== 'ready' || next.effects.some(({ kind }) => kind !== 'attach')) return next
    return { state: next.state, effects: [...next.effects].reverse() }
  },

  'waits for the last to flush, whatever the deadline': (state, event, rules) =>
    poolStep(state, event.kind === 'retire' ? { ...event, deadline: event.deadline + 9 } : event, rules),

  'cuts at once whom it cannot move at once': (state, event, rules) => {
    const next = poolStep(state, event, rules)
    if (event.kind !== 'retire') return next
    const cut = poolStep(next.state, { kind: 'tick', at: event.deadline }, rules)
    return { state: cut.state, effects: [...next.effects, ...cut.effects] }
  },

  'does not look again after a flush': (state, event, rules) =>
    event.kind === 'flushed' ? { state, effects: [] } : poolStep(state, event, rules),

  'takes an ended link for one that goes on': (state, event, rules) => {
    const slot = 'slot' in event ? state.slots.get(event.slot) : undefined
    return event.kind === 'waiting' && slot?.phase === 'ready'
      ? poolStep(state, { kind: 'draining', slots: [event.slot], at: event.at }, rules)
      : poolStep(state, event, rules)
  },

  'lets a link go before it is replaced': (state, event, rules) =>
    event.kind === 'replace'
      ? poolStep(state, { ...event, kind: 'retire', deadline: event.at + event.within }, rules)
      : poolStep(state, event, rules),

  'keeps a link that has been replaced': (state, event, rules) => {
    const next = poolStep(state, event, rules)
    const kept = [...state.slots].find(([, slot]) => slot.phase === 'ready' && slot.yields !== null)
    if (event.kind !== 'ready' || kept === undefined) return next
    return { ...next, state: { ...next.state, slots: next.state.slots.set(...kept) } }
  },

  'fills one link before the next': (state, event, rules) => {
    const next = poolStep(state, event, rules)
    const placed = next.effects.find(({ kind }) => kind === 'attach')
    if (event.kind !== 'bind' || placed?.kind !== 'attach') return next
    const ready = [...next.state.slots].flatMap(([id, slot]) =>
      slot.phase === 'ready' ? [{ id, slot }] : [],
    )
    const fullest = ready.sort((a, b) => b.slot.bound.size - a.slot.bound.size)[0]
    if (fullest === undefined) return next
    const { binding } = placed
    return {
      state: moved(next.state, binding, fullest.id),
      effects: next.effects.map((effect) =>
        effect === placed ? attach(binding, fullest.slot.link) : effect,
      ),
    }
  },
}

function order({ kind }: PoolEffect): number {
  return kind === 'attach' ? 0 : 1
}

function attach(binding: number, to: LinkId): PoolEffect {
  return { kind: 'attach', binding, to }
}

function without(state: PoolMachine, binding: number): PoolMachine {
  const place = state.bindings.get(binding)
  const bindings = state.bindings.delete(binding)
  if (place?.phase === 'parked') return { ...state, bindings, parked: state.parked.delete(place.ticket) }
  const slot = place && state.slots.get(place.slot)
  if (!place || !slot || !('bound' in slot)) return { ...state, bindings }
  const slots = state.slots.set(place.slot, { ...slot, bound: slot.bound.delete(binding) })
  return { ...state, bindings, slots }
}

function moved(state: PoolMachine, binding: number, to: SlotId): PoolMachine {
  const rest = without(state, binding)
  const slot = rest.slots.get(to)
  if (!slot || !('bound' in slot)) return state
  return {
    ...rest,
    slots: rest.slots.set(to, { ...slot, bound: slot.bound.set(binding, true) }),
    bindings: rest.bindings.set(binding, { phase: 'bound', slot: to }),
  }
}
