import { fc, test } from '@fast-check/vitest'
import {
  type BindingId,
  emptyPool,
  type LinkId,
  type Movability,
  type PoolEffect,
  type PoolEvent,
  type PoolMachine,
  type PoolRules,
  poolDeadline,
  poolStep,
} from '@holdfast/core'
import { type CounterExample, describeCounterExample, explore } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { poolMutants } from './mutants/pool.js'
import {
  anyDeed,
  explorationOf,
  inWorld,
  type PoolDeed,
  type PoolScope,
  perform,
  poolBefore,
  smallRules,
} from './pool-world.js'

type Told = PoolEvent extends infer E ? (E extends PoolEvent ? Omit<E, 'at'> : never) : never

/** A pool whose time passes only when a test says so. */
class Probe {
  state: PoolMachine = emptyPool
  now = 0
  rules: Omit<PoolRules, 'movable'>
  /** Sessions that cannot move, and why. */
  readonly stuck = new Map<BindingId, Movability>()
  /** Everything so far. */
  readonly effects: PoolEffect[] = []

  constructor(rules: Omit<PoolRules, 'movable'>) {
    this.rules = rules
    this.send({ kind: 'start' })
  }

  send(event: Told): readonly PoolEffect[] {
    const movable = (id: BindingId): Movability => this.stuck.get(id) ?? true
    const { state, effects } = poolStep(this.state, { ...event, at: this.now }, { ...this.rules, movable })
    this.state = state
    this.effects.push(...effects)
    return effects
  }

  ready(slot: number, name: number): readonly PoolEffect[] {
    return this.send({ kind: 'ready', slot, link: link(name) })
  }

  bind(...ids: readonly BindingId[]): void {
    for (const binding of ids) this.send({ kind: 'bind', binding })
  }

  /** Lets time pass, and the timer fire when it is due. */
  pass(ms: number): readonly PoolEffect[] {
    this.now += ms
    const due = poolDeadline(this.state)
    return due !== null && due <= this.now ? this.send({ kind: 'tick' }) : []
  }

  /** Which link each binding is on; `parked` for none. */
  get places(): Record<BindingId, LinkId | 'parked'> {
    const places: Record<BindingId, LinkId | 'parked'> = {}
    for (const [id, place] of this.state.bindings) {
      const slot = place.phase === 'bound' ? this.state.slots.get(place.slot) : undefined
      places[id] = slot && 'link' in slot ? slot.link : 'parked'
    }
    return places
  }
}

const link = (name: number): LinkId => name as LinkId
const two = { size: { min: 2, max: 2 }, park: { within: 3000, max: 100 } }
const one = { size: { min: 1, max: 1 }, park: { within: 3000, max: 100 } }

/** Two links, 11 and 12, with bindings 1 and 3 on the first and 2 and 4 on the second. */
function twoLinks(rules: Omit<PoolRules, 'movable'> = two): Probe {
  const pool = new Probe(rules)
  pool.ready(1, 11)
  pool.ready(2, 12)
  pool.bind(1, 2, 3, 4)
  return pool
}

const threeSessions: PoolScope = { sessions: 3, without: ['draining', 'failed', 'replace'] }

describe('the pool machine, explored', () => {
  it.each([
    ['three sessions on two links', threeSessions],
    ['two sessions, where slots also fail, peers drain and links are replaced', { sessions: 2 }],
  ])('I13, I14, I15, I16: hold in every state of %s', (name, scope) => {
    const result = explore(explorationOf(poolStep, smallRules, scope))
    console.log(`pool, ${name}: ${result.states} states, ${result.steps} steps`)
    expect(result.counterExample).toBeNull()
  })

  it.each(Object.entries(poolMutants))('a machine that %s is found out', (_name, step) => {
    const inScope = (scope: PoolScope): CounterExample<PoolDeed> | null =>
      explore(explorationOf(step, smallRules, scope)).counterExample
    const counterExample = inScope({ sessions: 2 }) ?? inScope(threeSessions)
    if (counterExample === null) throw new Error('nothing was found')
    console.log(describeCounterExample(counterExample))
    expect(counterExample.events.length).toBeLessThanOrEqual(8)
  })
})

