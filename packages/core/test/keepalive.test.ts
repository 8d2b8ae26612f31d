import { fc, test } from '@fast-check/vitest'
import type { LinkProtocol, LinkScope, Millis } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { connected } from './link-rig.js'

/** Sends a PING when probed, and notes when. */
class Pinger implements LinkProtocol {
  readonly scope: LinkScope
  readonly probedAt: Millis[] = []
  readonly #now: () => Millis

  constructor(scope: LinkScope, now: () => Millis) {
    this.scope = scope
    this.#now = now
    scope.ready()
  }

  probe(): void {
    this.probedAt.push(this.#now())
    this.scope.link.write('PING')
  }
}

function pinging(keepalive: { sendEvery?: Millis; hearWithin?: Millis; arm?: 'at-open' | 'manual' }) {
  let now = (): Millis => 0
  const rig = connected<Pinger>({
    protocol: (scope) => new Pinger(scope, () => now()),
    keepalive: { arm: 'at-open', ...keepalive },
  })
  now = () => rig.clock.now()
  return rig
}

const anyWait = fc.integer({ min: 1, max: 20_000 })

describe('speaking', () => {
  test.prop([fc.integer({ min: 10, max: 60_000 }), fc.array(anyWait, { maxLength: 30 })])(
    'nothing is left unsaid for longer than sendEvery',
    (sendEvery, writes) => {
      const { clock, link, life, protocol } = pinging({ sendEvery })
      const spokenAt = [0]
      for (const ms of writes) {
        clock.advance(ms)
        protocol.scope.link.write('x')
        spokenAt.push(clock.now())
      }
      clock.advance(3 * sendEvery)
      const all = [...spokenAt, ...protocol.probedAt, clock.now()].sort((a, b) => a - b)
      const gaps = all.map((at, index) => at - (all[index - 1] ?? at))
      expect(Math.max(...gaps)).toBeLessThanOrEqual(sendEvery)
      expect(link.isOpen).toBe(true)
      life.close()
    },
  )

  it('a link that is written to often enough is not probed', () => {
    const { clock, life, protocol } = pinging({ sendEvery: 8000 })
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1000)
      protocol.scope.link.write('x')
    }
    expect(protocol.probedAt).toEqual([])
    life.close()
  })
})

describe('a protocol without a probe', () => {
  const keepalive = { sendEvery: 2000, hearWithin: 8000, arm: 'at-open' } as const
  const mute = { keepalive, protocol: (scope: LinkScope): LinkProtocol => (scope.ready(), {}) }

  it('has its peer pinged by the transport, where that can, about every sendEvery', () => {
    const { clock, life, link } = connected<LinkProtocol>(mute)
    let pings = 0
    Object.assign(link, { ping: () => void (pings += 1) })
    clock.advance(8000)
    expect(pings).toBeGreaterThanOrEqual(4)
    expect(pings).toBeLessThanOrEqual(5)
    life.close()
  })

  it('is named when its peer is given up, where the transport cannot', () => {
    const { clock, life, link } = connected<LinkProtocol>(mute)
    clock.advance(9000)
    expect(link.endedByOwner).toMatchObject({
      kind: 'silent',
      detail: expect.stringContaining('no probe()') as string,
    })
    life.close()
  })
})

describe('listening', () => {
  it('a peer that says nothing is given up after hearWithin, and soon after it', () => {
    const { clock, life, link } = pinging({ hearWithin: 8000 })
    clock.advance(7999)
    expect(life.state.phase).toBe('ready')
    clock.advance(1001)
    expect(link.endedByOwner?.kind).toBe('silent')
    life.close()
  })

  test.prop([
    fc.integer({ min: 10, max: 60_000 }),
    fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true })),
  ])(
    'a peer that is heard within hearWithin is never given up, and then at the earliest after it',
    (hearWithin, gaps) => {
      const { clock, link, life } = pinging({ hearWithin })
      for (const gap of gaps) {
        clock.advance(gap * hearWithin)
        expect(life.state.phase).toBe('ready')
        link.receive('x')
      }
      clock.advance(hearWithin * 0.999)
      expect(life.state.phase).toBe('ready')
      clock.advance(hearWithin * 0.26 + 10)
      expect(link.endedByOwner?.kind).toBe('silent')
      life.close()
    },
  )

  it('with arm manual it begins when the protocol says so', () => {
    const { clock, life, link, protocol } = pinging({ hearWithin: 8000, arm: 'manual' })
    clock.advance(60_500)
    protocol.scope.armKeepalive()
    clock.advance(7999)
    expect(life.state.phase).toBe('ready')
    clock.advance(2001)
    expect(link.endedByOwner?.kind).toBe('silent')
    life.close()
  })

  it('a peer that we do not read is not silent', () => {
    const { clock, life, link, protocol } = pinging({ hearWithin: 8000 })
    const release = protocol.scope.link.pause()
    clock.advance(60_000)
    expect(life.state.phase).toBe('ready')
    release()
    release()
    clock.advance(6900)
    expect(life.state.phase).toBe('ready')
    clock.advance(10_000)
    expect(link.endedByOwner?.kind).toBe('silent')
    life.close()
  })
})

