import {
  end,
  HoldfastError,
  type Lifecycle,
  type LifecycleEvent,
  type LifecycleOptions,
  type LifecycleState,
  type LinkProtocol,
  type LinkScope,
  lifecycle,
  whileReady,
} from '@holdfast/core'
import { FaultyLink, ScriptedDialer, testEnv } from '@holdfast/core/testing'
import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { connected, Recorder } from './link-rig.js'

function idle(options: Partial<LifecycleOptions<Recorder>> = {}) {
  const env = testEnv()
  const dialer = new ScriptedDialer(env.clock)
  const life = lifecycle<Recorder>({
    env,
    dialer,
    endpoints: [{ uri: 'memory:a' }, { uri: 'memory:b' }],
    protocol: (scope) => new Recorder(scope),
    ...options,
  })
  return { env, clock: env.clock, dialer, life }
}

function phasesOf(life: Lifecycle): LifecycleState['phase'][] {
  const phases: LifecycleState['phase'][] = []
  life.state$.subscribe(({ phase }) => phases.push(phase))
  return phases
}

describe('a lifecycle', () => {
  it('is idle until started, and subscribing starts nothing', () => {
    const { life, dialer } = idle()
    expect(phasesOf(life)).toEqual(['idle'])
    expect(dialer.links).toEqual([])
  })

  it('goes from idle to stable by way of dialing, handshaking and ready', () => {
    const { life, dialer, clock } = idle({ stableAfter: 5000 })
    const phases = phasesOf(life)
    life.start()
    life.start()
    dialer.last.open()
    expect(life.state).toEqual({ phase: 'ready', link: dialer.last.id, since: 0, stable: false })
    clock.advance(5000)
    expect(life.state).toEqual({ phase: 'ready', link: dialer.last.id, since: 0, stable: true })
    expect(phases).toEqual(['idle', 'dialing', 'dialing', 'handshaking', 'ready', 'ready'])
    life.close()
  })

  it('tries its endpoints in turn', () => {
    const { life, dialer, clock } = idle()
    life.start()
    for (let dial = 0; dial < 3; dial += 1) {
      dialer.last.fail(end('dial-failed'))
      clock.advance(8000)
    }
    expect(dialer.links.slice(0, 3).map((link) => link.endpoint.uri)).toEqual([
      'memory:a',
      'memory:b',
      'memory:a',
    ])
    life.close()
  })

  it.each([
    ['a dial that hangs', 'dial-timeout', () => undefined],
    ['a handshake that hangs', 'handshake-timeout', (dialer: ScriptedDialer) => dialer.last.open()],
  ])('gives up %s', (_what, kind, begin) => {
    const { life, dialer, clock } = idle({
      dialWithin: 700,
      handshakeWithin: 700,
      protocol: () => ({ told: [] }) as never,
    })
    life.start()
    begin(dialer)
    clock.advance(699)
    expect(dialer.last.endedByOwner).toBeNull()
    clock.advance(1)
    expect(dialer.last.endedByOwner?.kind).toBe(kind)
    life.close()
  })

  it('fails, and completes, when it is told that trying again cannot help', () => {
    const { life, dialer } = idle({ advise: () => ({ kind: 'never' }) })
    const phases = phasesOf(life)
    life.start()
    dialer.last.fail(end('dial-failed', { code: 'ENOTFOUND' }))
    expect(life.state).toMatchObject({ phase: 'failed', why: { kind: 'dial-failed', code: 'ENOTFOUND' } })
    expect(phases).toEqual(['idle', 'dialing', 'dialing', 'failed'])
  })

  it.each([
    ['gives up', () => 'give-up' as const],
    ['waits for ever', () => Infinity],
  ])('fails when its backoff %s', (_what, backoff) => {
    const { life, dialer } = idle({ backoff })
    life.start()
    dialer.last.fail(end('dial-failed'))
    expect(life.state.phase).toBe('failed')
  })

  it.each([Number.NaN, -1])('I8: a backoff that answers %d is replaced by the default one', (nonsense) => {
    const { life, dialer, clock } = idle({ backoff: () => nonsense })
    life.start()
    dialer.last.fail(end('dial-failed'))
    expect(life.state).toMatchObject({ phase: 'waiting' })
    clock.advance(99)
    expect(dialer.links.length).toBe(1)
    life.close()
  })

  it('I8: a Retry-After that is not a number delays nothing and hastens nothing', () => {
    const { life, dialer, clock } = idle()
    life.start()
    dialer.last.fail(end('handshake-refused', { advice: { kind: 'after', ms: Number.NaN } }))
    const { retryAt } = life.state as { retryAt: number }
    expect(retryAt).toBeGreaterThanOrEqual(100)
    clock.advance(retryAt)
    expect(dialer.links.length).toBe(2)
    life.close()
  })

  it('a nudge brings the next dial forward, still jittered', () => {
    const { life, dialer, clock } = idle({ backoff: ({ why }) => (why.advice.kind === 'now' ? 150 : 60_000) })
    life.start()
    dialer.last.fail(end('dial-failed'))
    life.nudge('network-up')
    clock.advance(149)
    expect(dialer.links.length).toBe(1)
    clock.advance(1)
    expect(dialer.links.length).toBe(2)
    life.close()
  })

  it('tells what happens to it, and completes the telling', () => {
    const { life, dialer } = idle()
    const events: LifecycleEvent['kind'][] = []
    let isComplete = false
    life.events$.subscribe({ next: ({ kind }) => events.push(kind), complete: () => (isComplete = true) })
    life.start()
    dialer.last.open()
    life.close()
    expect(events).toEqual(['transition', 'admitted', 'transition', 'transition', 'transition'])
    expect(isComplete).toBe(true)
  })

  it('an end of the peer’s during its own drain is the drain; any other end is that end', () => {
    const ends = (['closed-by-peer', 'protocol-error'] as const).map((kind) => {
      const { life, link, protocol } = connected()
      protocol.scope.gate.enter('work')
      protocol.scope.peerDrains(1000)
      link.fail(end(kind))
      const { state } = life
      life.close()
      return 'why' in state ? state.why.kind : state.phase
    })
    expect(ends).toEqual(['drained-by-peer', 'protocol-error'])
  })
})

