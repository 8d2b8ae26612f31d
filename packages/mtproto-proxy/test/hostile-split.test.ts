import { end, type Link } from '@holdfast/core'
import { memoryNetwork, RecordingSink, testEnv } from '@holdfast/core/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { noMetrics } from '../src/metrics/no-metrics.js'
import { backSide } from '../src/split/back-side.js'
import { SplitDecoder } from '../src/split/decoder.js'
import { frontSide } from '../src/split/front-side.js'
import { encodeSplitMessage, type SplitMessage, splitVersion } from '../src/split/messages.js'
import type { TunnelRequest } from '../src/tunnel.js'
import { maxPacketBytes } from '../src/wire/packet-decoder.js'
import { NotedCenters, NotedClient } from './support/noted-centers.js'

const at = { uri: 'memory:back' }
const request: TunnelRequest = {
  dcId: 2,
  ip: new Uint8Array(16),
  port: 4711,
  adTag: null,
  format: 'padded',
  listener: 'main',
}
const newcomer = { listener: 'main', secret: 'ann', ip: '192.0.2.1', sni: null, replayKey: null }
const hello: SplitMessage = { kind: 'hello', version: splitVersion, node: 'peer' }
const open = (handle: number, listener = 'main'): SplitMessage => ({
  kind: 'open',
  handle,
  request: { ...request, listener },
})
const packet = (handle: number, bytes: number): SplitMessage => ({
  kind: 'packet',
  handle,
  quickAck: false,
  payload: Buffer.alloc(bytes, 1),
})
const garbage = (hex: string): Uint8Array => Buffer.from(hex, 'hex')

const disposables: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of disposables.splice(0)) await each[Symbol.asyncDispose]()
})

function network() {
  const env = testEnv()
  return { env, network: memoryNetwork(env.clock, { latency: 1 }) }
}

type Said = SplitMessage | Uint8Array

function say(link: Link, all: readonly Said[]): void {
  for (const each of all) link.write(each instanceof Uint8Array ? each : encodeSplitMessage(each))
}

function heard({ bytes }: RecordingSink): SplitMessage[] {
  const decoder = new SplitDecoder()
  decoder.push(bytes)
  const all: SplitMessage[] = []
  for (let next = decoder.next(); next !== null; next = decoder.next()) all.push(next)
  return all
}

/** A back with a front that behaves, and another that the test plays. */
async function backWithFronts(o: { maxPerFront?: number } = {}) {
  const { env, network: net } = network()
  const centers = new NotedCenters()
  const back = await backSide({
    env,
    acceptor: net,
    at,
    node: 'b',
    dataCenters: centers,
    gatekeeper: null,
    ...o,
  })
  const front = frontSide({ env, dialer: net, back: at, node: 'f', metrics: noMetrics, mayFront: () => true })
  disposables.push(back, front)
  env.clock.advance(20)
  const good = new NotedClient()
  const tunnel = front.dataCenters.open(request, good)
  if ('refused' in tunnel) throw new Error(tunnel.refused)
  env.clock.advance(20)
  const [far] = centers.tunnels
  const sink = new RecordingSink()
  const link = net.dial(at, sink)
  env.clock.advance(20)
  return {
    centers,
    back,
    sink,
    says: (...all: Said[]) => {
      say(link, all)
      env.clock.advance(20)
    },
    /** Whether the client of the other front still gets through. */
    isUnharmed: () => {
      const before = far?.told.length ?? 0
      tunnel.send(Buffer.from('ping'), { quickAck: false })
      env.clock.advance(20)
      return far?.told[before] === 'ping' && good.told.length === 0
    },
  }
}

