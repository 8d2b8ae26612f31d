import type { Millis } from '../end.js'
import type { PoolMachine, PoolSlot, ReadySlot, SlotId } from './model.js'

/**
 * What the slots amount to. Made by looking at each of them, and kept up while bindings are placed: looking again for
 * each of hundreds that move would take longer than moving them.
 */
export class Survey {
  /** The slots that this is about. */
  slots: PoolMachine['slots']
  /** Slots that count towards the size. */
  counted = 0
  /** Of those, on their way to a link; where the peer drains one, to the next. */
  pending = 0
  /** When the first of them gets going: -Infinity for now, Infinity for never. */
  dueAt: Millis = Infinity
  failed = 0
  ready = 0
  /** Bindings on ready links that are not to be replaced. */
  bound = 0
  /** Ready, and to be replaced. */
  readonly yielding: (readonly [SlotId, ReadySlot])[] = []
  /** Retired slots whose last binding has left. */
  readonly emptied: (readonly [SlotId, PoolSlot])[] = []
  /** Who takes bindings, and how many each has: ready slots, and those to be replaced only for want of others. */
  #takers: SlotId[] = []
  #loads: number[] = []
  #least = 0

  constructor(slots: PoolMachine['slots']) {
    this.slots = slots
    slots.forEach((slot, id) => this.#count(slot, id))
    if (this.ready === 0) {
      this.#takers = this.yielding.map(([id]) => id)
      this.#loads = this.yielding.map(([, { bound }]) => bound.size)
    }
    this.#findLeast()
  }

  /** The slot that takes the next binding: the ready link with the fewest, of equals the oldest slot. */
  get least(): SlotId | null {
    return this.#takers[this.#least] ?? null
  }

  /** How many bindings that one has. */
  get leastLoad(): number {
    return this.#loads[this.#least] ?? 0
  }

  /** The least loaded slot has taken a binding, which is all that is new in `slots`. */
  placed(slots: PoolMachine['slots']): void {
    this.slots = slots
    this.#loads[this.#least] = this.leastLoad + 1
    if (this.ready > 0) this.bound += 1
    this.#findLeast()
  }

  #count(slot: PoolSlot, id: SlotId): void {
    if (isLeaving(slot)) {
      if (slot.phase === 'ready') this.yielding.push([id, slot])
      else if ('link' in slot && slot.bound.size === 0) this.emptied.push([id, slot])
      return
    }
    this.counted += 1
    switch (slot.phase) {
      case 'ready':
        this.ready += 1
        this.bound += slot.bound.size
        this.#takers.push(id)
        this.#loads.push(slot.bound.size)
        return
      case 'failed':
        this.failed += 1
        return
      case 'opening':
      case 'waiting':
      case 'retiring':
        this.pending += 1
        this.dueAt = Math.min(this.dueAt, slot.phase === 'waiting' ? slot.dueAt : -Infinity)
    }
  }

  #findLeast(): void {
    let fewest = Infinity
    this.#loads.forEach((load, index) => {
      if (load >= fewest) return
      fewest = load
      this.#least = index
    })
  }
}

/** Whether the slot goes with its link, and so counts no more. */
export function isLeaving(slot: PoolSlot): boolean {
  return (
    (slot.phase === 'retiring' && slot.leaves === 'slot') || (slot.phase === 'ready' && slot.yields !== null)
  )
}