describe('looking an endpoint up', () => {
  it('may take a while, and counts as dialing', async () => {
    const { life, dialer } = idle({ endpoints: () => Promise.resolve({ uri: 'memory:found' }) })
    life.start()
    expect(life.state).toEqual({ phase: 'dialing', attempt: 0, link: null, endpoint: null })
    await Promise.resolve()
    expect(dialer.last.endpoint.uri).toBe('memory:found')
    life.close()
  })

  it('that fails is a dial that failed', async () => {
    const { life } = idle({ endpoints: () => Promise.reject(new Error('no such name')) })
    life.start()
    await Promise.resolve()
    expect(life.state).toMatchObject({ phase: 'waiting', why: { kind: 'dial-failed' } })
    life.close()
  })

  it('that hangs is given up after dialWithin, and what it finds later is not dialed', async () => {
    let found: (at: { uri: string }) => void = () => undefined
    const { life, dialer, clock } = idle({
      dialWithin: 300,
      endpoints: () => new Promise((resolve) => (found = resolve)),
    })
    life.start()
    clock.advance(300)
    expect(life.state).toMatchObject({ phase: 'waiting', why: { kind: 'dial-timeout' } })
    found({ uri: 'memory:late' })
    await Promise.resolve()
    expect(dialer.links).toEqual([])
    life.close()
  })
})

describe('waiting for a ready link', () => {
  it('resolves with the protocol’s object, at once if there is one', async () => {
    const { life, protocol } = connected()
    expect(await life.whenReady()).toBe(protocol)
    life.close()
  })

  it('rejects when there will be none', async () => {
    const { life } = idle()
    const waiting = life.whenReady()
    life.close({ detail: 'enough' })
    await expect(waiting).rejects.toMatchObject({ code: 'HF_LIFECYCLE_ENDED', end: { kind: 'closed-by-us' } })
    await expect(life.whenReady()).rejects.toBeInstanceOf(HoldfastError)
  })

  it('rejects after a time, if it is to, and leaves no timer behind', async () => {
    const { life, clock } = idle()
    const waiting = life.whenReady({ within: 500 })
    clock.advance(500)
    await expect(waiting).rejects.toMatchObject({ code: 'HF_NOT_READY' })
    await expect(waiting).rejects.toThrow('it is idle, start() was not called')
    expect(clock.pending).toBe(0)
  })

  it('says where it is, and why, when the time is over', async () => {
    const { life, dialer, clock } = idle()
    life.start()
    dialer.last.fail(end('dial-failed', { code: 'ECONNREFUSED', detail: 'nobody there' }))
    const waiting = life.whenReady({ within: 1 })
    clock.advance(1)
    await expect(waiting).rejects.toThrow('it is waiting, dial-failed (ECONNREFUSED): nobody there')
    life.close()
  })

  it('rejects with the signal’s reason, before and while it waits', async () => {
    const { life, clock } = idle()
    const abort = new AbortController()
    const waiting = life.whenReady({ signal: abort.signal, within: 500 })
    abort.abort('enough')
    await expect(waiting).rejects.toBe('enough')
    await expect(life.whenReady({ signal: abort.signal })).rejects.toBe('enough')
    expect(clock.pending).toBe(0)
  })
})