describe('10 a front that breaks the protocol', () => {
  it.each<[string, Said[]]>([
    ['begins with garbage', [garbage('485454502f312e31')]],
    ['announces a giant greeting', [garbage('00ffffff01')]],
    ['announces a giant frame', [hello, garbage('ffffffff')]],
    ['does not greet', [open(1)]],
    ['speaks another version', [{ kind: 'hello', version: splitVersion + 1, node: 'x' }]],
    ['greets twice', [hello, hello]],
    ['answers as a back does', [hello, { kind: 'sent', handle: 1 }]],
    ['opens a tunnel twice', [hello, open(1), open(1)]],
    ['asks who may come in where it decides itself', [hello, { kind: 'admit', handle: 1, newcomer }]],
    ['sends a packet of no length', [hello, open(1), packet(1, 0)]],
    ['sends a packet that Telegram cannot take', [hello, open(1), packet(1, 3)]],
    ['sends a packet longer than clients may', [hello, open(1), packet(1, maxPacketBytes + 4)]],
    [
      'names ever new listeners',
      [hello, ...Array.from({ length: 300 }, (_, number) => open(number, `listener ${number}`))],
    ],
  ])('that %s is cut, its tunnels with it, and no other front is', async (_what, said) => {
    const { says, sink, back, isUnharmed, centers } = await backWithFronts()
    says(...said)
    expect(sink.end).not.toBeNull()
    expect(centers.tunnels.slice(1).every(({ told }) => told.at(-1) === 'close')).toBe(true)
    expect(back.links.size).toBe(1)
    expect(isUnharmed()).toBe(true)
  })

  it('cannot get a packet that Telegram does not take past a tunnel that is held', async () => {
    const { says, sink, centers, isUnharmed } = await backWithFronts()
    says(hello, open(1))
    const release = centers.tunnels[1]?.client.pause()
    says(packet(1, 6))
    release?.()
    expect(sink.end).not.toBeNull()
    expect(centers.tunnels[1]?.told).toEqual(['close'])
    expect(isUnharmed()).toBe(true)
  })

  it('is cut when it sends before the packet before was taken', async () => {
    const { says, sink, centers, isUnharmed } = await backWithFronts()
    says(hello, open(1))
    centers.tunnels[1]?.client.pause()
    says(packet(1, 4), packet(1, 4))
    expect(sink.end).not.toBeNull()
    expect(isUnharmed()).toBe(true)
  })

  it('gets so many tunnels and no more; handles may be of any size', async () => {
    const { says, sink, centers, isUnharmed } = await backWithFronts({ maxPerFront: 10 })
    says(hello, ...Array.from({ length: 1000 }, (_, number) => open(2 ** 48 - 1 - number)))
    expect(centers.tunnels).toHaveLength(11)
    const refused = heard(sink).filter((each) => each.kind === 'closed')
    expect(refused).toHaveLength(990)
    expect(new Set(refused.map(({ why }) => why))).toEqual(new Set(['park-full']))
    expect(isUnharmed()).toBe(true)
  })

  it('may speak of tunnels that there are not', async () => {
    const { says, sink, isUnharmed } = await backWithFronts()
    says(hello, packet(7, 400), { kind: 'delivered', handle: 7, packets: 2 ** 32 - 1, bytes: 1 })
    says(
      { kind: 'close', handle: 7 },
      { kind: 'leave', handle: 7 },
      { kind: 'transferred', handle: 7, bytes: 9 },
    )
    expect(sink.end).toBeNull()
    expect(isUnharmed()).toBe(true)
  })
})

/** A front whose back the test plays. */
async function frontOfPlayedBack() {
  const { env, network: net } = network()
  const links: { link: Link; sink: RecordingSink }[] = []
  const accepting = await net.accept(at, {
    incoming(take) {
      const sink = new RecordingSink()
      links.push({ sink, link: take(sink) })
    },
    failed() {},
  })
  const front = frontSide({
    env,
    dialer: net,
    back: at,
    node: 'f',
    metrics: noMetrics,
    mayFront: () => true,
    grace: 60_000,
  })
  disposables.push({ [Symbol.asyncDispose]: () => accepting.close() }, front)
  const pass = (ms = 20) => env.clock.advance(ms)
  pass()
  return {
    front,
    links,
    pass,
    says: (...all: Said[]) => {
      const latest = links.at(-1)
      if (latest === undefined) throw new Error('no front has come')
      say(latest.link, all)
      pass()
    },
    open: () => {
      const client = new NotedClient()
      const tunnel = front.dataCenters.open(request, client)
      if ('refused' in tunnel) throw new Error(tunnel.refused)
      pass()
      return { client, tunnel }
    },
  }
}

