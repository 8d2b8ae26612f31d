import { fc, test } from '@fast-check/vitest'
import { type End, end, type LinkProtocol, type LinkScope, lifecycle } from '@holdfast/core'
import { FaultyLink, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { connected, Recorder } from './link-rig.js'

const anyChunk = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 120 }))
const anyWork = fc.array(fc.oneof(anyChunk, fc.nat(5)), { maxLength: 60 })

describe('what is written to a link', () => {
  test.prop([anyWork, fc.integer({ min: 1, max: 600 })])(
    'I25: never waits beyond the outbound budget, whatever the kernel takes; past it the link overflows',
    (work, bytes) => {
      const { life, link, protocol } = connected({ outbound: { bytes }, link: { holdWrites: true } })
      for (const each of work) {
        if (typeof each === 'number') {
          link.flush(each)
          continue
        }
        const before = link.unflushed
        const isOpen = link.isOpen
        const result = protocol.scope.link.write(each)
        expect(link.unflushed).toBeLessThanOrEqual(bytes)
        const fits = before + Buffer.from(each).length <= bytes
        expect(result).toBe(isOpen && fits ? 'sent' : 'refused')
        if (isOpen && !fits) expect(link.endedByOwner?.kind).toBe('overflow')
      }
      life.close()
    },
  )

  it('I25: has outbound.age to be flushed after a full', () => {
    const { life, clock, link, protocol } = connected({
      outbound: { bytes: 1000, age: 500 },
      link: { holdWrites: true, highWater: 3 },
    })
    expect(protocol.scope.link.write('full')).toBe('full')
    clock.advance(400)
    link.flush()
    expect(protocol.told).toEqual(['writable'])
    protocol.scope.link.write('full again')
    protocol.scope.link.write('and again')
    clock.advance(499)
    expect(link.isOpen).toBe(true)
    clock.advance(1)
    expect(link.endedByOwner?.kind).toBe('overflow')
    life.close()
  })

  it('is refused, and is no overflow, once the link is being ended', () => {
    const { life, link, protocol } = connected({ outbound: { bytes: 10 }, link: { holdWrites: true } })
    protocol.scope.link.write('12345678')
    protocol.scope.link.end(end('closed-by-us'))
    expect(protocol.scope.link.write('12345678')).toBe('refused')
    expect(link.phase).toBe('retiring')
    link.flush()
    expect(link.endedByOwner?.kind).toBe('closed-by-us')
    expect(life.state).toMatchObject({ phase: 'waiting', why: { kind: 'closed-by-us' } })
    life.close()
  })
})

describe('what arrives', () => {
  test.prop([fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.integer({ min: 1, max: 50 })])(
    'is told in order, however it is cut',
    (bytes, splitInto) => {
      const heard: number[] = []
      const { life, link } = connected<LinkProtocol>({
        link: { splitInto },
        protocol: () => ({ data: (chunk) => heard.push(...chunk) }),
      })
      link.receive(bytes)
      expect(heard).toEqual([...bytes])
      life.close()
    },
  )

  it('before there is anybody to hear it waits, as a copy, in order', () => {
    const env = testEnv()
    const lent = Buffer.from('greeting')
    const heard: string[] = []
    const life = lifecycle({
      env,
      endpoints: [{ uri: 'memory:a' }],
      dialer: {
        dial: (to, sink) => {
          const link = new FaultyLink(to, sink)
          link.write = (chunk) => {
            sink.data(Buffer.from(`echo of ${String(chunk)}`))
            return 'sent'
          }
          link.open()
          sink.data(lent)
          lent.fill(0)
          return link
        },
      },
      protocol: (scope) => {
        scope.link.write('hello')
        return { data: (chunk) => heard.push(Buffer.from(chunk).toString()) }
      },
    })
    life.start()
    expect(heard).toEqual(['greeting', 'echo of hello'])
    life.close()
  })

  it('before there is anybody to hear it is not told when the link has ended meanwhile', () => {
    const heard: string[] = []
    const { life, link } = connected<LinkProtocol>({
      protocol: (scope) => {
        scope.fail(end('protocol-error'))
        return { data: () => heard.push('data'), ended: () => heard.push('ended') }
      },
    })
    link.receive('x')
    expect(heard).toEqual([])
    life.close()
  })

  it('is not told to a link that is being ended', () => {
    const { life, link, protocol } = connected({ link: { holdWrites: true } })
    protocol.scope.link.write('last words')
    protocol.scope.link.end(end('closed-by-us'))
    link.receive('too late')
    expect(protocol.told).toEqual([])
    life.close()
  })
})