describe('the pool machine, whatever happens to it', () => {
  const rules = {
    size: { min: 2, max: 5, growAbove: 3, burst: 2, shrinkBelow: 2 },
    park: { within: 4, max: 5 },
  }
  const exploration = explorationOf(poolStep, rules, { sessions: Infinity })

  test.prop([fc.array(anyDeed, { maxLength: 50, size: 'max' })])(
    'I13, I14, I15, I16: every binding is on one ready or retiring link, parked with a prospect, or released once',
    (draws) => {
      let world = poolBefore(poolStep, rules)
      for (const draw of [...draws, { kind: 'close' } as const]) {
        const before = world
        const deed = inWorld(world, draw)
        world = perform(world, deed, poolStep, rules)
        expect(exploration.check(world, deed, before)).toBeNull()
      }
      expect([...world.sessions.values()].every(({ over }) => over)).toBe(true)
    },
  )

  test.prop([fc.array(anyDeed, { maxLength: 40 })])('a state is never changed by a step from it', (draws) => {
    const worlds = [poolBefore(poolStep, rules)]
    const texts = worlds.map(({ pool }) => JSON.stringify(pool))
    for (const draw of draws) {
      const before = worlds.at(-1)!
      const world = perform(before, inWorld(before, draw), poolStep, rules)
      worlds.push(world)
      texts.push(JSON.stringify(world.pool))
    }
    expect(worlds.map(({ pool }) => JSON.stringify(pool))).toEqual(texts)
  })
})

describe('a link that ends', () => {
  it('I14: loses all its bindings in that step, each to the least loaded of the others', () => {
    const pool = twoLinks()
    expect(pool.send({ kind: 'waiting', slot: 1, dueAt: 50 })).toEqual([
      { kind: 'detach', binding: 1, from: 11, linkAlive: false },
      { kind: 'attach', binding: 1, to: 12 },
      { kind: 'detach', binding: 3, from: 11, linkAlive: false },
      { kind: 'attach', binding: 3, to: 12 },
      { kind: 'retired', link: 11, moved: 2, parked: 0, cut: [] },
    ])
    expect(pool.places).toEqual({ 1: 12, 2: 12, 3: 12, 4: 12 })
  })

  it('I15: cuts a binding in the middle of a send, and one that is pinned', () => {
    const pool = twoLinks()
    pool.stuck.set(1, 'mid-send').set(3, 'pinned')
    expect(pool.send({ kind: 'opening', slot: 1 })).toEqual([
      { kind: 'detach', binding: 1, from: 11, linkAlive: false },
      { kind: 'release', binding: 1, why: 'mid-send' },
      { kind: 'detach', binding: 3, from: 11, linkAlive: false },
      { kind: 'release', binding: 3, why: 'pinned' },
      {
        kind: 'retired',
        link: 11,
        moved: 0,
        parked: 0,
        cut: [
          { binding: 1, why: 'mid-send' },
          { binding: 3, why: 'pinned' },
        ],
      },
    ])
  })

  it('I14: takes with it a binding placed a moment before', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.bind(1)
    pool.send({ kind: 'opening', slot: 1 })
    expect(pool.places).toEqual({ 1: 'parked' })
  })

  it('I14: together with the only other one parks everybody', () => {
    const pool = twoLinks()
    pool.send({ kind: 'opening', slot: 2 })
    pool.send({ kind: 'opening', slot: 1 })
    expect(pool.places).toEqual({ 1: 'parked', 2: 'parked', 3: 'parked', 4: 'parked' })
  })

  it('I14: right after it took bindings over hands them on', () => {
    const pool = new Probe({ size: { min: 3, max: 3 }, park: two.park })
    pool.ready(1, 11)
    pool.bind(1)
    pool.ready(2, 12)
    pool.send({ kind: 'opening', slot: 1 })
    pool.send({ kind: 'opening', slot: 2 })
    pool.ready(3, 13)
    expect(pool.places).toEqual({ 1: 13 })
  })

  it('I14: twice, or before it was ready, takes nobody with it', () => {
    const pool = twoLinks()
    pool.send({ kind: 'opening', slot: 1 })
    const before = pool.state
    expect(pool.send({ kind: 'opening', slot: 1 })).toEqual([])
    expect(pool.state).toBe(before)
    expect(pool.send({ kind: 'waiting', slot: 1, dueAt: 500 })).toEqual([])
    expect(pool.places).toEqual({ 1: 12, 2: 12, 3: 12, 4: 12 })
  })

  it('I14: and is followed at once by another in the same slot moves its bindings to that', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.bind(1)
    expect(pool.ready(1, 12).slice(0, 2)).toEqual([
      { kind: 'detach', binding: 1, from: 11, linkAlive: false },
      { kind: 'attach', binding: 1, to: 12 },
    ])
  })
})

