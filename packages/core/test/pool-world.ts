import { fc } from '@fast-check/vitest'
import {
  type BindingId,
  emptyPool,
  type LinkId,
  type Millis,
  type PoolEffect,
  type PoolEvent,
  type PoolMachine,
  type PoolRules,
  type PoolSlot,
  poolDeadline,
  type ReleaseWhy,
  type SlotId,
  SortedMap,
} from '@holdfast/core'
import type { Exploration } from '@holdfast/core/testing'
import type { PoolStep } from './mutants/pool.js'

/** What the network and the sessions really are, as told to the pool and as the pool tells. */
export interface PoolWorld {
  readonly pool: PoolMachine
  readonly now: Millis
  readonly nextLink: LinkId
  /** Every link that has not ended. */
  readonly links: SortedMap<LinkId, LinkView>
  readonly sessions: SortedMap<BindingId, Session>
  /** Parked sessions, first come first. */
  readonly queue: readonly BindingId[]
  /** The first thing that was wrong. */
  readonly wrong: string | null
}

interface LinkView {
  /** `yielding`: it is to go when it has been replaced. */
  readonly phase: 'ready' | 'yielding' | 'retiring'
  /** When it is to be gone. */
  readonly deadline: Millis
}

interface Session {
  readonly on: LinkId | null
  /** Something of it is unflushed. */
  readonly busy: boolean
  /** When it was parked last. */
  readonly parkedAt: Millis
  readonly over: boolean
}

export type PoolDeed =
  | { readonly kind: 'bind' | 'release' | 'send' | 'flush'; readonly binding: BindingId }
  | { readonly kind: 'opening' | 'failed' | 'ready' | 'draining'; readonly slot: SlotId }
  | { readonly kind: 'waiting'; readonly slot: SlotId; readonly ms: Millis }
  | { readonly kind: 'retire'; readonly link: LinkId; readonly within: Millis }
  | { readonly kind: 'replace'; readonly link: LinkId }
  | { readonly kind: 'pass'; readonly ms: Millis }
  | { readonly kind: 'close' }

export type WorldRules = Omit<PoolRules, 'movable'>

/** How long a link has from its replacement on. */
const yieldWithin = 1

/** Small enough to be explored: two links, and all that a size can ask for. */
export const smallRules: WorldRules = {
  size: { min: 1, max: 2, growAbove: 1, shrinkBelow: 1 },
  park: { within: 1, max: 2 },
}

/** A pool that has just been started. */
export function poolBefore(step: PoolStep, rules: WorldRules): PoolWorld {
  const world: PoolWorld = {
    pool: emptyPool,
    now: 0,
    nextLink: 1 as LinkId,
    links: new SortedMap(),
    sessions: new SortedMap(),
    queue: [],
    wrong: null,
  }
  return tell(world, { kind: 'start', at: 0 }, step, rules)
}

/** Which world to explore. */
export interface PoolScope {
  /** How many sessions come, at most. */
  readonly sessions: number
  /** Deeds left out, because together with as many sessions they would take too long. */
  readonly without?: readonly PoolDeed['kind'][]
}

/** Everything that can happen to a pool within this scope, as a graph. */
export function explorationOf(
  step: PoolStep,
  rules: WorldRules,
  { sessions, without = [] }: PoolScope,
): Exploration<PoolWorld, PoolDeed> {
  return {
    initial: poolBefore(step, rules),
    events: (world) => deedsIn(world, sessions).filter(({ kind }) => !without.includes(kind)),
    step: (world, deed) => perform(world, deed, step, rules),
    check: (world) => world.wrong ?? complaint(world, rules),
    key: keyOf,
  }
}

function deedsIn({ pool, sessions }: PoolWorld, count: number): PoolDeed[] {
  if (pool.phase === 'closed') return []
  const deeds: PoolDeed[] = []
  // Sessions differ in nothing but their names, so they come in the order of these.
  if (sessions.size < count) deeds.push({ kind: 'bind', binding: sessions.size + 1 })
  sessions.forEach(({ over, on, busy }, binding) => {
    if (!over) deeds.push({ kind: 'release', binding })
    if (on !== null) deeds.push({ kind: busy ? 'flush' : 'send', binding })
  })
  pool.slots.forEach(({ phase }, slot) => {
    if (phase === 'failed') return
    deeds.push({ kind: phase === 'opening' ? 'ready' : 'opening', slot })
    if (phase !== 'waiting') deeds.push({ kind: 'waiting', slot, ms: 1 })
    if (phase === 'opening') deeds.push({ kind: 'waiting', slot, ms: 9 }, { kind: 'failed', slot })
    if (phase === 'ready') deeds.push({ kind: 'draining', slot })
  })
  pool.slots.forEach((slot) => {
    if ('link' in slot) deeds.push({ kind: 'retire', link: slot.link, within: 1 })
    if (slot.phase === 'ready' && slot.yields === null) deeds.push({ kind: 'replace', link: slot.link })
  })
  deeds.push({ kind: 'pass', ms: 1 }, { kind: 'close' })
  return deeds
}