describe('a scope', () => {
  it('I2: takes everything with it when its link ends, last deferred first, the protocol’s ended last', () => {
    const order: string[] = []
    class Tidy extends Recorder {
      constructor(scope: LinkScope) {
        super(scope)
        scope.after(1000, () => order.push('timer'))
        scope.sweep(1000, () => order.push('sweep'))
        scope.defer(() => order.push(`first, link ${scope.link.phase}`))
        const undefer = scope.defer(() => order.push('taken back'))
        undefer()
        undefer()
        scope.defer((why) => order.push(`second, ${why.kind}`))
        scope.signal.addEventListener('abort', () => order.push('aborted'))
      }
      override ended(why: End): void {
        order.push(`ended ${why.kind}`)
      }
    }
    const { life, clock, protocol } = connected<Tidy>({ protocol: (scope) => new Tidy(scope) })
    const guarded = protocol.scope.guard(() => order.push('guarded'))
    const ticket = protocol.scope.gate.enter('work')
    protocol.scope.fail(end('protocol-error'))
    guarded()
    clock.advance(50)
    expect(order).toEqual(['second, protocol-error', 'first, link ended', 'aborted', 'ended protocol-error'])
    expect(ticket?.cut).toBe(true)
    life.close()
  })

  it('I10: what a protocol knows of an end that the transport tells comes first in its detail; if it throws, the end stands', () => {
    const explained = (
      explain: () => string | undefined,
      how: (link: FaultyLink, scope: LinkScope) => void,
    ) => {
      let over: End | undefined
      let given: LinkScope | undefined
      const { life, link } = connected<LinkProtocol>({
        protocol: (scope) => {
          given = scope
          return { explain, ended: (why) => (over = why) }
        },
      })
      if (given) how(link, given)
      life.close()
      return over
    }
    const reset = (link: FaultyLink): void =>
      link.fail(end('reset-by-peer', { code: 'ECONNRESET', detail: 'connection reset' }))
    expect(explained(() => 'it said: go away', reset)).toMatchObject({
      kind: 'reset-by-peer',
      code: 'ECONNRESET',
      detail: 'it said: go away; connection reset',
    })
    expect(explained(() => undefined, reset)?.detail).toBe('connection reset')
    const broken = (): string => {
      throw new Error('broken')
    }
    expect(explained(broken, reset)?.detail).toBe('connection reset')
    expect(
      explained(
        () => 'it said',
        (_, scope) => scope.fail(end('protocol-error')),
      )?.detail,
    ).toBe(undefined)
  })

  it('I2: obtained too late gives timers that never run, a closed gate, an aborted signal', () => {
    const { life, clock, link, protocol } = connected()
    const { scope } = protocol
    link.closeByPeer()
    life.close()
    const told: string[] = []
    scope.after(1, () => told.push('timer')).unref()
    scope.sweep(1, () => told.push('sweep'))
    scope.defer((why) => told.push(`deferred ${why.kind}`))
    scope.ready()
    scope.peerDrains(100)
    clock.advance(10)
    expect(told).toEqual(['deferred closed-by-peer'])
    expect(scope.gate.enter('work')).toBeNull()
    expect(scope.signal.reason).toMatchObject({ code: 'HF_LINK_ENDED', end: { kind: 'closed-by-peer' } })
    expect(clock.nextAt).toBeNull()
  })

  it('I2: a timer that is cancelled does not run, and one that has run is forgotten', () => {
    const { life, clock, protocol } = connected()
    const told: string[] = []
    protocol.scope.after(10, () => told.push('a'))
    protocol.scope.after(10, () => told.push('b')).cancel()
    clock.advance(10)
    expect(told).toEqual(['a'])
    life.close()
  })

  it('I2: a write from a hook of the end is refused, and starts no timer', () => {
    const results: string[] = []
    const { life, clock, link } = connected<LinkProtocol>({
      outbound: { bytes: 1000, age: 500 },
      link: { holdWrites: true, highWater: 0 },
      protocol: (scope) => {
        scope.defer(() => results.push(scope.link.write('goodbye')))
        return {}
      },
    })
    link.closeByPeer()
    life.close()
    expect(results).toEqual(['refused'])
    expect(clock.nextAt).toBeNull()
  })

  it('a transport that throws while it is destroyed keeps nothing else from ending', () => {
    const { life, link, protocol } = connected()
    link.destroy = () => {
      throw new Error('broken transport')
    }
    protocol.scope.fail(end('protocol-error'))
    expect(protocol.told).toEqual(['ended protocol-error'])
    expect(life.state.phase).toBe('waiting')
    life.close()
  })
})