describe('a binding', () => {
  it('I13: is placed on the ready link with the fewest', () => {
    const pool = twoLinks()
    pool.send({ kind: 'release', binding: 2 })
    pool.bind(5)
    expect(pool.places).toEqual({ 1: 11, 3: 11, 4: 12, 5: 12 })
  })

  it('I13: is not placed on a link that its peer drains', () => {
    const pool = twoLinks()
    pool.send({ kind: 'draining', slots: [1] })
    pool.bind(5)
    expect(pool.places).toEqual({ 1: 12, 2: 12, 3: 12, 4: 12, 5: 12 })
  })

  it('I16: released by its owner is detached first, and is not heard of again', () => {
    const pool = twoLinks()
    expect(pool.send({ kind: 'release', binding: 1 })).toEqual([
      { kind: 'detach', binding: 1, from: 11, linkAlive: true },
      { kind: 'release', binding: 1, why: 'asked' },
    ])
    pool.send({ kind: 'opening', slot: 1 })
    expect(pool.send({ kind: 'release', binding: 1 })).toEqual([])
  })

  it('I16: released after a move is detached from where it moved to', () => {
    const pool = twoLinks()
    pool.send({ kind: 'opening', slot: 1 })
    expect(pool.send({ kind: 'release', binding: 1 })[0]).toEqual({
      kind: 'detach',
      binding: 1,
      from: 12,
      linkAlive: true,
    })
  })

  it('I14: that is known already is not bound again', () => {
    const pool = twoLinks()
    const before = pool.state
    expect(pool.send({ kind: 'bind', binding: 1 })).toEqual([])
    expect(pool.state).toBe(before)
  })
})

describe('a parked binding', () => {
  it('is released when it has waited for as long as it may', () => {
    const pool = new Probe(one)
    pool.bind(1)
    expect(poolDeadline(pool.state)).toBe(3000)
    expect(pool.pass(2999)).toEqual([])
    expect(pool.pass(1)).toEqual([{ kind: 'release', binding: 1, why: 'park-expired' }])
  })

  it('is released at once when no slot is dialing, handshaking or due in time', () => {
    const pool = new Probe(two)
    pool.bind(1)
    expect(pool.send({ kind: 'failed', slot: 1 })).toEqual([])
    expect(pool.send({ kind: 'waiting', slot: 2, dueAt: 3000 })).toEqual([])
    expect(pool.send({ kind: 'opening', slot: 2 })).toEqual([])
    expect(pool.send({ kind: 'waiting', slot: 2, dueAt: 3001 })).toEqual([
      { kind: 'release', binding: 1, why: 'no-link' },
    ])
  })

  it('waits for the next link where the peer drains the only one', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.send({ kind: 'draining', slots: [1] })
    pool.bind(1)
    expect(pool.places).toEqual({ 1: 'parked' })
    pool.send({ kind: 'waiting', slot: 1, dueAt: 10 })
    expect(pool.ready(1, 12)).toEqual([{ kind: 'attach', binding: 1, to: 12 }])
  })

  it('is refused where there is no room, no prospect, or no parking at all', () => {
    const full = new Probe({ ...one, park: { within: 3000, max: 1 } })
    full.bind(1)
    expect(full.send({ kind: 'bind', binding: 2 })).toEqual([
      { kind: 'refuse', binding: 2, why: 'park-full' },
    ])
    const none = new Probe({ size: { min: 0, max: 0 }, park: one.park })
    expect(none.send({ kind: 'bind', binding: 1 })).toEqual([{ kind: 'refuse', binding: 1, why: 'no-link' }])
    const impatient = new Probe({ size: one.size })
    expect(impatient.send({ kind: 'bind', binding: 1 })).toEqual([
      { kind: 'refuse', binding: 1, why: 'no-link' },
    ])
  })

  it('is placed in the order of parking, not of binding', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.bind(1)
    pool.send({ kind: 'retire', link: link(11), deadline: 100 })
    pool.bind(2)
    pool.pass(100)
    expect(pool.places).toEqual({ 1: 'parked', 2: 'parked' })
    expect(pool.ready(2, 12)).toEqual([
      { kind: 'attach', binding: 2, to: 12 },
      { kind: 'attach', binding: 1, to: 12 },
    ])
  })

  it('released by its owner leaves the queue', () => {
    const pool = new Probe(one)
    pool.bind(1, 2)
    expect(pool.send({ kind: 'release', binding: 1 })).toEqual([
      { kind: 'release', binding: 1, why: 'asked' },
    ])
    expect(pool.ready(1, 11)).toEqual([{ kind: 'attach', binding: 2, to: 11 }])
  })
})