describe('a pipeline over ready links', () => {
  it('survives reconnects, hears nothing between links, and ends with the lifecycle', () => {
    class Talker extends Recorder {
      readonly #messages$ = new Subject<string>()
      readonly messages$ = this.#messages$.asObservable()
      override data(chunk: Uint8Array): void {
        this.#messages$.next(Buffer.from(chunk).toString())
      }
    }
    const { life, dialer, clock } = connected<Talker>({ protocol: (scope) => new Talker(scope) })
    const heard: string[] = []
    whileReady(life, (talker) => talker.messages$).subscribe({
      next: (message) => heard.push(message),
      complete: () => heard.push('complete'),
    })
    dialer.last.receive('one')
    dialer.last.closeByPeer()
    clock.advance(2000)
    dialer.last.open()
    dialer.last.receive('two')
    life.close()
    expect(heard).toEqual(['one', 'two', 'complete'])
  })
})

describe('draining', () => {
  it('I11: lets work finish, refuses more, flushes and closes', async () => {
    const { life, link, protocol } = connected({ link: { holdWrites: true } })
    const ticket = protocol.scope.gate.enter('request 1')
    protocol.scope.link.write('answer')
    const drained = life.drain({ within: 1000 })
    expect(protocol.told).toEqual(['retire by 1000'])
    expect(protocol.scope.gate.enter('request 2')).toBeNull()
    ticket?.done()
    await Promise.resolve()
    await Promise.resolve()
    expect(link.phase).toBe('retiring')
    link.flush()
    expect(await drained).toEqual({ finished: 1, cut: [], took: 0, timedOut: false })
    expect(life.state).toMatchObject({ phase: 'closed', why: { kind: 'drained' } })
  })

  it('I11: cuts at the deadline what has not finished, and says what', async () => {
    const { life, clock, protocol } = connected()
    protocol.scope.gate.enter('slow')
    const drained = life.drain({ within: 1000 })
    clock.advance(1000)
    expect(await drained).toEqual({ finished: 0, cut: ['slow'], took: 1000, timedOut: true })
  })

  it('I11: keeps the earlier of two deadlines, says goodbye once, and reports the truth', async () => {
    const { life, clock, protocol } = connected()
    protocol.scope.gate.enter('slow')
    const drained = [life.drain({ within: 5000 }), life.drain({ within: 1000 })]
    clock.advance(1000)
    const report = { finished: 0, cut: ['slow'], took: 1000, timedOut: true }
    expect(await Promise.all(drained)).toEqual([report, report])
    expect(protocol.told).toEqual(['retire by 5000', 'ended drained'])
  })

  it.each([Number.NaN, -5])('I11: within %d milliseconds is at once', async (within) => {
    const { life, clock, protocol } = connected()
    protocol.scope.gate.enter('slow')
    const drained = life.drain({ within })
    clock.advance(1)
    expect(await drained).toMatchObject({ cut: ['slow'] })
  })

  it('does not report what a peer’s drain of an earlier link cut', async () => {
    const { life, clock, protocol } = connected()
    protocol.scope.gate.enter('slow')
    protocol.scope.peerDrains(100)
    clock.advance(100)
    await Promise.resolve()
    expect(life.state.phase).toBe('waiting')
    expect(await life.drain()).toEqual({ finished: 0, cut: [], took: 0, timedOut: false })
  })

  it('after the end reports nothing, at once', async () => {
    const { life } = idle()
    life.close()
    expect(await life.drain()).toEqual({ finished: 0, cut: [], took: 0, timedOut: false })
  })
})

describe('whoever acts on what it is told', () => {
  it('I9: reads in .state what everybody has been told, and is told nothing twice', () => {
    const told: string[] = []
    class Curious extends Recorder {
      override ended(): void {
        told.push(`hook: ${life.state.phase}`)
        life.state$.subscribe(({ phase }) => told.push(phase))
      }
    }
    const { life } = connected<Curious>({ protocol: (scope) => new Curious(scope) })
    life.restart(end('protocol-error'))
    expect(told).toEqual(['hook: ready', 'ready', 'waiting'])
    life.close()
  })

  it('cannot have a link adopted in the middle of a step, and nothing comes of it', () => {
    const { life, dialer } = idle()
    const answers: boolean[] = []
    life.state$.subscribe(({ phase }) => {
      if (phase !== 'dialing') return
      answers.push(life.adopt((sink) => new FaultyLink({ uri: 'memory:peer' }, sink), { uri: 'memory:peer' }))
    })
    life.start()
    dialer.last.open()
    expect(answers).toEqual([false, false])
    expect(life.state.phase).toBe('ready')
    life.close()
  })
})

