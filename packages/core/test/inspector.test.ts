import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { cursor, end, feed, type Lifecycle, listen, pool, roster } from '../src/index.js'
import { nodeEnv } from '../src/node/index.js'
import { fakeScope, memoryNetwork, ScriptedDialer } from '../src/testing/index.js'
import { plainLifecycle, rig } from './inspector-rig.js'

const opened: AsyncDisposable[] = []
afterEach(async () => {
  for (const thing of opened.splice(0)) await thing[Symbol.asyncDispose]()
})

async function started(): ReturnType<typeof rig> {
  const made = await rig()
  opened.push(made)
  return made
}

describe('the state of a process', () => {
  it('has each lifecycle with its latest phases, and when it dials again', async () => {
    const { inspector, clock, named } = await started()
    const life = plainLifecycle(named('relay a'))
    opened.push(life)
    const beganAt = clock.wall()
    clock.advance(100)
    life.start()
    clock.advance(5)
    const [ready] = inspector.state().lifecycles
    expect(ready).toMatchObject({
      name: 'relay a',
      phase: 'ready',
      moves: 3,
      endpoint: 'tcp://host.example:1',
    })
    expect(ready?.history).toEqual([
      [beganAt, 'idle'],
      [beganAt + 100, 'dialing'],
      [beganAt + 105, 'handshaking'],
      [beganAt + 105, 'ready'],
    ])
    life.restart(end('silent', { advice: { kind: 'after', ms: 60_000 }, detail: 'nothing heard' }))
    const [waiting] = inspector.state().lifecycles
    expect(waiting).toMatchObject({
      phase: 'waiting',
      why: { kind: 'silent', advice: 'after', detail: 'nothing heard' },
    })
    expect(waiting?.retryAt).toBeGreaterThanOrEqual(clock.wall() + 60_000)
  })

  it('remembers no more than 32 phases of each', async () => {
    const { inspector, clock, named } = await started()
    const life = plainLifecycle(named('flapping'))
    opened.push(life)
    life.start()
    for (let n = 0; n < 20; n += 1) {
      clock.advance(70_000)
      life.restart(end('silent'))
    }
    const [row] = inspector.state().lifecycles
    expect(row?.history).toHaveLength(32)
    expect(row?.moves).toBeGreaterThan(60)
    expect(row?.history.at(-1)).toEqual([clock.wall(), 'waiting'])
  })

  it('has pools with their links, and who is on which', async () => {
    const { inspector, clock, named } = await started()
    const env = named('dc 2')
    const links = pool<string, object>({
      env,
      size: { min: 2, max: 2 },
      park: { within: 1000, max: 10 },
      slot: {
        env,
        dialer: new ScriptedDialer(clock, [{ openAfter: 5 }]),
        endpoints: [{ uri: 'tcp://dc.example:443' }],
        protocol: (scope) => {
          scope.ready()
          return {}
        },
      },
      label: (session) => session,
      mover: {
        movable: () => true,
        attach: () => undefined,
        detach: () => undefined,
        released: () => undefined,
      },
    })
    opened.push(links)
    links.start()
    links.bind('ann')
    expect(inspector.state().pools[0]).toMatchObject({
      parked: 1,
      bound: 1,
      bindings: [{ label: 'ann', link: null }],
    })
    clock.advance(5)
    links.bind('bob')
    const [before] = inspector.state().pools
    const [first, second] = before?.links ?? []
    expect(before?.bindings.map(({ label, link }) => [label, link])).toEqual([
      ['ann', first?.id],
      ['bob', second?.id],
    ])
    if (first !== undefined) await links.retire(first.id, { within: 100 })
    const after = inspector.state()
    expect(after.pools[0]?.bindings[0]).toMatchObject({ label: 'ann', link: second?.id, moves: 1 })
    expect(after.events.find(({ channel }) => channel === 'move')).toMatchObject({
      name: 'dc 2',
      link: first?.id,
      note: '1 moved, 0 parked',
    })
  })

  it('has cursors with what is received, applied and durable, and how far they are behind', async () => {
    const { inspector, named } = await started()
    let applied = (): void => undefined
    const log = cursor<number, string>({
      env: named('client'),
      key: 'events',
      compare: (a, b) => a - b,
      sizeOf: () => 1,
      apply: () => new Promise((resolve) => (applied = resolve)),
      resync: async (_why, peer) => peer,
      staging: { bytes: 100 },
      backlog: { bytes: 100 },
    })
    opened.push(log)
    const link = fakeScope()
    for (const to of [4, 9]) {
      const batch = log.open(link)
      batch.add('row')
      batch.seal(to)
    }
    applied()
    await expect.poll(() => inspector.state().cursors[0]?.applied).toBe(4)
    expect(inspector.state().cursors[0]).toMatchObject({
      ...{
        name: 'client',
        key: 'events',
        phase: 'unknown',
        received: 9,
        durable: null,
        lag: 5,
        isBehind: true,
      },
    })
    applied()
  })

  it('has rosters with who is frozen, since when and why, and never a value', async () => {
    const { inspector, clock, named } = await started()
    const members = roster<string, { secret: string }>({ env: named('group') })
    opened.push(members)
    members.join('ann', { secret: 'hunter2' })
    members.join('bob', { secret: 'hunter2' })
    members.freeze('bob', 'silent')
    const state = inspector.state()
    expect(state.rosters[0]).toMatchObject({
      ...{ name: 'group', live: 1, frozen: 1 },
      members: [{ key: 'ann' }, { key: 'bob', frozen: { since: clock.wall(), why: 'silent' } }],
    })
    expect(JSON.stringify(state)).not.toContain('hunter2')
  })

  it('has listeners and feeds', async () => {
    const { inspector, clock, named } = await started()
    const env = named('server')
    const listener = await listen({
      env,
      acceptor: memoryNetwork(clock),
      at: { uri: 'memory:here' },
      limits: { links: 1, handshaking: 1 },
      protocol: () => ({}),
    })
    opened.push(listener)
    const log = feed<number, string>({
      env,
      compare: (a, b) => a - b,
      head: () => 0,
      read: async () => 'too-old',
      sizeOf: () => 1,
      page: { bytes: 1 },
      live: { bytes: 1 },
    })
    log.open(fakeScope(), 0, { send: () => 'sent', caughtUp: () => undefined, failed: () => undefined })
    expect(inspector.state()).toMatchObject({
      listeners: [{ name: 'server', endpoint: 'memory:here', phase: 'listening', links: 0 }],
      feeds: [{ name: 'server', readers: 1 }],
    })
  })

  it('shows what has ended for a while: a failure for an hour', async () => {
    const { inspector, clock, named } = await started()
    const [done, broken] = [plainLifecycle(named('done')), plainLifecycle(named('broken'))]
    opened.push(done, broken)
    for (const life of [done, broken]) life.start()
    clock.advance(5)
    done.close()
    broken.restart(end('handshake-refused', { advice: { kind: 'never' } }))
    const shown = (): string[] => inspector.state().lifecycles.map(({ name, phase }) => `${name} ${phase}`)
    clock.advance(14_000)
    expect(shown()).toEqual(['done closed', 'broken failed'])
    clock.advance(10_000)
    expect(shown()).toEqual(['broken failed'])
    clock.advance(3_600_000)
    expect(shown()).toEqual([])
  })

  it('keeps nothing from being garbage', async () => {
    const { inspector, clock, named } = await started()
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const makeOne = (): WeakRef<Lifecycle> => {
      roster<string, object>({ env: named('dropped') }).join('ann', {})
      return new WeakRef(plainLifecycle(named('dropped')))
    }
    const dropped = makeOne()
    expect(inspector.state().lifecycles).toHaveLength(1)
    await expect
      .poll(() => {
        collect()
        return dropped.deref() === undefined
      })
      .toBe(true)
    clock.advance(10_000)
    expect(inspector.state()).toMatchObject({ lifecycles: [], rosters: [] })
  })

  it('is of nouns that are made while it looks, and with an environment of Node', async () => {
    const early = plainLifecycle(nodeEnv({ name: 'early' }))
    const { inspector } = await started()
    opened.push(early)
    expect(inspector.state().lifecycles).toEqual([])
  })
})