describe('when time is disturbed', () => {
  it('I24: what arrived while our loop stood still is read before the peer is judged', () => {
    const { clock, life, link } = pinging({ hearWithin: 8000 })
    clock.advance(7900)
    clock.after(200, () => link.receive('x'))
    clock.stall(60_000)
    clock.advance(8000)
    expect(life.state.phase).toBe('ready')
    life.close()
  })

  it('I24: a stall of our loop counts as one sweep of silence at most', () => {
    const { clock, life, link } = pinging({ hearWithin: 8000 })
    clock.stall(3_600_000)
    clock.advance(6000)
    expect(life.state.phase).toBe('ready')
    clock.advance(3000)
    expect(link.endedByOwner?.kind).toBe('silent')
    life.close()
  })

  it('I24: after host sleep the peer is probed and has half of hearWithin to answer', () => {
    const { clock, life, link, protocol } = pinging({ sendEvery: 60_000, hearWithin: 8000 })
    clock.advance(7900)
    clock.sleep(3_600_000)
    expect(protocol.probedAt).toEqual([7900])
    clock.advance(3900)
    expect(life.state.phase).toBe('ready')
    clock.advance(2000)
    expect(link.endedByOwner?.kind).toBe('suspect-after-sleep')
    life.close()
  })

  it('I24: a peer that answers after host sleep is as good as before', () => {
    const { clock, life, link } = pinging({ hearWithin: 8000 })
    link.receive('before')
    clock.sleep(3_600_000)
    clock.advance(2000)
    link.receive('PONG')
    clock.advance(7900)
    expect(life.state.phase).toBe('ready')
    clock.advance(2000)
    expect(link.endedByOwner?.kind).toBe('silent')
    life.close()
  })

  const anyDisturbance = fc.record({
    kind: fc.constantFrom('advance', 'sleep', 'stall', 'stepWall'),
    ms: fc.integer({ min: 1, max: 86_400_000 }),
  })

  test.prop([fc.array(anyDisturbance, { maxLength: 30 })])(
    'I24: a peer that answers every probe is never given up, whatever happens to time',
    (disturbances) => {
      const { clock, life, link } = pinging({ sendEvery: 2000, hearWithin: 8000 })
      let heard = 0
      const answer = (): void => {
        if (link.written.length > heard) link.receive('PONG')
        heard = link.written.length
      }
      for (const { kind, ms } of disturbances) {
        if (kind !== 'advance') clock[kind](ms)
        answer()
        for (let passed = 0; passed < Math.min(ms, 20_000); passed += 500) {
          clock.advance(500)
          answer()
        }
      }
      expect(life.state.phase).toBe('ready')
      life.close()
    },
  )

  test.prop([fc.array(fc.integer({ min: -86_400_000, max: 86_400_000 }), { maxLength: 20 })])(
    'I24: a step of the wall clock changes no timer',
    (steps) => {
      const histories = [false, true].map((isStepped) => {
        const { clock, life } = pinging({ sendEvery: 700, hearWithin: 3000 })
        const history: string[] = []
        life.state$.subscribe((state) => history.push(`${clock.now()} ${state.phase}`))
        for (const by of steps) {
          if (isStepped) clock.stepWall(by)
          clock.advance(997)
        }
        life.close()
        return history
      })
      expect(histories[1]).toEqual(histories[0])
    },
  )
})