describe('a planned retirement', () => {
  it('I14: moves the idle now, the others as they flush, and then closes the slot', () => {
    const pool = twoLinks()
    pool.stuck.set(3, 'mid-send')
    expect(pool.send({ kind: 'retire', link: link(11), deadline: 100 })).toEqual([
      { kind: 'detach', binding: 1, from: 11, linkAlive: true },
      { kind: 'attach', binding: 1, to: 12 },
      { kind: 'open', slot: 3 },
    ])
    expect(pool.send({ kind: 'flushed', slot: 1 })).toEqual([])
    pool.stuck.clear()
    expect(pool.send({ kind: 'flushed', slot: 1 })).toEqual([
      { kind: 'detach', binding: 3, from: 11, linkAlive: true },
      { kind: 'attach', binding: 3, to: 12 },
      { kind: 'retired', link: 11, moved: 2, parked: 0, cut: [] },
      { kind: 'close', slot: 1 },
    ])
  })

  it('I14: cuts at the deadline who is still in the middle of a send', () => {
    const pool = twoLinks()
    pool.stuck.set(3, 'mid-send')
    pool.send({ kind: 'retire', link: link(11), deadline: 100 })
    expect(poolDeadline(pool.state)).toBe(100)
    expect(pool.pass(100)).toEqual([
      { kind: 'detach', binding: 3, from: 11, linkAlive: true },
      { kind: 'release', binding: 3, why: 'mid-send' },
      { kind: 'retired', link: 11, moved: 1, parked: 0, cut: [{ binding: 3, why: 'mid-send' }] },
      { kind: 'close', slot: 1 },
    ])
  })

  it('of the only link leaves bindings where they are until its replacement is ready', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.bind(1)
    expect(pool.send({ kind: 'retire', link: link(11), deadline: 100 })).toEqual([{ kind: 'open', slot: 2 }])
    expect(pool.places).toEqual({ 1: 11 })
    expect(pool.ready(2, 12)).toEqual([
      { kind: 'detach', binding: 1, from: 11, linkAlive: true },
      { kind: 'attach', binding: 1, to: 12 },
      { kind: 'retired', link: 11, moved: 1, parked: 0, cut: [] },
      { kind: 'close', slot: 1 },
    ])
  })

  it('I14: parks at the deadline who can move and has nowhere to go', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.bind(1)
    pool.send({ kind: 'retire', link: link(11), deadline: 100 })
    expect(pool.pass(100)).toContainEqual({ kind: 'retired', link: 11, moved: 0, parked: 1, cut: [] })
    expect(pool.places).toEqual({ 1: 'parked' })
  })

  it('I14: that is overtaken by the end of the link settles with that', () => {
    const pool = twoLinks()
    pool.stuck.set(3, 'mid-send')
    pool.send({ kind: 'retire', link: link(11), deadline: 100 })
    expect(pool.send({ kind: 'waiting', slot: 1, dueAt: 10 })).toEqual([
      { kind: 'detach', binding: 3, from: 11, linkAlive: false },
      { kind: 'release', binding: 3, why: 'mid-send' },
      { kind: 'retired', link: 11, moved: 1, parked: 0, cut: [{ binding: 3, why: 'mid-send' }] },
      { kind: 'close', slot: 1 },
    ])
  })

  it('asked for again keeps the earlier deadline', () => {
    const pool = twoLinks()
    pool.stuck.set(3, 'mid-send')
    pool.send({ kind: 'retire', link: link(11), deadline: 100 })
    pool.send({ kind: 'retire', link: link(11), deadline: 200 })
    expect(poolDeadline(pool.state)).toBe(100)
    pool.send({ kind: 'retire', link: link(11), deadline: 50 })
    expect(poolDeadline(pool.state)).toBe(50)
  })

  it('of a link that its peer drains lets the slot dial again only if we did not ask for it too', () => {
    const pool = twoLinks()
    pool.stuck.set(3, 'mid-send')
    pool.send({ kind: 'draining', slots: [1] })
    pool.stuck.clear()
    pool.send({ kind: 'flushed', slot: 1 })
    expect(pool.send({ kind: 'opening', slot: 1 })).toEqual([
      { kind: 'retired', link: 11, moved: 2, parked: 0, cut: [] },
    ])
    expect(pool.state.slots.get(1)).toEqual({ phase: 'opening' })
    pool.ready(1, 13)
    pool.send({ kind: 'draining', slots: [1] })
    const asked = pool.send({ kind: 'retire', link: link(13), deadline: 100 })
    expect(asked.map(({ kind }) => kind)).toEqual(['open', 'retired', 'close'])
  })
})