describe('10 a back that breaks the protocol', () => {
  it.each<[string, Said[]]>([
    ['garbage', [garbage('ffffffffff')]],
    ['what only fronts say', [open(1)]],
    ['an unknown verdict', [garbage('000000080f000000000001ff')]],
  ])('by %s is dialed again, and idle clients go on', async (_what, said) => {
    const { says, open: openOne, links, pass } = await frontOfPlayedBack()
    says(hello)
    const { client } = openOne()
    says(...said)
    expect(links[0]?.sink.end).not.toBeNull()
    pass(5_000)
    expect(links.length).toBeGreaterThan(1)
    says(hello)
    expect([client.told, client.holders]).toEqual([[], 0])
  })

  it('may say anything of handles that there are not, and of tunnels that wait for nothing', async () => {
    const { says, open: openOne, links } = await frontOfPlayedBack()
    says(hello)
    const { client } = openOne()
    const kinds = ['sent', 'ready', 'quota-used'] as const
    for (const handle of [1, 2, 2 ** 48 - 1]) says(...kinds.map((kind) => ({ kind, handle }) as const))
    says(
      packet(99, 40),
      { kind: 'hold', handle: 99 },
      { kind: 'closed', handle: 99, why: 'mid-send' },
      { kind: 'quick-ack', handle: 99, confirm: Buffer.alloc(4) },
      { kind: 'verdict', handle: 99, verdict: 'admitted' },
    )
    expect(links[0]?.sink.end).toBeNull()
    expect([client.told, client.holders]).toEqual([[], 0])
  })

  it('that goes away within seven weeks is waited for, and not left at once', async () => {
    const { says, open: openOne, front } = await frontOfPlayedBack()
    says(hello)
    openOne()
    says({ kind: 'goodbye', within: 2 ** 32 - 1 })
    expect(front.pool.state.phase).toBe('open')
  })
})

describe('10 a split link that takes nothing', () => {
  it('has a hundred long packets wait for it with their clients, and is not given up', async () => {
    const { says, open: openOne, links, pass, front } = await frontOfPlayedBack()
    says(hello)
    const clients = Array.from({ length: 100 }, () => openOne())
    const [back] = links
    const resume = back?.link.pause()
    for (const { tunnel } of clients) tunnel.send(Buffer.alloc(maxPacketBytes, 7), { quickAck: false })
    pass()
    expect(clients.map(({ client }) => client.holders)).toEqual(clients.map(() => 1))
    clients[99]?.tunnel.close()
    resume?.()
    pass(500)
    const packets = heard(back?.sink ?? new RecordingSink()).filter((each) => each.kind === 'packet')
    expect(packets.map(({ handle }) => handle)).toEqual(Array.from({ length: 99 }, (_, index) => index + 1))
    expect(front.pool.state.links).toMatchObject([{ bound: 99 }])
  })

  it('closes as mid-send, and never sends again, what waited when it was lost', async () => {
    const { says, open: openOne, links, pass } = await frontOfPlayedBack()
    says(hello)
    const [first, second] = [openOne(), openOne()]
    links[0]?.link.pause()
    for (const { tunnel } of [first, second]) tunnel.send(Buffer.alloc(100_000), { quickAck: false })
    links[0]?.link.destroy(end('reset-by-peer'))
    pass(5_000)
    says(hello)
    expect([first.client.told, second.client.told]).toEqual([['closed: mid-send'], ['closed: mid-send']])
    expect(heard(links.at(-1)?.sink ?? new RecordingSink()).map(({ kind }) => kind)).toEqual(['hello'])
  })
})