/** Does one deed, tells the pool, and carries out what it answers. */
export function perform(world: PoolWorld, deed: PoolDeed, step: PoolStep, rules: WorldRules): PoolWorld {
  const { pool, now } = world
  const on = 'slot' in deed ? linkOn(pool, deed.slot) : null
  switch (deed.kind) {
    case 'bind': {
      const session: Session = { on: null, busy: false, parkedAt: now, over: false }
      const met = { ...world, sessions: world.sessions.set(deed.binding, session) }
      return tell(met, { kind: 'bind', binding: deed.binding, at: now }, step, rules)
    }
    case 'release':
      return tell(world, { kind: 'release', binding: deed.binding, at: now }, step, rules)
    case 'send':
      return withSession(world, deed.binding, { busy: true })
    case 'flush': {
      const met = withSession(world, deed.binding, { busy: false })
      const place = pool.bindings.get(deed.binding)
      if (place?.phase !== 'bound') return met
      return tell(met, { kind: 'flushed', slot: place.slot, at: now }, step, rules)
    }
    case 'opening':
    case 'failed':
      return tell(ending(world, on), { kind: deed.kind, slot: deed.slot, at: now }, step, rules)
    case 'waiting': {
      const event: PoolEvent = { kind: 'waiting', slot: deed.slot, dueAt: now + deed.ms, at: now }
      return tell(ending(world, on), event, step, rules)
    }
    case 'ready': {
      const link = world.nextLink
      let { links } = ending(world, on)
      const slot = pool.slots.get(deed.slot)
      // A slot that we retired is over with its link: the pool wants no other of it.
      if (slot === undefined || !isLeaving(slot))
        links = links.set(link, { phase: 'ready', deadline: Infinity })
      const met = { ...world, links, nextLink: (link + 1) as LinkId }
      return tell(met, { kind: 'ready', slot: deed.slot, link, at: now }, step, rules)
    }
    case 'draining':
      return tell(
        retiring(world, on, Infinity),
        { kind: 'draining', slots: [deed.slot], at: now },
        step,
        rules,
      )
    case 'retire': {
      const deadline = now + deed.within
      const event: PoolEvent = { kind: 'retire', link: deed.link, deadline, at: now }
      return tell(retiring(world, deed.link, deadline), event, step, rules)
    }
    case 'replace': {
      const view = world.links.get(deed.link)
      const links =
        view?.phase === 'ready' ? world.links.set(deed.link, { ...view, phase: 'yielding' }) : world.links
      const event: PoolEvent = { kind: 'replace', link: deed.link, within: yieldWithin, at: now }
      return tell({ ...world, links }, event, step, rules)
    }
    case 'pass': {
      const later = { ...world, now: now + deed.ms }
      const due = poolDeadline(pool)
      if (due === null || due > later.now) return later
      return tell(later, { kind: 'tick', at: later.now }, step, rules)
    }
    case 'close':
      return tell(world, { kind: 'close', at: now }, step, rules)
  }
}

function withSession(world: PoolWorld, binding: BindingId, change: Partial<Session>): PoolWorld {
  const session = world.sessions.get(binding)
  if (session?.on == null) return world
  return { ...world, sessions: world.sessions.set(binding, { ...session, ...change }) }
}

function linkOn(pool: PoolMachine, id: SlotId): LinkId | null {
  const slot = pool.slots.get(id)
  return slot !== undefined && 'link' in slot ? slot.link : null
}

function ending(world: PoolWorld, link: LinkId | null): PoolWorld {
  return link === null ? world : { ...world, links: world.links.delete(link) }
}

function retiring(world: PoolWorld, link: LinkId | null, by: Millis): PoolWorld {
  const known = link === null ? undefined : world.links.get(link)
  if (link === null || known === undefined) return world
  const deadline = Math.min(known.deadline, by)
  return { ...world, links: world.links.set(link, { phase: 'retiring', deadline }) }
}

