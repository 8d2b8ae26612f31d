import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Link } from '../src/index.js'
import { tcp } from '../src/node/index.js'
import { ChaosProxy, type ChaosProxyOptions, RecordingSink } from '../src/testing/index.js'
import { acceptAll, done } from './node-helpers.js'

/** A server behind a proxy, and a client that dials it through the proxy. */
async function setUp(rules: Partial<ChaosProxyOptions> = {}) {
  const server = await acceptAll(tcp(), { uri: 'tcp://127.0.0.1:0' })
  const to = Number(new URL(server.endpoint.uri).port)
  const proxy = await ChaosProxy.start({ to, ...rules })
  const clients: Link[] = []
  return {
    server,
    proxy,
    dial() {
      const sink = new RecordingSink()
      const link = tcp().dial({ uri: `tcp://127.0.0.1:${proxy.port}` }, sink)
      clients.push(link)
      return { link, sink }
    },
    async [Symbol.asyncDispose]() {
      for (const link of clients) link.destroy(done)
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const arrived = (sink: RecordingSink, bytes: number): Promise<void> =>
  sink.until(() => sink.byteLength >= bytes)

describe('a chaos proxy', () => {
  it('without rules passes everything, both ways', async () => {
    await using t = await setUp()
    const near = t.dial()
    await near.sink.until('opened')
    const far = await t.server.next()
    await far.sink.until('opened')
    const megabyte = randomBytes(1_048_576)
    near.link.write(megabyte)
    far.link.write(megabyte)
    await Promise.all([arrived(near.sink, megabyte.length), arrived(far.sink, megabyte.length)])
    expect(
      Buffer.from(near.sink.bytes).equals(megabyte) && Buffer.from(far.sink.bytes).equals(megabyte),
    ).toBe(true)
    expect(t.proxy.connections).toBe(1)
  })

  it('passes on a graceful end after the last bytes', async () => {
    await using t = await setUp({ latency: 5, slices: 100 })
    const near = t.dial()
    await near.sink.until('opened')
    const far = await t.server.next()
    near.link.write('x'.repeat(5000))
    near.link.end(done)
    await far.sink.until('ended')
    expect([far.sink.byteLength, far.sink.end?.kind]).toEqual([5000, 'closed-by-peer'])
  })

  it('holds back by its latency and bandwidth, and keeps the order whatever the jitter', async () => {
    await using t = await setUp({ latency: 20, jitter: 20, bandwidth: 50_000, slices: 500 })
    const near = t.dial()
    await near.sink.until('opened')
    const far = await t.server.next()
    const sent = randomBytes(5000)
    const began = performance.now()
    near.link.write(sent)
    await arrived(far.sink, sent.length)
    // 20 ms on the way, and 100 ms of line.
    expect(performance.now() - began).toBeGreaterThanOrEqual(115)
    expect(Buffer.from(far.sink.bytes).equals(sent)).toBe(true)
  })

  it('resets both sides', async () => {
    await using t = await setUp()
    const near = t.dial()
    await near.sink.until('opened')
    const far = await t.server.next()
    await far.sink.until('opened')
    t.proxy.reset()
    await Promise.all([near.sink.until('ended'), far.sink.until('ended')])
    expect([near.sink.end?.kind, far.sink.end?.kind]).toEqual(['reset-by-peer', 'reset-by-peer'])
  })

  it('says FIN to both sides', async () => {
    await using t = await setUp()
    const near = t.dial()
    await near.sink.until('opened')
    const far = await t.server.next()
    await far.sink.until('opened')
    t.proxy.finish()
    await Promise.all([near.sink.until('ended'), far.sink.until('ended')])
    expect([near.sink.end?.kind, far.sink.end?.kind]).toEqual(['closed-by-peer', 'closed-by-peer'])
  })

  it('half-opens: nothing passes and nobody is told, until it thaws', async () => {
    await using t = await setUp()
    const [near, other] = [t.dial(), t.dial()]
    await Promise.all([near.sink.until('opened'), other.sink.until('opened')])
    const far = await t.server.next()
    await (await t.server.next()).sink.until('opened')
    t.proxy.freeze()
    near.link.write('into the cold')
    // Another connection's round trip is time enough for what would have arrived.
    const third = t.dial()
    await third.sink.until('opened')
    const thirdFar = await t.server.next()
    third.link.write('warm')
    await arrived(thirdFar.sink, 4)
    expect([far.sink.byteLength, far.sink.end, near.sink.end]).toEqual([0, null, null])
    t.proxy.thaw()
    await Promise.race(t.server.links.map(({ sink }) => arrived(sink, 13)))
  })

  it.each(['fin', 'rst'] as const)('closes by %s after exactly so many bytes', async (closeBy) => {
    await using t = await setUp({ closeAfter: 1000, closeBy, slices: 7 })
    const near = t.dial()
    await near.sink.until('opened')
    const far = await t.server.next()
    near.link.write('x'.repeat(5000))
    await Promise.all([near.sink.until('ended'), far.sink.until('ended')])
    expect(far.sink.byteLength).toBeLessThanOrEqual(1000)
    if (closeBy === 'fin') expect([far.sink.byteLength, far.sink.end?.kind]).toEqual([1000, 'closed-by-peer'])
    else expect(near.sink.end?.kind).toBe('reset-by-peer')
  })

  it('refuses newcomers', async () => {
    await using t = await setUp({ newcomers: 'refuse' })
    const near = t.dial()
    await near.sink.until('ended')
    expect(t.server.links).toEqual([])
    expect(t.proxy.connections).toBe(0)
  })

  it('swallows newcomers as a black hole does, and forwards those after', async () => {
    await using t = await setUp({ newcomers: 'black-hole' })
    const near = t.dial()
    await near.sink.until('opened')
    near.link.write('anybody?')
    t.proxy.rules.newcomers = 'forward'
    const second = t.dial()
    second.link.pause()()
    await second.sink.until('opened')
    await (await t.server.next()).sink.until('opened')
    expect([near.sink.end, t.server.links.length, t.proxy.connections]).toEqual([null, 1, 2])
    t.proxy.finish()
    await near.sink.until('ended')
    expect(near.sink.end?.kind).toBe('closed-by-peer')
  })

  it('holds no more than its share of what a frozen sender sends', async () => {
    await using t = await setUp()
    const near = t.dial()
    await near.sink.until('opened')
    await (await t.server.next()).sink.until('opened')
    t.proxy.freeze()
    near.link.write(Buffer.alloc(32 * 1_048_576))
    await using other = await setUp()
    const far = other.dial()
    await far.sink.until('opened')
    expect(near.link.unflushed).toBeGreaterThan(0)
  })

  it('resets its clients when the target is gone, and is disposed of twice without harm', async () => {
    await using t = await setUp()
    await t.server.close()
    const near = t.dial()
    await near.sink.until('ended')
    expect(near.sink.end?.kind).toBe('reset-by-peer')
    await t.proxy[Symbol.asyncDispose]()
    await t.proxy[Symbol.asyncDispose]()
    expect(t.proxy.connections).toBe(0)
  })
})
