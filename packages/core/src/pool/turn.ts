import type { Millis } from '../end.js'
import { SortedMap } from '../sorted-map.js'
import type {
  BindingId,
  MoveTally,
  PoolEffect,
  PoolEvent,
  PoolLink,
  PoolMachine,
  PoolRules,
  PoolSlot,
  ReadySlot,
  ReleaseWhy,
  SlotId,
} from './model.js'
import { isLeaving, Survey } from './survey.js'

/** One step of a pool in the making: what it has come to so far. */
export class PoolTurn {
  readonly effects: PoolEffect[] = []
  readonly #before: PoolMachine
  readonly #at: Millis
  readonly #rules: PoolRules
  #phase: PoolMachine['phase']
  #slots: PoolMachine['slots']
  #bindings: PoolMachine['bindings']
  #parked: PoolMachine['parked']
  #nextSlot: SlotId
  #nextTicket: number
  #surveyed: Survey | undefined

  constructor(state: PoolMachine, at: Millis, rules: PoolRules) {
    this.#before = state
    this.#at = at
    this.#rules = rules
    this.#phase = state.phase
    this.#slots = state.slots
    this.#bindings = state.bindings
    this.#parked = state.parked
    this.#nextSlot = state.nextSlot
    this.#nextTicket = state.nextTicket
  }