describe('a link that is to be replaced', () => {
  it('I14: keeps what it has until another is ready, and then goes like one that is retired', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.bind(1, 2)
    pool.stuck.set(2, 'mid-send')
    expect(pool.send({ kind: 'replace', link: link(11), within: 100 })).toEqual([{ kind: 'open', slot: 2 }])
    expect(pool.send({ kind: 'bind', binding: 3 })).toEqual([{ kind: 'attach', binding: 3, to: 11 }])
    pool.pass(1000)
    expect(pool.ready(2, 12).map(({ kind }) => kind)).toEqual(['detach', 'attach', 'detach', 'attach'])
    expect([pool.places, poolDeadline(pool.state)]).toEqual([{ 1: 12, 2: 11, 3: 12 }, 1100])
    expect(pool.pass(100)).toContainEqual({ kind: 'release', binding: 2, why: 'mid-send' })
  })

  it('does not dial again when it ends, since another already does', () => {
    const pool = new Probe(one)
    pool.ready(1, 11)
    pool.bind(1)
    pool.send({ kind: 'replace', link: link(11), within: 100 })
    pool.send({ kind: 'waiting', slot: 1, dueAt: 10 })
    expect([[...pool.state.slots.keys()], pool.places]).toEqual([[2], { 1: 'parked' }])
  })

  it('is not waited for by a place that will never be filled', () => {
    const pool = twoLinks()
    pool.send({ kind: 'failed', slot: 2 })
    pool.send({ kind: 'replace', link: link(11), within: 100 })
    pool.ready(3, 13)
    expect([...pool.state.slots.keys()]).toEqual([2, 3])
  })
})

describe('several links that go at once', () => {
  it('I14: are none of them a place to move to from another', () => {
    const pool = new Probe({ size: { min: 3, max: 3 }, park: two.park })
    for (const n of [1, 2, 3]) pool.ready(n, 10 + n)
    pool.bind(1, 2, 3)
    pool.send({ kind: 'draining', slots: [1, 2] })
    expect(pool.places).toEqual({ 1: 13, 2: 13, 3: 13 })
  })
})

