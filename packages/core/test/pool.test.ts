import {
  type Binding,
  type End,
  type Env,
  end,
  type LinkProtocol,
  type LinkScope,
  type MoveReport,
  type Mover,
  type PoolOptions,
  pool,
} from '@holdfast/core'
import { type FaultyLink, memoryNetwork, ScriptedDialer, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

/** A protocol that is ready at once. */
class Upstream implements LinkProtocol {
  readonly scope: LinkScope
  readonly told: string[] = []

  constructor(scope: LinkScope) {
    this.scope = scope
    scope.ready()
  }

  retire(): void {
    this.told.push('retire')
  }

  ended(why: End): void {
    this.told.push(`ended ${why.kind}`)
  }

  hasFlushed(mark: number): boolean {
    const { link } = this.scope
    return link.accepted - link.unflushed >= mark
  }
}

class Client {
  readonly name: string
  /** What has to have left before it can move. */
  mark = 0

  constructor(name: string) {
    this.name = name
  }
}

type Bound = Binding<Client, Upstream>
type Hooks = Partial<Mover<Client, Upstream>>

/** A started pool, whose peers are in the hands of the test, and what its mover was told. */
function started(options: Partial<PoolOptions<Client, Upstream>> & { readonly hooks?: Hooks } = {}) {
  const { hooks = {}, ...given } = options
  const env = given.env === undefined ? testEnv() : (given.env as ReturnType<typeof testEnv>)
  const dialer = new ScriptedDialer(env.clock, () => ({ holdWrites: true }))
  const told: string[] = []
  const ends = new Map<string, End>()
  const mover: Mover<Client, Upstream> = {
    movable: (client, from) =>
      hooks.movable?.(client, from) ?? (from.hasFlushed(client.mark) ? true : 'mid-send'),
    attach: (client, to) => {
      told.push(`${client.name} on ${numberOf(to)}`)
      hooks.attach?.(client, to)
    },
    detach: (client, from, linkAlive) => {
      told.push(`${client.name} off ${linkAlive ? '' : 'dead '}${numberOf(from)}`)
      hooks.detach?.(client, from, linkAlive)
    },
    released: (client, why) => {
      told.push(`${client.name} released: ${why.code}`)
      ends.set(client.name, why)
      hooks.released?.(client, why)
    },
  }
  /** Links are named in the order of dialing. */
  const numberOf = ({ scope }: Upstream): number =>
    dialer.links.findIndex(({ id }) => id === scope.link.id) + 1
  const made: Upstream[] = []
  const it = pool<Client, Upstream>({
    env,
    size: { min: 2, max: 2 },
    park: { within: 3000, max: 3 },
    slot: {
      env,
      dialer,
      endpoints: [{ uri: 'memory:upstream' }],
      protocol: (scope) => {
        const upstream = new Upstream(scope)
        made.push(upstream)
        return upstream
      },
    },
    mover,
    label: ({ name }) => name,
    ...given,
  })
  it.start()
  const link = (n: number): FaultyLink => {
    const found = dialer.links[n - 1]
    if (found === undefined) throw new Error(`there is no link ${n}`)
    return found
  }
  const bind = (...names: readonly string[]): Bound[] =>
    names.map((name) => {
      const bound = it.bind(new Client(name))
      if ('refused' in bound) throw new Error(`${name} is refused: ${bound.refused.code}`)
      return bound
    })
  const send = (bound: Bound): void => {
    bound.on?.scope.link.write('a packet')
    bound.session.mark = bound.on?.scope.link.accepted ?? 0
  }
  const places = (...bounds: readonly Bound[]): (number | string)[] =>
    bounds.map(({ on, state }) => (on === null ? state : numberOf(on)))
  const refusal = (): End | null => {
    const bound = it.bind(new Client('late'))
    return 'refused' in bound ? bound.refused : null
  }
  return { env, clock: env.clock, dialer, pool: it, told, ends, made, link, bind, send, places, refusal }
}

describe('the options of a pool', () => {
  const env = testEnv()
  const slot = {
    env,
    dialer: memoryNetwork(env.clock),
    endpoints: [{ uri: 'memory:a' }],
    protocol: () => ({}),
  }
  const nothing = (): void => undefined
  const mover = { movable: () => true, attach: nothing, detach: nothing, released: nothing }
  const good = { env, slot, mover, size: { min: 1, max: 2 } }

  it.each([
    ['env.clock.now', { env: {} }],
    ['slot', { slot: undefined }],
    ['dialer.dial', { slot: { ...slot, dialer: {} } }],
    ['endpoints', { slot: { ...slot, endpoints: [] } }],
    ['mover.movable', { mover: undefined }],
    ['mover.released', { mover: { ...mover, released: 1 } }],
    ['size', { size: undefined }],
    ['size.min', { size: { min: -1, max: 1 } }],
    ['size.max', { size: { min: 2, max: 1 } }],
    ['size.max', { size: { min: 0, max: 0 } }],
    ['size.growAbove', { size: { min: 1, max: 2, growAbove: -1 } }],
    ['size.burst', { size: { min: 1, max: 2, burst: 0.5 } }],
    ['size.shrinkBelow', { size: { min: 1, max: 2, growAbove: 3, shrinkBelow: 3 } }],
    ['size.shrinkBelow', { size: { min: 1, max: 2, shrinkBelow: 0 } }],
    ['park.within', { park: { within: 0, max: 1 } }],
    ['park.max', { park: { within: 1, max: Infinity } }],
    ['label', { label: 'name' }],
  ])('are refused by the name %s', (field, wrong) => {
    expect(() => pool({ ...good, ...wrong } as never)).toThrow(expect.objectContaining({ field }))
  })

  it('are otherwise taken, and nothing is dialed before the start', () => {
    const it = pool({ ...good, mover: { ...mover, movable: () => true as const } })
    expect(it.state).toEqual({
      phase: 'open',
      links: [],
      slots: { opening: 0, waiting: 0, failed: 0 },
      parked: 0,
    })
    expect(it.bind('early')).toMatchObject({ refused: { code: 'no-link' } })
    it.close()
    it.start()
    expect(env.clock.pending).toBe(0)
  })
})

describe('a binding', () => {
  it('I13: is parked until a link is ready, and then on the least loaded', () => {
    const { bind, link, places, pool: it } = started()
    const [a, b, c] = bind('a', 'b', 'c') as [Bound, Bound, Bound]
    expect(places(a, b, c)).toEqual(['parked', 'parked', 'parked'])
    link(2).open()
    expect(places(a, b, c)).toEqual([2, 2, 2])
    link(1).open()
    expect(places(...bind('d', 'e'))).toEqual([1, 1])
    expect(it.state).toMatchObject({ links: [{ bound: 2 }, { bound: 3 }], parked: 0 })
  })

  it('is refused where no more may be parked, and the mover hears nothing of it', () => {
    const { bind, refusal, told } = started()
    bind('a', 'b', 'c')
    expect(refusal()).toMatchObject({ kind: 'overflow', code: 'park-full' })
    expect(told).toEqual([])
  })

  it('is released when it has waited for as long as it may', () => {
    const { bind, clock, ends } = started()
    bind('a')
    clock.advance(2999)
    expect(ends.size).toBe(0)
    clock.advance(1)
    expect(ends.get('a')).toMatchObject({ kind: 'dial-timeout', code: 'park-expired' })
  })

  it('is released at once when no slot will have a link in time, and refused from then on', () => {
    const { bind, link, ends, refusal, pool: it } = started()
    bind('a')
    link(1).fail(end('handshake-refused', { advice: { kind: 'never' } }))
    expect(ends.size).toBe(0)
    link(2).fail(end('dial-failed', { advice: { kind: 'after', ms: 60_000 } }))
    expect(ends.get('a')).toMatchObject({ kind: 'dial-failed', code: 'no-link' })
    expect(refusal()).toMatchObject({ kind: 'dial-failed', code: 'no-link' })
    expect(it.state.slots).toEqual({ opening: 0, waiting: 1, failed: 1 })
  })

  it('is refused by a pool without parking and without a link', () => {
    const { mover } = quiet()
    const env = testEnv()
    const it = pool<Client, Upstream>({ env, mover, size: { min: 1, max: 1 }, slot: slotOf(env) })
    it.start()
    expect(it.bind(new Client('a'))).toMatchObject({ refused: { kind: 'dial-failed', code: 'no-link' } })
    it.close()
  })

  it('released by its owner is detached, told the reason, and not heard of again', () => {
    const { bind, link, told, ends } = started()
    link(1).open()
    const [a] = bind('a') as [Bound]
    a.release({ detail: 'hung up' })
    a.release()
    link(1).closeByPeer()
    expect(told).toEqual(['a on 1', 'a off 1', 'a released: asked'])
    expect(ends.get('a')).toMatchObject({ kind: 'closed-by-us', detail: 'hung up' })
    expect([a.state, a.on]).toEqual(['released', null])
  })
})

describe('a link that ends', () => {
  it('I14: hands its bindings to the others in the very step, and reports it', () => {
    const { bind, link, told, places, pool: it } = twoLinks()
    const bounds = bind('a', 'b', 'c')
    const reports: MoveReport[] = []
    it.moves$.subscribe((report) => {
      reports.push(report)
      expect(it.state.links).toEqual([{ id: link(2).id, phase: 'ready', bound: 3 }])
    })
    told.splice(0)
    link(1).closeByPeer()
    expect(told).toEqual(['a off dead 1', 'a on 2', 'c off dead 1', 'c on 2'])
    expect(places(...bounds)).toEqual([2, 2, 2])
    expect(bounds.map(({ moves }) => moves)).toEqual([1, 0, 1])
    expect(reports).toEqual([{ link: link(1).id, moved: 2, parked: 0, cut: [] }])
  })

  it('I14: as the last one parks them, and the next takes them in', () => {
    const { bind, link, clock, dialer, places } = twoLinks()
    const bounds = bind('a', 'b')
    link(1).closeByPeer()
    link(2).fail(end('reset-by-peer'))
    expect(places(...bounds)).toEqual(['parked', 'parked'])
    clock.advance(2500)
    dialer.last.open()
    expect(places(...bounds)).toEqual([dialer.links.length, dialer.links.length])
  })

  it('I15: cuts whoever is in the middle of a send, as the link has ended and with the reason', () => {
    const { bind, send, link, ends, pool: it } = twoLinks()
    const [a] = bind('a', 'b', 'c') as [Bound]
    const reports: MoveReport[] = []
    it.moves$.subscribe((report) => reports.push(report))
    send(a)
    link(1).fail(end('reset-by-peer', { code: 'ECONNRESET' }))
    const why = ends.get('a')
    expect(why).toMatchObject({ kind: 'reset-by-peer', code: 'mid-send', link: link(1).id })
    expect(why?.detail).toContain('ECONNRESET')
    expect(reports).toEqual([{ link: link(1).id, moved: 1, parked: 0, cut: [{ label: 'a', why }] }])
  })

  it('I13: takes nobody from the moment it is dead, even before its lifecycle has had its turn', () => {
    const bound: (number | string)[] = []
    const world = twoLinks()
    world.made[0]!.ended = () => bound.push(...world.places(...world.bind('late')))
    world.link(1).closeByPeer()
    expect(bound).toEqual([2])
  })

  it('I13: takes nobody from the moment its protocol ends it gracefully', () => {
    const { bind, send, link, made, places } = twoLinks()
    const [a, b] = bind('a', 'b') as [Bound, Bound]
    send(a)
    made[0]!.scope.link.end(end('closed-by-us'))
    expect(link(1).phase).toBe('retiring')
    expect(places(...bind('c', 'd'), a, b)).toEqual([2, 2, 1, 2])
    link(1).flush()
    expect(places(a)).toEqual([2])
  })

  it('I13, I16: while it is being moved to is skipped, and its newcomers go on to the next', () => {
    const {
      bind,
      link,
      places,
      told,
      pool: it,
    } = started({
      size: { min: 3, max: 3 },
      park: { within: 3000, max: 9 },
      hooks: {
        // The first to arrive is more than the link can bear.
        attach: ({ name }, to) => {
          if (name === 'a' && to.scope.link.id === link(2).id) to.scope.fail(end('overflow'))
        },
      },
    })
    for (const n of [1, 2]) link(n).open()
    const bounds = bind('b', 'x', 'a', 'y', 'c')
    link(3).open()
    it.state.links.forEach(({ bound }) => expect(bound).toBeLessThan(4))
    expect(bounds.length).toBe(5)
    told.splice(0)
    link(1).closeByPeer()
    expect(places(...bounds).every((place) => place === 2 || place === 3)).toBe(true)
    expect(told.filter((text) => text.startsWith('c '))).not.toContain('c on 1')
  })
})

describe('a link that its peer drains', () => {
  it('I14: takes nobody any more, and loses whoever can go', () => {
    const { bind, send, link, clock, made, places } = twoLinks()
    const [a, b, c] = bind('a', 'b', 'c') as [Bound, Bound, Bound]
    send(c)
    made[0]!.scope.peerDrains(1000)
    expect(places(a, b, c)).toEqual([2, 2, 1])
    expect(places(...bind('d'))).toEqual([2])
    clock.advance(49)
    link(1).flush()
    clock.advance(1)
    expect(places(c)).toEqual([2])
    clock.advance(1000)
    expect(link(1).phase).toBe('ended')
  })
})

describe('a planned retirement', () => {
  it('I14: moves the idle at once, the others as they flush, drains the link, and then settles', async () => {
    const { bind, send, link, clock, dialer, made, places, pool: it } = twoLinks()
    const [a, b, c] = bind('a', 'b', 'c') as [Bound, Bound, Bound]
    send(c)
    const report = it.retire(link(1).id, { within: 5000 })
    expect(places(a, b, c)).toEqual([2, 2, 1])
    expect(dialer.links.length).toBe(3)
    clock.advance(500)
    expect(made[0]!.told).toEqual([])
    link(1).flush()
    clock.advance(50)
    expect(places(c)).toEqual([2])
    expect(await report).toEqual({ link: link(1).id, moved: 2, parked: 0, cut: [] })
    expect(made[0]!.told[0]).toBe('retire')
    await clock.advanceAsync(0)
    expect(link(1).phase).toBe('ended')
  })

  it('I14: cuts at the deadline who is still in the middle of a send', async () => {
    const { bind, send, link, clock, ends, pool: it } = twoLinks()
    const [a] = bind('a') as [Bound]
    send(a)
    const report = it.retire(link(1).id, { within: 300 })
    clock.advance(299)
    expect(ends.size).toBe(0)
    clock.advance(1)
    expect(ends.get('a')).toMatchObject({ kind: 'drained', code: 'mid-send', link: link(1).id })
    expect(await report).toMatchObject({ moved: 0, parked: 0, cut: [{ label: 'a' }] })
  })

  it('of a link that is not known, or no more, is over', async () => {
    const { link, pool: it } = twoLinks()
    link(1).closeByPeer()
    const nothing = { link: link(1).id, moved: 0, parked: 0, cut: [] }
    expect(await it.retire(link(1).id, { within: 1000 })).toEqual(nothing)
  })

  it('I14: settles with the pool, whoever closes that', async () => {
    const { bind, send, link, pool: it } = twoLinks()
    send(bind('a')[0]!)
    const report = it.retire(link(1).id, { within: 60_000 })
    it.close({ detail: 'enough' })
    expect(await report).toMatchObject({ cut: [{ label: 'a', why: { code: 'closed', detail: 'enough' } }] })
  })
})

describe('a link that is to be replaced', () => {
  const one = { size: { min: 1, max: 1 } }

  it('I13: serves old and new sessions until its replacement is ready, and then goes', async () => {
    const { bind, send, link, clock, dialer, places, pool: it } = started(one)
    link(1).open()
    const [a, b] = bind('a', 'b') as [Bound, Bound]
    const report = it.replace(link(1).id, { within: 1000 })
    expect(dialer.links.length).toBe(2)
    const [c] = bind('c') as [Bound]
    send(b)
    clock.advance(5000)
    expect(places(a, b, c)).toEqual([1, 1, 1])
    link(2).open()
    expect(places(a, b, c)).toEqual([2, 1, 2])
    expect(places(...bind('d'))).toEqual([2])
    clock.advance(1000)
    expect(b.state).toBe('released')
    expect(await report).toMatchObject({
      moved: 2,
      parked: 0,
      cut: [{ label: 'b', why: { code: 'mid-send' } }],
    })
    expect(it.state.links).toEqual([{ id: link(2).id, phase: 'ready', bound: 3 }])
  })

  it('stays for as long as it lasts if the replacement is never ready', () => {
    const { bind, link, clock, places, pool: it } = started(one)
    link(1).open()
    const [a] = bind('a') as [Bound]
    void it.replace(link(1).id, { within: 10 })
    for (let n = 0; n < 10; n += 1) clock.advance(20_000)
    expect(places(a)).toEqual([1])
    link(1).closeByPeer()
    expect(it.state.links).toEqual([])
  })

  it('goes one for each that comes, so that nobody is crowded onto the first', () => {
    const { bind, link, places, pool: it } = twoLinks()
    const bounds = bind('a', 'b', 'c', 'd')
    void it.replace(link(1).id, { within: 1000 })
    void it.replace(link(2).id, { within: 1000 })
    expect(places(...bounds)).toEqual([1, 2, 1, 2])
    link(3).open()
    expect(places(...bounds)).toEqual([3, 2, 3, 2])
    link(4).open()
    expect(places(...bounds)).toEqual([3, 4, 3, 4])
  })
})

describe('the size of a pool', () => {
  it('grows with its bindings and shrinks again, and a failed slot keeps its place', () => {
    const {
      bind,
      link,
      dialer,
      pool: it,
    } = started({
      size: { min: 1, max: 3, growAbove: 2, burst: 2, shrinkBelow: 1 },
      park: { within: 3000, max: 9 },
    })
    link(1).open()
    const bounds = bind('a', 'b', 'c')
    expect(dialer.links.length).toBe(3)
    link(2).open()
    link(3).fail(end('handshake-refused', { advice: { kind: 'never' } }))
    expect(it.state).toMatchObject({ links: [{}, {}], slots: { failed: 1 } })
    bounds.push(...bind('d', 'e', 'f'))
    expect(dialer.links.length).toBe(3)
    for (const bound of bounds) bound.release()
    expect(it.state).toMatchObject({ links: [{ bound: 0 }], slots: { failed: 1 } })
    it.close()
  })
})

describe('a hook of the mover', () => {
  it('I10: that throws in attach ends its link, and its own session is released, nobody else', () => {
    const { bind, link, ends, places, told } = twoLinks({
      attach: ({ name }, to) => {
        if (name === 'bad' && to.scope.link.id === link(1).id) throw new Error('no room')
      },
    })
    const [a, b, bad] = bind('a', 'b', 'bad') as [Bound, Bound, Bound]
    expect(link(1).endedByOwner).toMatchObject({ kind: 'adapter-threw' })
    expect(ends.get('bad')).toMatchObject({
      kind: 'adapter-threw',
      code: 'pinned',
      cause: new Error('no room'),
    })
    expect([bad.state, ...places(a, b)]).toEqual(['released', 2, 2])
    expect(told.filter((text) => text.startsWith('bad'))).toEqual([
      'bad on 1',
      'bad off dead 1',
      'bad released: pinned',
    ])
  })

  it('I10: that throws in movable has its session stay where it is until the link goes', () => {
    const {
      bind,
      link,
      clock,
      ends,
      places,
      pool: it,
    } = twoLinks({
      movable: ({ name }) => {
        if (name === 'bad') throw new Error('who knows')
        return true
      },
    })
    const [bad, b, c] = bind('bad', 'b', 'c') as [Bound, Bound, Bound]
    void it.retire(link(1).id, { within: 100 })
    expect(places(bad, b, c)).toEqual([1, 2, 2])
    clock.advance(100)
    expect(ends.get('bad')).toMatchObject({ kind: 'adapter-threw', code: 'pinned' })
    expect(places(b, c)).toEqual([2, 2])
  })

  it('I10: that throws in detach ends the link that it could not leave; in released it is logged', () => {
    const errors: string[] = []
    const env = testEnv()
    const log = { ...env.log, error: (_fields: object, text: string) => errors.push(text) }
    const { bind, link, places } = twoLinks(
      {
        detach: ({ name }) => {
          if (name === 'a') throw new Error('stuck')
        },
        released: () => {
          throw new Error('again')
        },
      },
      { ...env, log },
    )
    const [a, , c] = bind('a', 'b', 'c') as [Bound, Bound, Bound]
    a.release()
    expect(link(1).endedByOwner).toMatchObject({ kind: 'adapter-threw' })
    expect([a.state, ...places(c)]).toEqual(['released', 2])
    expect(errors).toEqual(['mover.detach threw', 'mover.released threw'])
  })

  it('may release, bind and retire: all that is done after its step', async () => {
    const seen: string[] = []
    const reports: Promise<MoveReport>[] = []
    const world = twoLinks({
      attach: ({ name }) => {
        if (name !== 'a' || seen.length > 0) return
        const [late] = world.bind('late') as [Bound]
        seen.push(`late ${late.state}`)
        late.release()
        seen.push(`late ${late.state}`)
        reports.push(world.pool.retire(world.link(1).id, { within: 0 }))
      },
    })
    const [a] = world.bind('a') as [Bound]
    expect(seen).toEqual(['late parked', 'late parked'])
    expect(world.places(a)).toEqual([2])
    expect(world.ends.get('late')).toMatchObject({ code: 'asked' })
    expect(await reports[0]).toMatchObject({ moved: 1, cut: [] })
  })

  it('I14: that binds when nothing can be placed hears of the release', () => {
    const world = started({
      park: { within: 3000, max: 0 },
      size: { min: 1, max: 1 },
      hooks: {
        released: ({ name }) => {
          if (name === 'a') world.bind('late')
        },
      },
    })
    world.link(1).open()
    world.bind('a')
    world.link(1).closeByPeer()
    expect(world.told.slice(-2)).toEqual(['a released: park-full', 'late released: park-full'])
  })
})

describe('a pool that drains', () => {
  it('I11: refuses, lets sessions come to an end, closes its links gracefully, and says so', async () => {
    const { bind, link, clock, refusal, made, pool: it } = twoLinks()
    const [a, b] = bind('a', 'b') as [Bound, Bound]
    const report = it.drain({ within: 1000 })
    expect(it.state.phase).toBe('draining')
    expect(refusal()).toMatchObject({ kind: 'drained', code: 'draining' })
    clock.advance(300)
    a.release()
    b.release()
    await clock.advanceAsync(0)
    expect(await report).toEqual({ finished: 2, cut: [], took: 300, timedOut: false })
    expect([made[0]!.told[0], link(1).phase]).toEqual(['retire', 'ended'])
    expect([it.state.phase, clock.pending]).toEqual(['closed', 0])
  })

  it('I11: gives up at the deadline on who is still there', async () => {
    const { bind, clock, ends, refusal, pool: it } = twoLinks()
    bind('a', 'b')[1]?.release()
    const report = it.drain({ within: 1000 })
    await clock.advanceAsync(1000)
    expect(await report).toEqual({ finished: 0, cut: ['a'], took: 1000, timedOut: true })
    expect(ends.get('a')).toMatchObject({ kind: 'drained', code: 'closed' })
    expect(refusal()).toMatchObject({ kind: 'closed-by-us', code: 'closed' })
    expect(clock.pending).toBe(0)
  })

  it('I11: and is closed meanwhile reports as cut whom that has cut', async () => {
    const { bind, clock, pool: it } = twoLinks()
    bind('a')
    const report = it.drain({ within: 1000 })
    await it[Symbol.asyncDispose]()
    expect(await report).toMatchObject({ finished: 0, cut: ['a'] })
    expect(clock.pending).toBe(0)
  })

  it('I11: hurries along the links that were leaving before', async () => {
    const { link, clock, made, pool: it } = twoLinks()
    made[0]!.scope.link.write('unflushed')
    void it.retire(link(1).id, { within: 0 })
    expect(it.state.links.map(({ id }) => id)).toEqual([link(2).id])
    const report = it.drain({ within: 100 })
    await clock.advanceAsync(100)
    expect(await report).toMatchObject({ cut: [], took: 100 })
    expect([link(1).phase, clock.pending]).toEqual(['ended', 0])
  })
})

describe('a pool that is closed', () => {
  it('I14: has released everybody and ended every link, for the reason given', () => {
    const { bind, link, clock, ends, pool: it } = twoLinks()
    let completed = 0
    const complete = (): void => void (completed += 1)
    it.state$.subscribe({ complete })
    it.moves$.subscribe({ complete })
    bind('a', 'b')
    it.close({ code: 'reload' })
    it.close()
    it.moves$.subscribe({ complete })
    it.state$.subscribe({ complete })
    expect([...ends.values()].map(({ kind, code }) => `${kind} ${code}`)).toEqual([
      'closed-by-us reload',
      'closed-by-us reload',
    ])
    expect([link(1).phase, link(2).phase, clock.pending, completed]).toEqual(['ended', 'ended', 0, 4])
  })
})

describe('a link that drains when its pool is closed', () => {
  it('ends at once', () => {
    const { link, clock, made, pool: it } = twoLinks()
    made[0]!.scope.link.write('unflushed')
    void it.retire(link(1).id, { within: 0 })
    expect(link(1).phase).not.toBe('ended')
    it.close()
    expect([link(1).phase, clock.pending]).toEqual(['ended', 0])
  })
})

describe('what a pool tells', () => {
  it('I9: is the same to all subscribers, whatever they do meanwhile', () => {
    const { bind, link, pool: it } = twoLinks()
    const phases: string[][] = [[], []]
    it.state$.subscribe(({ parked, phase }) => {
      phases[0]?.push(`${phase} ${parked}`)
      if (parked > 0) it.close()
    })
    it.state$.subscribe(({ parked, phase }) => phases[1]?.push(`${phase} ${parked}`))
    bind('a')
    link(1).closeByPeer()
    link(2).closeByPeer()
    expect(phases[1]).toEqual(phases[0])
    expect(phases[1]?.at(-1)).toBe('closed 0')
  })

  it('goes to the log and to the trace channels', () => {
    const traced: [string, object][] = []
    const texts: string[] = []
    const base = testEnv()
    const env = {
      ...base,
      log: { ...base.log, info: (_fields: object, text: string) => texts.push(text) },
      trace: (channel: string, record: object) => traced.push([channel, record]),
    } as typeof base
    const { bind, link, pool: it } = twoLinks({}, env)
    bind('a', 'b')
    link(1).closeByPeer()
    it.close()
    expect(texts).toContain('a link is gone: 1 moved, 0 parked, 0 cut')
    const told = (name: string): object[] =>
      traced.flatMap(([channel, record]) => (channel === name ? [record] : []))
    expect(told('move')).toContainEqual({
      kind: 'retired',
      name: 'test',
      link: link(1).id,
      moved: 1,
      parked: 0,
      cut: [],
    })
    expect(told('drain')).toEqual([{ kind: 'closed', name: 'test', from: 'open', to: 'closed', bindings: 0 }])
  })
})

describe('a pool of 70 links with 20,000 sessions', () => {
  it('I14: moves all of them, link by link, each as often as its link died', () => {
    const env = testEnv()
    const dialer = new ScriptedDialer(env.clock, () => ({ openAfter: 1 }))
    let [asked, moved] = [0, 0]
    const it = pool<number, Upstream>({
      env,
      size: { min: 70, max: 70 },
      slot: { ...slotOf(env), dialer },
      mover: {
        movable: () => {
          asked += 1
          return true
        },
        attach: () => undefined,
        detach: () => undefined,
        released: () => undefined,
      },
    })
    it.start()
    env.clock.advance(1000)
    for (let session = 0; session < 20_000; session += 1) it.bind(session)
    it.moves$.subscribe((report) => {
      moved += report.moved
    })
    const began = performance.now()
    for (const link of [...dialer.links]) {
      link.closeByPeer()
      env.clock.advance(60_000)
    }
    const took = performance.now() - began
    console.log(`${moved} moves of 20,000 bindings on 70 links took ${took.toFixed(0)} ms`)
    expect(asked).toBe(moved)
    expect(it.state.links.reduce((sum, { bound }) => sum + bound, 0)).toBe(20_000)
    it.close()
  })
})

/** A pool with two links that are open. */
function twoLinks(hooks: Hooks = {}, env?: Env) {
  const world = started({ hooks, ...(env && { env }) })
  world.link(1).open()
  world.link(2).open()
  return world
}

function slotOf(env: Env): PoolOptions<unknown, Upstream>['slot'] {
  return {
    env,
    dialer: new ScriptedDialer(env.clock),
    endpoints: [{ uri: 'memory:upstream' }],
    protocol: (scope: LinkScope) => new Upstream(scope),
  }
}

function quiet(): { readonly mover: Mover<Client, Upstream> } {
  const nothing = (): void => undefined
  return { mover: { movable: () => true, attach: nothing, detach: nothing, released: nothing } }
}
