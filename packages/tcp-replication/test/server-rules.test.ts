import { describe, expect, it } from 'vitest'
import { serve } from './support/served.js'

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
    clients[0]?.send('NAME first')
    await it.settle()
    const [first, second] = it.server.connections()
    expect([first?.name, second?.name]).toEqual(['first', 'anon'])
    expect(first?.connectionId).toMatch(/^[A-Za-z]{5}$/)
    expect(first?.connectionId).not.toBe(second?.connectionId)
  })
})