describe('a pool that drains', () => {
  it('refuses, and keeps the bindings that it has', () => {
    const pool = twoLinks()
    pool.send({ kind: 'drain' })
    expect(pool.send({ kind: 'bind', binding: 9 })).toEqual([{ kind: 'refuse', binding: 9, why: 'draining' }])
    pool.send({ kind: 'opening', slot: 1 })
    expect(pool.places).toEqual({ 1: 12, 2: 12, 3: 12, 4: 12 })
    const before = pool.state
    pool.send({ kind: 'drain' })
    expect(pool.state).toBe(before)
  })
})

describe('the size of a pool', () => {
  it('grows by a burst when every link has more than enough, and not again before those are up', () => {
    const pool = new Probe({ size: { min: 1, max: 4, growAbove: 2, burst: 2 }, park: one.park })
    pool.ready(1, 11)
    pool.bind(1, 2)
    expect(pool.send({ kind: 'bind', binding: 3 })).toEqual([
      { kind: 'attach', binding: 3, to: 11 },
      { kind: 'open', slot: 2 },
      { kind: 'open', slot: 3 },
    ])
    expect(pool.send({ kind: 'bind', binding: 4 })).toEqual([{ kind: 'attach', binding: 4, to: 11 }])
  })

  it('never exceeds its maximum', () => {
    const pool = new Probe({ size: { min: 1, max: 2, growAbove: 1, burst: 9 }, park: one.park })
    pool.ready(1, 11)
    pool.bind(1, 2, 3)
    pool.ready(2, 12)
    pool.bind(4, 5, 6, 7)
    expect(pool.state.slots.size).toBe(2)
  })

  it('shrinks by its emptiest link when the others have room, down to its minimum', () => {
    const pool = new Probe({
      size: { min: 1, max: 2, growAbove: 2, shrinkBelow: 2 },
      park: one.park,
    })
    pool.ready(1, 11)
    pool.bind(1, 2, 3)
    pool.ready(2, 12)
    pool.bind(4)
    pool.send({ kind: 'release', binding: 2 })
    pool.send({ kind: 'release', binding: 1 })
    expect(pool.send({ kind: 'release', binding: 3 })).toEqual([
      { kind: 'detach', binding: 3, from: 11, linkAlive: true },
      { kind: 'release', binding: 3, why: 'asked' },
      { kind: 'retired', link: 11, moved: 0, parked: 0, cut: [] },
      { kind: 'close', slot: 1 },
    ])
    pool.send({ kind: 'release', binding: 4 })
    expect([...pool.state.slots.keys()]).toEqual([2])
  })

  it('does not make up for a slot that will not dial again', () => {
    const pool = new Probe(one)
    expect(pool.send({ kind: 'failed', slot: 1 })).toEqual([])
    expect(pool.send({ kind: 'bind', binding: 1 })).toEqual([{ kind: 'refuse', binding: 1, why: 'no-link' }])
  })
})

describe('a closed pool', () => {
  it('I14: has released every binding and ended every slot, and refuses the next', () => {
    const pool = twoLinks()
    pool.send({ kind: 'opening', slot: 2 })
    pool.send({ kind: 'close' })
    const released = pool.effects.filter(({ kind }) => kind === 'release')
    expect(released).toEqual([1, 2, 3, 4].map((binding) => ({ kind: 'release', binding, why: 'closed' })))
    expect(pool.effects.filter(({ kind }) => kind === 'close')).toHaveLength(2)
    const before = pool.state
    expect(pool.send({ kind: 'bind', binding: 5 })).toEqual([{ kind: 'refuse', binding: 5, why: 'closed' }])
    expect(pool.ready(1, 14)).toEqual([])
    expect(pool.state).toBe(before)
  })
})

describe('an event that means nothing', () => {
  it('leaves the very same state', () => {
    const pool = twoLinks()
    const before = pool.state
    const idle: readonly Told[] = [
      { kind: 'start' },
      { kind: 'tick' },
      { kind: 'ready', slot: 1, link: link(11) },
      { kind: 'opening', slot: 9 },
      { kind: 'draining', slots: [9] },
      { kind: 'flushed', slot: 1 },
      { kind: 'retire', link: link(99), deadline: 0 },
      { kind: 'release', binding: 99 },
    ]
    for (const event of idle) expect(pool.send(event)).toEqual([])
    expect(pool.state).toBe(before)
  })
})