describe('hooks that throw', () => {
  const broken = (): never => {
    throw new Error('broken')
  }

  it.each<[string, Partial<LifecycleOptions<LinkProtocol>>, (link: FaultyLink) => void]>([
    ['protocol()', { protocol: broken }, () => undefined],
    ['data()', { protocol: () => ({ data: broken }) }, (link) => link.receive('x')],
  ])('I10: %s ends the link as adapter-threw', (_name, options, act) => {
    const { link, life } = connected<LinkProtocol>(options)
    act(link)
    expect(link.endedByOwner).toMatchObject({ kind: 'adapter-threw', detail: 'Error: broken' })
    life.close()
  })

  const brokenLater = (): never => Promise.reject(new Error('broken')) as never

  it.each<[string, (scope: LinkScope) => LinkProtocol]>([
    ['data()', () => ({ data: brokenLater })],
    ['a timer', (scope) => (scope.after(1, brokenLater), {})],
  ])('I10: %s ends the link as adapter-threw where it is asynchronous, too', async (_name, protocol) => {
    const { link, life, clock } = connected<LinkProtocol>({ protocol })
    link.receive('x')
    clock.advance(1)
    expect(link.endedByOwner).toBeNull()
    await Promise.resolve()
    expect(link.endedByOwner).toMatchObject({ kind: 'adapter-threw', detail: 'Error: broken' })
    life.close()
  })

  it('I10: writable() ends the link as adapter-threw', () => {
    const { link, life } = connected<LinkProtocol>({
      link: { holdWrites: true, highWater: 1 },
      protocol: (scope) => {
        scope.link.write('more than one byte')
        return { writable: broken }
      },
    })
    link.flush()
    expect(link.endedByOwner?.kind).toBe('adapter-threw')
    life.close()
  })

  it.each(['after', 'sweep'] as const)('I10: a scope’s %s ends the link as adapter-threw', (timer) => {
    const { link, life, clock } = connected<LinkProtocol>({
      protocol: (scope) => {
        scope[timer](100, broken)
        return {}
      },
    })
    clock.advance(100)
    expect(link.endedByOwner?.kind).toBe('adapter-threw')
    life.close()
  })

  it('I10: what throws while a link ends keeps nothing else from happening', () => {
    const done: string[] = []
    const { link, life } = connected<LinkProtocol>({
      protocol: (scope) => {
        scope.defer(() => done.push('first'))
        scope.defer(broken)
        scope.defer(() => done.push('last'))
        return { ended: broken }
      },
    })
    link.closeByPeer()
    expect(done).toEqual(['last', 'first'])
    expect(life.state.phase).toBe('waiting')
    life.close()
  })

  it('I10: a dialer that throws is a dial that failed', () => {
    const { life } = idle({ dialer: { dial: broken } })
    life.start()
    expect(life.state).toMatchObject({
      phase: 'waiting',
      why: { kind: 'dial-failed', detail: 'Error: broken' },
    })
    life.close()
  })
})

describe('options of a lifecycle', () => {
  const bad: [string, object][] = [
    ['env.clock.now', { env: {} }],
    ['env.random', { env: { ...testEnv(), random: 5 } }],
    ['env.log.info', { env: { ...testEnv(), log: undefined } }],
    ['env.admission.enter', { env: { ...testEnv(), admission: null } }],
    ['protocol', { protocol: null }],
    ['dialer.dial', { dialer: {} }],
    ['dialer.dial', { dialer: null }],
    ['endpoints', { endpoints: [] }],
    ['endpoints', { endpoints: 'memory:a' }],
    ['dialWithin', { dialWithin: 0 }],
    ['stableAfter', { stableAfter: '10' }],
    ['handshakeWithin', { handshakeWithin: -1 }],
    ['drainWithin', { drainWithin: Number.NaN }],
    ['backoff', { backoff: 5 }],
    ['advise', { advise: {} }],
    ['prefer', { prefer: 'incoming' }],
    ['outbound.bytes', { outbound: {} }],
    ['outbound.age', { outbound: { bytes: 1, age: 0 } }],
    ['keepalive.sendEvery', { keepalive: { sendEvery: 0, arm: 'at-open' } }],
    ['keepalive.hearWithin', { keepalive: { hearWithin: -1, arm: 'at-open' } }],
    ['keepalive.arm', { keepalive: { hearWithin: 1 } }],
  ]
  it.each(bad)('%s is refused by name', (field, options) => {
    expect(() => idle(options)).toThrow(expect.objectContaining({ code: 'HF_BAD_OPTION', field }))
  })
})
