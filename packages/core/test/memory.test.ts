import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { end, type Link } from '../src/index.js'
import { memoryNetwork, RecordingSink, VirtualClock } from '../src/testing/index.js'

const done = end('closed-by-us')

function setUp(options: Parameters<typeof memoryNetwork>[1] = {}) {
  const clock = new VirtualClock()
  const network = memoryNetwork(clock, options)
  const far = { sink: new RecordingSink(), link: null as Link | null, uri: '' }
  const at = { uri: 'memory:server' }
  const accepting = network.accept(at, {
    incoming(take, remote) {
      far.link = take(far.sink)
      far.uri = remote.uri
    },
    failed: () => {},
  })
  const near = { sink: new RecordingSink(), link: null as unknown as Link }
  near.link = network.dial(at, near.sink)
  return { clock, network, near, far, at, accepting }
}

describe('a network in memory', () => {
  it('takes its latency for the knock, the answer, and each write', () => {
    const { clock, near, far } = setUp({ latency: 10 })
    clock.advance(9)
    expect(far.link).toBe(null)
    clock.advance(1)
    expect([far.sink.told, near.sink.told]).toEqual([['opened'], []])
    clock.advance(10)
    expect(near.sink.told).toEqual(['opened'])
    near.link.write('hello')
    clock.advance(9)
    expect([near.link.unflushed, far.sink.byteLength]).toEqual([5, 0])
    clock.advance(1)
    expect([near.link.unflushed, far.sink.byteLength]).toEqual([0, 5])
  })

  it('without latency still delivers nothing within the call that sent it', () => {
    const { clock, near, far } = setUp()
    expect(near.sink.told).toEqual([])
    clock.advance(0)
    near.link.write('hello')
    expect(far.sink.byteLength).toBe(0)
    clock.advance(0)
    expect(far.sink.byteLength).toBe(5)
    expect(far.uri).toBe('memory:server#1')
  })

  it('keeps what was written from later changes to the buffer', () => {
    const { clock, near, far } = setUp()
    clock.advance(0)
    const chunk = Buffer.from('before')
    near.link.write(chunk)
    chunk.fill('x')
    clock.advance(0)
    expect(Buffer.from(far.sink.bytes).toString()).toBe('before')
  })

  it('answers full above the high-water mark and says writable once it was read', () => {
    const { clock, near, far } = setUp({ highWater: 10 })
    clock.advance(0)
    const release = far.link!.pause()
    expect([near.link.write('1234567890'), near.link.write('1'), near.link.write('2')]).toEqual([
      'sent',
      'full',
      'full',
    ])
    clock.advance(1000)
    expect(near.link.unflushed).toBe(12)
    release()
    clock.advance(0)
    expect(near.sink.told).toEqual(['opened', 'writable'])
    expect(near.link.unflushed).toBe(0)
  })

  it('tells messages as what they were, and pings, if asked to', () => {
    const { clock, near, far } = setUp({ framing: 'messages', latency: 10 })
    clock.advance(20)
    near.link.write('text')
    near.link.write(Buffer.from('bytes'))
    near.link.ping?.()
    clock.advance(10)
    expect(far.sink.received).toEqual(['text', new Uint8Array(Buffer.from('bytes'))])
    expect(far.sink.count('heard')).toBe(1)
    expect(near.sink.count('heard')).toBe(0)
    clock.advance(10)
    expect(near.sink.count('heard')).toBe(1)
  })

  it('has no ping for streams', () => {
    const { link } = setUp().near
    expect(typeof link.ping).toBe('undefined')
  })

  it('leaves no timer behind when both ends have said goodbye', () => {
    const { clock, near, far } = setUp({ latency: 10 })
    clock.advance(20)
    near.link.write('last words')
    near.link.end(done)
    clock.advance(20)
    expect([near.sink.end?.kind, far.sink.end?.kind]).toEqual(['closed-by-us', 'closed-by-peer'])
    expect(far.sink.byteLength).toBe(10)
    clock.advance(20)
    expect(clock.pending).toBe(0)
    expect(clock.nextAt).toBe(null)
  })

  it('cuts a graceful end at its deadline when the other end reads nothing', () => {
    const { clock, near, far } = setUp({ flushWithin: 2000 })
    clock.advance(0)
    far.link!.pause()
    near.link.write('unheard')
    near.link.end(done)
    clock.advance(1999)
    expect(near.link.phase).toBe('retiring')
    clock.advance(1)
    expect([near.sink.end, near.link.unflushed]).toEqual([done, 7])
  })

  it('resets the other end of a destroyed link, one latency later', () => {
    const { clock, near, far } = setUp({ latency: 10 })
    clock.advance(20)
    near.link.write('lost')
    near.link.destroy(done)
    expect(clock.pending).toBe(0)
    clock.advance(10)
    expect(far.sink.end).toMatchObject({ kind: 'reset-by-peer', code: 'ECONNRESET' })
    expect(far.sink.byteLength).toBe(0)
  })

  it('refuses a name that is taken, until it is free again', async () => {
    const { network, at, accepting } = setUp()
    const sink = { incoming: () => {}, failed: () => {} }
    await expect(network.accept(at, sink)).rejects.toMatchObject({ code: 'HF_LISTEN_FAILED' })
    await (await accepting).close()
    const again = await network.accept(at, sink)
    await (await accepting).close()
    await expect(network.accept(at, sink)).rejects.toThrow('the name is taken')
    await again.close()
  })

  it('fails a dial that is not taken', () => {
    const clock = new VirtualClock()
    const network = memoryNetwork(clock)
    void network.accept({ uri: 'memory:shy' }, { incoming: () => {}, failed: () => {} })
    const sink = new RecordingSink()
    network.dial({ uri: 'memory:shy' }, sink)
    clock.advance(0)
    expect(sink.end).toMatchObject({ kind: 'dial-failed', code: 'ECONNRESET' })
  })
})

const act = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), bytes: fc.nat(40) }),
  fc.record({ kind: fc.constant('pause' as const) }),
  fc.record({ kind: fc.constant('release' as const) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(30) }),
)

describe('whatever is written, held and released', () => {
  test.prop([fc.array(act, { maxLength: 60 }), fc.nat(20)])(
    'arrives whole and in order, with unflushed exactly what was not told',
    (acts, latency) => {
      const { clock, near, far } = setUp({ latency, highWater: 50 })
      clock.advance(2 * latency)
      const sent: Uint8Array[] = []
      const holds: (() => void)[] = []
      let next = 0
      for (const each of acts) {
        switch (each.kind) {
          case 'write': {
            const chunk = Uint8Array.from({ length: each.bytes }, () => next++ % 251)
            const result = near.link.write(chunk)
            sent.push(chunk)
            expect(result).toBe(near.link.unflushed > 50 ? 'full' : 'sent')
            break
          }
          case 'pause':
            holds.push(far.link!.pause())
            break
          case 'release':
            holds.pop()?.()
            break
          case 'pass':
            clock.advance(each.ms)
        }
        expect(near.link.accepted - near.link.unflushed).toBe(far.sink.byteLength)
      }
      for (const release of holds) release()
      clock.advance(latency)
      expect(Buffer.from(far.sink.bytes).equals(Buffer.concat(sent))).toBe(true)
      expect(near.link.unflushed).toBe(0)
    },
  )
})