  result(): PoolMachine {
    const before = this.#before
    const slots = this.#slots
    const bindings = this.#bindings
    const parked = this.#parked
    const phase = this.#phase
    // No binding moves without one of these.
    if (slots === before.slots && bindings === before.bindings && phase === before.phase) return before
    return { phase, slots, bindings, parked, nextSlot: this.#nextSlot, nextTicket: this.#nextTicket }
  }

  take(event: Exclude<PoolEvent, { kind: 'drain' }>): void {
    switch (event.kind) {
      case 'start':
        break
      case 'opening':
        this.#become(event.slot, { phase: 'opening' })
        break
      case 'waiting':
        this.#become(event.slot, { phase: 'waiting', dueAt: event.dueAt })
        break
      case 'failed':
        this.#become(event.slot, { phase: 'failed' })
        break
      case 'ready':
        this.#become(event.slot, { phase: 'ready', link: event.link, bound: new SortedMap(), yields: null })
        this.#slots.forEach((_, id) => this.#moveIdle(id))
        break
      case 'draining':
        this.#drain(event.slots)
        break
      case 'bind':
        this.#bind(event.binding)
        break
      case 'release':
        this.#release(event.binding)
        break
      case 'retire':
        this.#slots.forEach((slot, id) => {
          if ('link' in slot && slot.link === event.link) this.#retire(id, slot, event.deadline)
        })
        break
      case 'replace':
        this.#slots.forEach((slot, id) => {
          if (slot.phase !== 'ready' || slot.link !== event.link) return
          const yields = Math.min(slot.yields ?? Infinity, event.within)
          this.#slots = this.#slots.set(id, yields === slot.yields ? slot : { ...slot, yields })
        })
        break
      case 'flushed':
        this.#moveIdle(event.slot)
        break
      case 'tick':
        this.#expire()
        break
      case 'close':
        this.#close()
        return
    }
    this.#settle()
  }

  /** What follows from any event. */
  #settle(): void {
    this.#open(this.#rules.size.min - this.#survey().counted)
    this.#yield()
    const { dueAt, least } = this.#survey()
    this.#unpark(({ until }) => least !== null || !isWithin(dueAt, until), 'no-link')
    this.#resize()
    for (const [id, slot] of this.#survey().emptied) this.#drop(id, slot)
  }

  /** Looks at every slot, and therefore only again when one has changed. */
  #survey(): Survey {
    if (this.#surveyed?.slots !== this.#slots) this.#surveyed = new Survey(this.#slots)
    return this.#surveyed
  }

  #open(count: number): void {
    for (; count > 0; count -= 1) {
      const slot = this.#nextSlot
      this.#nextSlot += 1
      this.#slots = this.#slots.set(slot, { phase: 'opening' })
      this.effects.push({ kind: 'open', slot })
    }
  }

  /** Links that were to be replaced, and have been, go. */
  #yield(): void {
    const { size } = this.#rules
    const { ready, failed, yielding } = this.#survey()
    if (ready === 0) return
    // A place that nobody will ever fill is not waited for.
    const replaced = ready + failed + yielding.length - size.min
    for (const [id, slot] of yielding.slice(0, Math.max(0, replaced)))
      this.#retire(id, slot, this.#at + (slot.yields ?? 0))
  }

  #resize(): void {
    const { min, max, growAbove = Infinity, burst = 1, shrinkBelow = 0 } = this.#rules.size
    const { counted, pending, ready, bound, least, leastLoad } = this.#survey()
    if (least === null) return
    if (pending === 0 && leastLoad > growAbove) this.#open(Math.min(burst, max - counted))
    const isSpare = ready > Math.max(min, 1) && bound < shrinkBelow * (ready - 1)
    // Not in a step that places: nothing is to move twice in one.
    if (isSpare && !this.effects.some(({ kind }) => kind === 'attach'))
      this.#retire(least, this.#slots.get(least) as ReadySlot, Infinity)
  }

  /** The slot's lifecycle has moved on. A link it had is gone, and its bindings with it. */
  #become(id: SlotId, next: PoolSlot): void {
    const slot = this.#slots.get(id)
    if (slot === undefined || isSame(slot, next)) return
    if (isLeaving(slot)) {
      this.#drop(id, slot, false)
      return
    }
    this.#slots = this.#slots.set(id, next)
    if ('link' in slot) this.#evacuate(slot, false)
  }

  /** The slot goes, and whatever is bound to its link. */
  #drop(id: SlotId, slot: PoolSlot, linkAlive = true, verdict?: ReleaseWhy): void {
    this.#slots = this.#slots.delete(id)
    if ('link' in slot) this.#evacuate(slot, linkAlive, verdict)
    this.effects.push({ kind: 'close', slot: id })
  }

  /** Everything leaves a link that is already out of `#slots`: moved, parked or cut. */
  #evacuate({ link, bound, ...rest }: PoolLink, linkAlive: boolean, verdict?: ReleaseWhy): void {
    let moved = rest.phase === 'retiring' ? rest.moved : 0
    let parked = 0
    const cut: MoveTally['cut'][number][] = []
    bound.forEach((_, binding) => {
      const movable = verdict ?? this.#rules.movable(binding, link)
      this.effects.push({ kind: 'detach', binding, from: link, linkAlive })
      const became = movable === true ? this.#place(binding) : movable
      if (became === 'bound') moved += 1
      else if (became === 'parked') parked += 1
      else {
        this.#forget(binding, became)
        cut.push({ binding, why: became })
      }
    })
    this.effects.push({ kind: 'retired', link, moved, parked, cut })
  }

  /** Links go, and none of them is a place to move to from another. */
  #drain(ids: readonly SlotId[]): void {
    for (const id of ids) {
      const slot = this.#slots.get(id)
      if (slot?.phase === 'ready') this.#leave(id, slot, slot.yields === null ? 'link' : 'slot', Infinity)
    }
    for (const id of ids) this.#moveIdle(id)
  }

  /** No more placements, and whoever can moves now. */
  #retire(id: SlotId, slot: PoolLink, deadline: Millis): void {
    if (slot.phase === 'retiring' && slot.leaves === 'slot' && slot.deadline <= deadline) return
    this.#leave(id, slot, 'slot', deadline)
    this.#moveIdle(id)
  }

  #leave(id: SlotId, slot: PoolLink, leaves: 'slot' | 'link', asked: Millis): void {
    const { link, bound } = slot
    const { moved, deadline } = slot.phase === 'retiring' ? slot : { moved: 0, deadline: Infinity }
    const retiring: PoolSlot = {
      phase: 'retiring',
      link,
      bound,
      deadline: Math.min(deadline, asked),
      leaves,
      moved,
    }
    this.#slots = this.#slots.set(id, retiring)
  }

  /** Moves whoever can from a retiring link, if there is another; else they are better off where they are. */
  #moveIdle(id: SlotId): void {
    const slot = this.#slots.get(id)
    if (slot?.phase !== 'retiring' || this.#survey().least === null) return
    const { link } = slot
    let { bound, moved } = slot
    slot.bound.forEach((_, binding) => {
      if (this.#rules.movable(binding, link) !== true) return
      this.effects.push({ kind: 'detach', binding, from: link, linkAlive: true })
      this.#place(binding)
      bound = bound.delete(binding)
      moved += 1
    })
    if (bound !== slot.bound) this.#slots = this.#slots.set(id, { ...slot, bound, moved })
  }

  #bind(binding: BindingId): void {
    if (this.#bindings.has(binding)) return
    const became = this.#place(binding)
    if (became !== 'bound' && became !== 'parked') this.effects.push({ kind: 'refuse', binding, why: became })
  }

  #release(binding: BindingId): void {
    const place = this.#bindings.get(binding)
    if (place === undefined) return
    if (place.phase === 'parked') this.#parked = this.#parked.delete(place.ticket)
    else {
      const slot = this.#slots.get(place.slot)
      if (slot !== undefined && 'link' in slot) {
        this.#slots = this.#slots.set(place.slot, { ...slot, bound: slot.bound.delete(binding) })
        this.effects.push({ kind: 'detach', binding, from: slot.link, linkAlive: true })
      }
    }
    this.#forget(binding, 'asked')
  }

  #forget(binding: BindingId, why: ReleaseWhy): void {
    this.#bindings = this.#bindings.delete(binding)
    this.effects.push({ kind: 'release', binding, why })
  }

  /** Onto the least loaded link; else into the queue, if one is to be expected in time and there is room. */
  #place(binding: BindingId): 'bound' | 'parked' | ReleaseWhy {
    const survey = this.#survey()
    const { dueAt, least } = survey
    if (least !== null) {
      const slot = this.#slots.get(least) as ReadySlot
      const { link, bound, yields } = slot
      const taken: ReadySlot = { phase: 'ready', link, bound: bound.set(binding, true), yields }
      this.#slots = this.#slots.set(least, taken)
      survey.placed(this.#slots)
      this.#bindings = this.#bindings.set(binding, { phase: 'bound', slot: least })
      this.effects.push({ kind: 'attach', binding, to: slot.link })
      return 'bound'
    }
    const { park } = this.#rules
    if (park === undefined) return 'no-link'
    const until = this.#at + park.within
    if (!isWithin(dueAt, until)) return 'no-link'
    if (this.#parked.size >= park.max) return 'park-full'
    const ticket = this.#nextTicket
    this.#nextTicket += 1
    this.#parked = this.#parked.set(ticket, { binding, until })
    this.#bindings = this.#bindings.set(binding, { phase: 'parked', ticket })
    return 'parked'
  }

  /** Takes from the head of the queue while `when` holds, and places them or, if there is no link, releases them. */
  #unpark(when: (head: { readonly until: Millis }) => boolean, why: ReleaseWhy): void {
    for (let head = this.#parked.first(); head !== undefined; head = this.#parked.first()) {
      const [ticket, { binding, until }] = head
      if (!when({ until })) return
      this.#parked = this.#parked.delete(ticket)
      if (this.#survey().least !== null) this.#place(binding)
      else this.#forget(binding, why)
    }
  }

  #expire(): void {
    const isDue = (time: { readonly until: Millis }): boolean => time.until <= this.#at
    this.#unpark(isDue, 'park-expired')
    this.#slots.forEach((slot, id) => {
      if (slot.phase === 'retiring' && slot.deadline <= this.#at) this.#drop(id, slot)
    })
  }

  #close(): void {
    this.#phase = 'closed'
    this.#unpark(() => true, 'closed')
    this.#slots.forEach((slot, id) => this.#drop(id, slot, true, 'closed'))
  }
}

function isSame(slot: PoolSlot, next: PoolSlot): boolean {
  if ('link' in slot) return 'link' in next && slot.link === next.link
  return slot.phase === 'waiting' && next.phase === 'waiting'
    ? slot.dueAt === next.dueAt
    : slot.phase === next.phase
}

function isWithin(dueAt: Millis, until: Millis): boolean {
  return dueAt < Infinity && dueAt <= until
}