function tell(world: PoolWorld, event: PoolEvent, step: PoolStep, rules: WorldRules): PoolWorld {
  const movable = (binding: BindingId): true | 'mid-send' =>
    world.sessions.get(binding)?.busy === true ? 'mid-send' : true
  const { state, effects } = step(world.pool, event, { ...rules, movable })
  const observer = new Observer(world, event, state)
  for (const effect of effects) observer.see(effect)
  return observer.world(state)
}

/** Follows the effects of one step, and notes the first that cannot be. */
class Observer {
  readonly #before: PoolWorld
  readonly #event: PoolEvent
  readonly #after: PoolMachine
  #links: PoolWorld['links']
  #sessions: PoolWorld['sessions']
  readonly #queue: readonly BindingId[]
  readonly #placed: BindingId[] = []
  readonly #detached: BindingId[] = []
  #wrong: string | null = null

  constructor(before: PoolWorld, event: PoolEvent, after: PoolMachine) {
    this.#before = before
    this.#event = event
    this.#after = after
    this.#links = before.links
    this.#sessions = before.sessions
    this.#queue = before.queue
    // A link that the pool itself decides to retire, in this step, takes nothing from then on.
    const isReady = (link: LinkId): boolean =>
      [...after.slots.values()].some((slot) => slot.phase === 'ready' && slot.link === link)
    before.links.forEach((view, link) => {
      if (view.phase === 'retiring' || isReady(link)) return
      const isAsked =
        event.kind === 'close' ||
        event.kind === 'draining' ||
        (event.kind === 'retire' && event.link === link)
      const deadline = view.phase === 'yielding' && !isAsked ? before.now + yieldWithin : view.deadline
      this.#links = this.#links.set(link, { phase: 'retiring', deadline })
      if (
        view.phase === 'yielding' &&
        !isAsked &&
        ![...this.#links.values()].some(({ phase }) => phase === 'ready')
      )
        this.#wrong ??= `I14: link ${link} has to go before it is replaced`
    })
  }

  see(effect: PoolEffect): void {
    this.#wrong ??= this.#complaint(effect)
    switch (effect.kind) {
      case 'attach':
        this.#change(effect.binding, { on: effect.to })
        this.#placed.push(effect.binding)
        break
      case 'detach':
        this.#change(effect.binding, { on: null })
        this.#detached.push(effect.binding)
        break
      case 'release':
      case 'refuse':
        this.#change(effect.binding, { on: null, busy: false, over: true })
        break
      case 'retired':
        this.#links = this.#links.delete(effect.link)
        break
      case 'open':
      case 'close':
        break
    }
  }

  world(pool: PoolMachine): PoolWorld {
    const { now, nextLink } = this.#before
    const isWaiting = (id: BindingId): boolean => {
      const session = this.#sessions.get(id)
      return session !== undefined && !session.over && session.on === null
    }
    const queue = this.#queue.filter(isWaiting)
    // Whoever waits and was not detached has just come.
    for (const id of [...this.#detached, ...this.#sessions.keys()]) {
      if (!isWaiting(id) || queue.includes(id)) continue
      queue.push(id)
      this.#change(id, { parkedAt: now })
    }
    const inOrder = this.#queue.filter((id) => this.#placed.includes(id))
    const wrong =
      this.#wrong ??
      (inOrder.join() === this.#placed.filter((id) => this.#queue.includes(id)).join()
        ? null
        : 'the queue is not served in order')
    return { pool, now, nextLink, links: this.#links, sessions: this.#sessions, queue, wrong }
  }

  #change(binding: BindingId, change: Partial<Session>): void {
    const session = this.#sessions.get(binding)
    if (session !== undefined) this.#sessions = this.#sessions.set(binding, { ...session, ...change })
  }

  #complaint(effect: PoolEffect): string | null {
    if (effect.kind === 'open' || effect.kind === 'close') return null
    if (effect.kind === 'retired') {
      const left = [...this.#sessions].find(([, { on }]) => on === effect.link)
      return left ? `I14: ${left[0]} is left on link ${effect.link}` : null
    }
    const session = this.#sessions.get(effect.binding)
    const name = `session ${effect.binding}`
    if (session === undefined) return `I14: ${name} is not known`
    if (session.over) return `I14: ${effect.kind} of ${name} after its release`
    switch (effect.kind) {
      case 'attach':
        if (session.on !== null) return `I16: ${name} is attached to two links`
        if (session.busy) return `I15: ${name} is moved in the middle of a send`
        if (this.#placed.includes(effect.binding)) return `I14: ${name} is moved twice in one step`
        return this.#placement(effect.to)
      case 'detach': {
        if (session.on !== effect.from) return `I16: ${name} is detached from where it is not`
        const alive = this.#links.has(effect.from)
        return alive === effect.linkAlive
          ? null
          : `I14: it is said of link ${effect.from} that linkAlive is ${effect.linkAlive}`
      }
      case 'release':
      case 'refuse':
        if (session.on !== null) return `I16: ${name} is released while attached`
        return this.#release(effect, session, name)
    }
  }

  #placement(to: LinkId): string | null {
    const phase = this.#links.get(to)?.phase ?? 'gone'
    if (phase !== 'ready' && phase !== 'yielding')
      return `I13: a session is placed on link ${to}, which is ${phase}`
    if (phase === 'yielding' && [...this.#links.values()].some((is) => is.phase === 'ready'))
      return `I13: a session is placed on link ${to}, which has been replaced`
    const load = (link: LinkId): number => [...this.#sessions.values()].filter(({ on }) => on === link).length
    const lighter = [...this.#links].some(([link, is]) => is.phase === phase && load(link) < load(to))
    return lighter ? `I13: link ${to} is not the least loaded` : null
  }

  #release(
    { binding, why }: { readonly binding: BindingId; readonly why: ReleaseWhy },
    session: Session,
    name: string,
  ): string | null {
    const was = this.#before.sessions.get(binding)?.on ?? null
    const isReady = [...this.#links.values()].some(({ phase }) => phase !== 'retiring')
    const hasOpening = [...this.#after.slots.values()].some(({ phase }) => phase === 'opening')
    switch (why) {
      case 'asked':
        return this.#event.kind === 'release' ? null : `I14: nobody asked for the release of ${name}`
      case 'mid-send':
        if (!session.busy) return `I15: ${name} is idle and yet cut`
        return this.#hasTime(was) ? `I15: ${name} is cut although its link has time` : null
      case 'park-expired':
        return this.#before.now > session.parkedAt ? null : `I14: ${name} had more time to wait`
      case 'no-link':
        if (hasOpening) return `${name} is given up with a link on its way`
        return isReady ? `I14: ${name} is given up while a link is ready` : null
      case 'park-full':
        return isReady ? `I14: ${name} is given up while a link is ready` : null
      case 'closed':
        return this.#event.kind === 'close' ? null : `I14: ${name} is released as if the pool were closed`
      case 'pinned':
        return `I15: ${name} is not pinned`
      case 'draining':
        return `I14: ${name} is released as if it were new`
    }
  }

  #hasTime(link: LinkId | null): boolean {
    const view = link === null ? undefined : this.#before.links.get(link)
    return view !== undefined && view.deadline > this.#before.now
  }
}

/** What is wrong with the pool as it is now, if anything is. */
function complaint({ pool, now, links, sessions, queue }: PoolWorld, rules: WorldRules): string | null {
  const { slots, bindings, parked } = pool
  const living = [...sessions].filter(([, { over }]) => !over)
  if (living.length !== bindings.size) return 'I14: a binding is forgotten, or one too many is known'
  for (const [id, { on }] of living) {
    const place = bindings.get(id)
    if (place === undefined) return `I14: session ${id} is forgotten`
    const known = place.phase === 'bound' ? linkOn(pool, place.slot) : null
    if (known !== on) return `I16: session ${id} is on ${on ?? 'no link'}, the pool says ${known ?? 'none'}`
    if (on !== null && !links.has(on)) return `I14: session ${id} is on a link that has ended`
  }
  const late = [...links].find(([, { deadline }]) => deadline <= now)
  if (late !== undefined) return `I14: link ${late[0]} is kept beyond its deadline`
  if (pool.phase === 'closed')
    return slots.size + living.length === 0 ? null : 'I14: something is left after close'
  if ([...parked.values()].map(({ binding }) => binding).join() !== queue.join())
    return 'the queue is another one than those who wait'
  return parkingComplaint(pool, now, sessions, rules) ?? slotComplaint(pool, sessions, rules)
}

function parkingComplaint(
  { slots, parked }: PoolMachine,
  now: Millis,
  sessions: PoolWorld['sessions'],
  { park }: WorldRules,
): string | null {
  if (parked.size === 0) return null
  if (park === undefined || parked.size > park.max) return `${parked.size} are parked, which is too many`
  const all = [...slots.values()]
  if (all.some(({ phase }) => phase === 'ready')) return 'somebody is parked while a link is ready'
  for (const { binding } of parked.values()) {
    const until = (sessions.get(binding)?.parkedAt ?? 0) + park.within
    if (until <= now) return `session ${binding} is parked for too long`
    if (!all.some((slot) => isProspect(slot, until))) return `session ${binding} is parked without a prospect`
  }
  return null
}

function isLeaving(slot: PoolSlot): boolean {
  return (
    (slot.phase === 'retiring' && slot.leaves === 'slot') || (slot.phase === 'ready' && slot.yields !== null)
  )
}

function isProspect(slot: PoolSlot, until: Millis): boolean {
  if (slot.phase === 'waiting') return slot.dueAt <= until
  return slot.phase === 'opening' || (slot.phase === 'retiring' && slot.leaves === 'link')
}

function slotComplaint(
  { slots }: PoolMachine,
  sessions: PoolWorld['sessions'],
  { size }: WorldRules,
): string | null {
  const all = [...slots.values()]
  const counted = all.filter((slot) => !isLeaving(slot)).length
  if (counted < size.min || counted > size.max) return `there are ${counted} slots`
  const isReady = all.some(({ phase }) => phase === 'ready')
  const staying = all.filter((slot) => slot.phase === 'ready' && slot.yields === null).length
  const yielding = all.filter((slot) => slot.phase === 'ready' && slot.yields !== null).length
  if (yielding > 0 && staying > 0 && staying >= size.min) return 'a link is kept that has been replaced'
  for (const slot of all) {
    if (slot.phase !== 'retiring') continue
    if (slot.leaves === 'slot' && slot.bound.size === 0) return `I14: link ${slot.link} is kept for nobody`
    const idle = [...slot.bound.keys()].find((id) => sessions.get(id)?.busy === false)
    if (isReady && idle !== undefined)
      return `I14: session ${idle} could leave link ${slot.link} and does not`
  }
  return null
}

/**
 * Worlds that differ only in what the clock says, in the numbers of slots, links and tickets, or in which of the
 * sessions are over, are the same.
 */
function keyOf({ pool, now, sessions }: PoolWorld): string {
  const ahead = (time: Millis): Millis => Math.max(-1, Math.min(time - now, 2))
  const ids = [...pool.bindings.keys()]
  const rank = (id: BindingId): number => ids.indexOf(id)
  const slots = [...pool.slots.values()].map((slot) => {
    if (slot.phase === 'waiting') return ahead(slot.dueAt)
    if (!('link' in slot)) return slot.phase
    const bound = [...slot.bound.keys()].map(rank)
    return slot.phase === 'ready' ? [slot.yields, bound] : [slot.leaves, ahead(slot.deadline), bound]
  })
  const parked = [...pool.parked.values()].map(({ binding, until }) => [rank(binding), ahead(until)])
  const busy = ids.map((id) => Number(sessions.get(id)?.busy))
  return JSON.stringify([pool.phase, sessions.size, slots, parked, busy])
}

/** A deed of a larger world than the explored one. Numbers are draws: {@link inWorld} says of what. */
export const anyDeed: fc.Arbitrary<PoolDeed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('bind'), binding: fc.constant(0) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('send', 'flush', 'release'), binding: fc.nat() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('opening', 'ready', 'ready', 'ready', 'draining'),
      slot: fc.nat(),
    }),
  },
  fc.record({ kind: fc.constant('waiting'), slot: fc.nat(), ms: fc.constantFrom(1, 9) }),
  fc.record({
    kind: fc.constant('retire'),
    link: fc.nat().map((link) => link as LinkId),
    within: fc.constantFrom(1, 5),
  }),
  fc.record({ kind: fc.constant('replace'), link: fc.nat().map((link) => link as LinkId) }),
  fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(1, 3) }),
)

/** The deed with its draws replaced by what there is in this world. */
export function inWorld({ pool, links, sessions }: PoolWorld, deed: PoolDeed): PoolDeed {
  if ('slot' in deed) return { ...deed, slot: pick(pool.slots.keys(), deed.slot) ?? 0 }
  if ('link' in deed) return { ...deed, link: pick(links.keys(), deed.link) ?? deed.link }
  if (deed.kind === 'bind') return { ...deed, binding: sessions.size + 1 }
  return 'binding' in deed ? { ...deed, binding: pick(pool.bindings.keys(), deed.binding) ?? 0 } : deed
}

function pick<T>(of: Iterable<T>, draw: number): T | undefined {
  const all = [...of]
  return all[draw % all.length]
}
