import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { numbered, RunningProxy, secret } from './support/running-proxy.js'

const domain = Buffer.from('www.example.com').toString('hex')
const serverError = Buffer.from('6cfeffff', 'hex')

function connectionOf(running: RunningProxy) {
  const found = running.telegram.connections.find(({ clients }) => clients.size > 0)
  if (found === undefined) throw new Error('no client has reached Telegram')
  return found
}

describe('3.7 the error -404 of Telegram', () => {
  it('14.5 is kept from a client as its first packet, and only then', async () => {
    await using running = await RunningProxy.start({
      telegram: { answers: () => [serverError, serverError] },
    })
    const client = running.client()
    await client.send(numbered(1))
    expect(await client.next()).toEqual(serverError)
    expect(client.packets).toHaveLength(1)
    expect(await running.metric('protocol_error_total', { reason: 'srv_error_filtered' })).toBe(1)
  })

  it('is always kept from clients, or never, if the option says so', async () => {
    for (const [filter, expected] of [
      ['on', 0],
      ['off', 2],
    ] as const) {
      await using running = await RunningProxy.start({
        telegram: { answers: (payload) => [serverError, serverError, payload] },
        config: { replay_check_server_error_filter: filter },
      })
      const client = running.client()
      await client.send(numbered(1))
      await client.until(() => client.packets.some((packet) => packet.length > 4))
      expect(client.packets.length - 1).toBe(expected)
    }
  })
})

describe('14.10 a client that takes nothing', () => {
  it('stops reading from Telegram, is given up for the others, and they go on', async () => {
    await using running = await RunningProxy.start({
      config: { init_dc_connections: 1, upstream_send_timeout_ms: 500 },
      centers: { credits: { packetsTotal: 100, bytesOfOneClient: 1e9 } },
    })
    const slow = running.client()
    const other = running.client()
    await slow.ask(numbered(1))
    await other.ask(numbered(2))
    slow.pause()
    const connection = connectionOf(running)
    const [connId] = [...connection.clients.keys()]
    void connection.blast(connId!, 1000, 60_000)
    const stopped = () => running.metric('down_backpressure_total', { state: 'count_total' })
    while ((await stopped()) === 0) await new Promise(setImmediate)
    expect(await other.ask(numbered(3))).toEqual(numbered(3))
    expect(await running.metric('down_backpressure_total', { state: 'off' })).toBeGreaterThan(0)
    expect(await running.metric('upstream_send_error_total')).toBe(1)
  })

  it('6.6 is closed by its health check when too much waits for it', async () => {
    await using running = await RunningProxy.start({
      config: { upstream_healthchecks: { qlen: 300, total_mem: 200_000 } },
    })
    const slow = running.client()
    await slow.ask(numbered(1))
    slow.pause()
    const connection = connectionOf(running)
    const [connId] = [...connection.clients.keys()]
    void connection.blast(connId!, 1000, 60_000)
    while ((running.proxy.state.listeners[0]?.links ?? 0) > 0) await new Promise(setImmediate)
    await running.telegram.until(() => running.telegram.stats.closeConns > 0)
    expect(running.telegram.stats.closeConns).toBe(1)
  })
})

