import { describe, expect, it } from 'vitest'
import { relaySchema, serveSchema } from '../src/cli/config.js'
import { serve } from './support/served.js'
import { vectors } from './vectors/vectors.js'

interface Timing {
  readonly measured: Readonly<Record<string, readonly (readonly [number | string, string, string?])[]>>
}

describe('a server of the command line', () => {
  it('H1: listens on loopback unless it is told otherwise', () => {
    expect(serveSchema.parse({ data: 'log' }).listen).toBe('tcp://127.0.0.1:9092')
    expect(relaySchema.parse({ data: 'log', upstream: 'main:9092' }).listen).toBe('tcp://127.0.0.1:9092')
  })
})

describe('what a real server was measured to do in time', () => {
  const { measured } = vectors('timing') as Timing

  it('H6: we speak at least as often, and give up within its ticks', async () => {
    await using it = await serve()
    const silent = await it.connect()
    const once = await it.connect()
    once.send('PING 1')
    const before = silent.lines.length
    await it.settle(60_000)
    const theirs = measured['clientNeverPings']?.filter(([, side]) => side === '>').length ?? Infinity
    expect(silent.lines.length - before).toBeGreaterThanOrEqual(theirs)
    expect(silent.ended).toBeNull()
    expect(once.ended).not.toBeNull()
    expect(measured['clientPingsOnceAtStart']?.at(-1)?.[1]).toBe('closed')
  })
})

describe('a server with many clients', () => {
  it('makes a row into JSON as often as for none', async () => {
    await using it = await serve()
    let made = 0
    const row = { toJSON: () => ['row', (made += 1)] }
    it.source.append('events', [row])
    const forNone = made
    const clients = await Promise.all(Array.from({ length: 10 }, () => it.connect()))
    for (const client of clients) client.send('REPLICATE events NOW')
    await it.settle()
    it.source.append('events', [row])
    await it.settle()
    for (const client of clients) expect(client.lines.at(-1)).toMatch(/^RDATA events 2 \["row",\d+\]$/)
    expect(made).toBe(2 * forNone)
  })
})

describe('a server and its lines', () => {
  it('W6, W7.1: SERVER comes first, then a PING, and nothing before it is asked for', async () => {
    await using it = await serve()
    const client = await it.connect()
    it.source.append('events', [['a']])
    await it.settle(4000)
    expect(client.lines).toEqual(['SERVER test.example', expect.stringMatching(/^PING \d+$/)])
  })

  it('S4.1: an ERROR of a client ends nothing', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.send('ERROR something', 'REPLICATE events NOW')
    await it.settle()
    expect(client.take()).toEqual(['POSITION events 0'])
  })

  it('S5.1: lines after the one that ends the connection are dropped', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.send('NONSENSE', 'REPLICATE events NOW', 'FEDERATION_ACK 1')
    await it.settle()
    expect(client.take()).toEqual(['ERROR invalid command: NONSENSE'])
    expect(it.server.stats.inboundCommands.size).toBe(0)
  })

  it('H5.3: what is said before closing waits only so long for a client that does not read', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.link.pause()
    client.send('NONSENSE')
    await it.settle(4900)
    expect(it.server.state.links).toBe(1)
    await it.settle(200)
    expect(it.server.state.links).toBe(0)
  })

  it('S7.8: a connection has a random id of five letters, beside its name', async () => {
    await using it = await serve()
    const clients = await Promise.all([it.connect(), it.connect()])
    clients[0].send('NAME first')
    await it.settle()
    const [first, second] = it.server.connections()
    expect([first?.name, second?.name]).toEqual(['first', 'anon'])
    expect(first?.connectionId).toMatch(/^[A-Za-z]{5}$/)
    expect(first?.connectionId).not.toBe(second?.connectionId)
  })
})