describe('what happened', () => {
  it('is told by the trace channels, in order, with its reasons', async () => {
    const { inspector, clock, named } = await started()
    const life = plainLifecycle(named('relay a'))
    opened.push(life)
    life.start()
    clock.advance(5)
    life.restart(end('protocol-error', { code: 1002, detail: 'bad frame', cause: new Error('hunter2') }))
    const { events } = inspector.state()
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.find(({ channel }) => channel === 'link')).toMatchObject({
      ...{ kind: 'ended', name: 'relay a' },
      why: { kind: 'protocol-error', code: 1002, detail: 'bad frame' },
    })
    expect(events.find(({ to }) => to === 'waiting')).toMatchObject({ channel: 'lifecycle', from: 'ready' })
    expect(JSON.stringify(events)).not.toContain('hunter2')
  })

  it('is remembered in the latest 2000', async () => {
    const { inspector, named } = await started()
    const { trace } = named('busy')
    for (let n = 1; n <= 2100; n += 1) trace?.('drain', { kind: 'begun', name: 'busy' })
    const { events } = inspector.state()
    expect([events.length, events[0]?.seq, events.at(-1)?.seq]).toEqual([2000, 101, 2100])
  })

  it('is cut short, and says no credentials and queries of URLs', async () => {
    const { inspector, named } = await started()
    const env = named('relay wss://ann:hunter2@relay.example/path?token=hunter2')
    opened.push(plainLifecycle(env, 'tcp://host.example:1?password=hunter2'))
    env.trace?.('link', { kind: 'ended', name: env.name, why: { kind: 'silent', detail: 'x'.repeat(5000) } })
    env.trace?.('roster', { kind: 'frozen', key: { n: 1n }, why: 'at https://x.example/?key=hunter2' })
    const text = JSON.stringify(inspector.state())
    expect(text).toContain('relay wss://…@relay.example/path?…')
    expect(text).not.toContain('hunter2')
    expect(text.length).toBeLessThan(2000)
  })

  it('survives records that are none of ours', async () => {
    const { inspector, named } = await started()
    const { trace } = named('strange')
    const circular: { self?: object } = {}
    circular.self = circular
    trace?.('cursor', {})
    trace?.('cursor', {
      kind: 'reset',
      key: circular,
      why: null,
      to: { at: circular },
      cut: [{}],
      name: Symbol('n'),
    })
    expect(inspector.state().events).toMatchObject([{ kind: 'unnamed' }, { kind: 'reset' }])
  })
})