describe('a Telegram that does not take what clients send', () => {
  it('6.4 makes clients wait, not the proxy grow; and nothing is lost', async () => {
    await using running = await RunningProxy.start({
      config: { init_dc_connections: 1, upstream_healthchecks: { qlen: 1000, total_mem: 1e8 } },
    })
    const client = running.client()
    await client.ask(numbered(0))
    const connection = connectionOf(running)
    connection.stall()
    const packets = Array.from({ length: 60 }, (_, index) => numbered(index, 400_000))
    const sent = Promise.all(packets.map((packet) => client.send(packet)))
    // 24 MB do not fit anywhere on the way: the proxy stops reading.
    let before = -1
    while (before !== (await running.metric('received_upstream_bytes'))) {
      before = await running.metric('received_upstream_bytes')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(before).toBeLessThan(12_000_000)
    expect(before).toBeGreaterThan(0)
    connection.resume()
    await sent
    for (const packet of packets) expect((await client.next())?.readUInt32LE(8)).toBe(packet.readUInt32LE(8))
  }, 20_000)
})

describe('14.14 on a connection to Telegram', () => {
  it('pings are answered, and what is not known is passed over', async () => {
    await using running = await RunningProxy.start({ config: { init_dc_connections: 1 } })
    const client = running.client()
    await client.ask(numbered(1))
    const connection = connectionOf(running)
    connection.unknown()
    connection.ping(77n)
    await running.telegram.until(() => connection.pongs.length > 0)
    expect(connection.pongs).toEqual([77n])
    expect(await client.ask(numbered(2))).toEqual(numbered(2))
  })

  it.each(['checksum', 'sequence', 'length'] as const)(
    'a wrong %s ends it, and clients move',
    async (what) => {
      await using running = await RunningProxy.start({ centers: { stableAfter: 10 } })
      const client = running.client()
      await client.ask(numbered(1))
      await running.telegram.until(() => running.telegram.dc(2).ready.length === 2)
      const connection = connectionOf(running)
      connection.damage(what)
      await running.telegram.until(() => !running.telegram.connections.includes(connection))
      expect(await client.ask(numbered(2))).toEqual(numbered(2))
    },
  )
})

describe('6.6 silence', () => {
  it('before the header is closed after init_timeout_sec', async () => {
    await using running = await RunningProxy.start({ config: { init_timeout_sec: 0.2 } })
    const socket = connect(running.port, '127.0.0.1')
    await new Promise((resolve) => socket.once('close', resolve).resume())
    expect(await running.metric('inactive_timeout_total')).toBe(1)
    expect(await running.metric('in_connection_closed_total')).toBe(1)
  })

  it('of a client closes it after ready_timeout_sec, past hibernation', async () => {
    await using running = await RunningProxy.start({
      config: { hibernate_timeout_sec: 0.1, ready_timeout_sec: 1.5 },
    })
    const client = running.client()
    await client.ask(numbered(1))
    await client.until(() => client.phase === 'closed')
    expect(await running.metric('inactive_hibernate_total')).toBe(1)
    expect(await running.metric('timer_switch_total', { from: 'hibernate', to: 'stop' })).toBe(1)
    expect(await running.metric('inactive_timeout_total')).toBe(1)
  })
})

describe('3.6 reset_close_socket', () => {
  it.each([
    ['off', 'fin'],
    ['handshake_error', 'rst'],
    ['always', 'rst'],
  ] as const)('%s closes a bad client by %s', async (mode, expected) => {
    await using running = await RunningProxy.start({
      config: { reset_close_socket: mode, bad_client: 'close' },
    })
    const client = running.client({ secret: '00112233445566778899aabbccddeeff' })
    await client.until(() => client.phase === 'closed')
    expect(client.ended).toBe(expected)
  })

  it.each([
    ['handshake_error', 'fin'],
    ['always', 'rst'],
  ] as const)('%s closes a client of ours by %s', async (mode, expected) => {
    await using running = await RunningProxy.start({ config: { reset_close_socket: mode } })
    const client = running.client()
    await client.ask(numbered(1))
    const connection = connectionOf(running)
    connection.closeExt([...connection.clients.keys()][0]!)
    await client.until(() => client.phase === 'closed')
    expect(client.ended).toBe(expected)
  })
})

describe('13 a drain', () => {
  it('closes clients, says RPC_CLOSE_CONN of each, and ends the connections', async () => {
    await using running = await RunningProxy.start()
    const clients = [running.client(), running.client({ secret: `ee${secret}${domain}` })]
    for (const client of clients) await client.ask(numbered(1))
    const report = await running.proxy.drain({ within: 2000 })
    expect(report.timedOut).toBe(false)
    await Promise.all(clients.map((client) => client.until(() => client.phase === 'closed')))
    await running.telegram.until(() => running.telegram.connections.length === 0)
    expect(running.telegram.stats.closeConns).toBe(2)
    expect(running.proxy.state.phase).toBe('closed')
  })

  it('lets packets out that Telegram has not taken yet', async () => {
    await using running = await RunningProxy.start({ config: { init_dc_connections: 1 } })
    const client = running.client()
    await client.ask(numbered(0))
    const connection = connectionOf(running)
    connection.stall()
    const packets = Array.from({ length: 10 }, (_, index) => numbered(index, 400_000))
    void Promise.all(packets.map((packet) => client.send(packet)))
    while (client.bytesSent < 2_000_000) await new Promise(setImmediate)
    const drained = running.proxy.drain({ within: 5000 })
    connection.resume()
    expect((await drained).timedOut).toBe(false)
    expect(running.telegram.stats.closeConns).toBe(1)
  })
})
