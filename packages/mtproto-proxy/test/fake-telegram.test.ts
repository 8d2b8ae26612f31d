import { describe, expect, it } from 'vitest'
import {
  confirmationOf,
  type FakeConnection,
  type FakeTelegramOptions,
  fakeTelegram,
} from '../src/testing/index.js'
import { parseIp } from '../src/wire/ip-address.js'
import { parseProxyConfig } from '../src/wire/proxy-config.js'
import { encodeCloseConn, encodePing, encodePong, requestFlags } from '../src/wire/rpc.js'
import { MiddleClient } from './support/middle-client.js'

/** A Telegram with one data centre, and a proxy's connection to it. */
async function connected(options: FakeTelegramOptions = {}) {
  const telegram = await fakeTelegram({ dcIds: [2], ...options })
  const dc = telegram.dc(2)
  const client = await MiddleClient.to(dc.ipv4, telegram.proxySecret)
  await telegram.until(() => dc.ready.length === 1)
  const [connection] = dc.ready as [FakeConnection]
  return {
    ...{ telegram, dc, client, connection },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await telegram[Symbol.asyncDispose]()
    },
  }
}

describe('the embedded Telegram', () => {
  it('4: tells its secret, its addresses over both families and our own address over HTTP', async () => {
    await using telegram = await fakeTelegram({ dcIds: [1, -1, 203], defaultDc: 1 })
    const { secret, config, configV6, externalIp } = telegram.site.urls
    const get = async (url: string): Promise<Buffer> => Buffer.from(await (await fetch(url)).arrayBuffer())
    expect(await get(secret)).toEqual(telegram.proxySecret)
    expect(String(await get(externalIp))).toBe('127.0.0.1\n')
    const v4 = parseProxyConfig(String(await get(config)))
    expect(v4.defaultDc).toBe(1)
    expect([...v4.datacenters]).toEqual([1, -1, 203].map((id) => [id, [telegram.dc(id).ipv4]]))
    const v6 = parseProxyConfig(String(await get(configV6)))
    expect([...v6.datacenters.values()].flat()).toEqual(
      [1, -1, 203].flatMap((id) => telegram.dc(id).ipv6 ?? []),
    )
    telegram.site.status = 503
    expect((await fetch(config)).status).toBe(503)
    expect(telegram.site.requests.map(({ path }) => path)).toContain('/getProxyConfigV6')
  })

  it.each(['ipv4', 'ipv6'] as const)('5.7: takes the handshake over %s, and echoes', async (family) => {
    await using telegram = await fakeTelegram({ dcIds: [2] })
    const address = telegram.dc(2)[family]
    if (address === null) return // a host without IPv6
    await using client = await MiddleClient.to(address, telegram.proxySecret)
    const adTag = Buffer.alloc(16, 'tag!')
    client.request(7n, Buffer.from('12345678'), { adTag })
    client.request(8n, Buffer.alloc(700_000, 'x'))
    await client.until(() => client.messages.length === 2)
    expect(client.answers(7n).map(String)).toEqual(['12345678'])
    expect(client.answers(8n).map((payload) => payload.equals(Buffer.alloc(700_000, 'x')))).toEqual([true])
    expect(telegram.clients).toMatchObject([
      { connId: 7n, address: '192.0.2.9:4242', adTag: adTag.toString('hex'), requests: 1, answered: 1 },
      { connId: 8n, adTag: null, requests: 1, closed: null },
    ])
    expect(telegram.clients[0]?.ourAddress).toBe(telegram.connections[0]?.remote)
  })

  it('lets go of a connection that is reset while its goodbye is under way', async () => {
    await using world = await connected()
    const { telegram, dc, connection } = world
    connection.close('fin')
    connection.close('rst')
    await telegram.until(() => dc.connections.length === 0)
    expect(connection.phase).toBe('closed')
  })

  it('5.2 to 5.4: refuses another secret, another address, and whatever it is told to refuse', async () => {
    await using telegram = await fakeTelegram({ dcIds: [2] })
    const at = telegram.dc(2).ipv4
    const problem = async (secret: Uint8Array, more = {}): Promise<string | undefined> => {
      await using client = await MiddleClient.to(at, secret, more)
      return client.error !== null && 'problem' in client.error ? client.error.problem : undefined
    }
    expect(await problem(Buffer.alloc(128))).toBe('nonce-rejected')
    const elsewhere = { client: { ip: parseIp('192.0.2.77') ?? Buffer.alloc(16), port: 1 } }
    expect(await problem(telegram.proxySecret, elsewhere)).toBe('keys')
    telegram.rules.clockAheadSeconds = 60
    expect(await problem(telegram.proxySecret)).toBe('clock')
    telegram.rules.clockAheadSeconds = 0
    telegram.rules.handshakeError = -3
    expect(await problem(telegram.proxySecret)).toBe('refused')
    telegram.rules.handshakeError = null
    telegram.rules.noncePadding = 1
    telegram.rules.crc32c = true
    expect(await problem(telegram.proxySecret, { crc32c: true })).toBeUndefined()
    telegram.dc(2).rules.newcomers = 'refuse'
    await using refused = await MiddleClient.to(at, telegram.proxySecret)
    expect(refused.ending).toBe('rst')
  })

  it('5.5: answers pings, asks for pongs, and hears of clients that are gone', async () => {
    await using world = await connected()
    const { client, connection, telegram } = world
    client.write(encodePing(77n))
    connection.ping(88n)
    connection.unknown()
    client.request(7n, Buffer.alloc(8, 1))
    await client.until(() => client.messages.length === 4)
    expect(client.messages.map(({ kind }) => kind).sort()).toEqual(['answer', 'ping', 'pong', 'unknown'])
    client.write(encodePong(88n))
    client.write(encodeCloseConn(7n))
    client.write(encodeCloseConn(9n))
    await telegram.until(
      () => connection.clients.get(7n)?.closed === 'by-proxy' && connection.pongs.length === 1,
    )
    expect([connection.pings, connection.pongs]).toEqual([[77n], [88n]])
    expect(telegram.stats).toMatchObject({ clients: 1, requests: 1, answered: 1, closeConns: 1, lost: 0 })
  })

  it('5.5: ends a client, and sends what nobody asked for', async () => {
    await using world = await connected()
    const { client, connection } = world
    client.request(7n, Buffer.alloc(8, 1))
    await client.until(() => client.messages.length === 1)
    connection.push(7n, Buffer.alloc(4, 2), 0x10)
    connection.closeExt(7n)
    await client.until(() => client.messages.length === 3)
    expect(client.messages.slice(1)).toEqual([
      { kind: 'answer', connId: 7n, flags: 0x10, payload: Buffer.alloc(4, 2) },
      { kind: 'close', connId: 7n },
    ])
    expect(connection.clients.get(7n)).toMatchObject({ closed: 'by-telegram', closeConns: 0 })
  })

  it('3.3: confirms packets that ask for it, before it answers', async () => {
    await using world = await connected()
    const { client, telegram } = world
    const payload = Buffer.alloc(12, 3)
    client.request(7n, payload, { quickAck: true })
    await client.until(() => client.messages.length === 2)
    const confirm = confirmationOf(payload)
    expect(client.messages[0]).toEqual({ kind: 'simple-ack', connId: 7n, confirm })
    expect(confirm.readUInt32LE() >= 0x8000_0000).toBe(true)
    expect(((telegram.clients[0]?.flags ?? 0) & requestFlags.quickAck) !== 0).toBe(true)
    telegram.rules.quickAcks = false
    client.request(7n, payload, { quickAck: true })
    await client.until(() => client.messages.length === 3)
    expect(client.messages[2]?.kind).toBe('answer')
  })

  it('5.7: stalls, and counts the answers that are lost with a connection', async () => {
    await using world = await connected()
    const { client, connection, telegram } = world
    telegram.rules.answerDelay = 5
    client.request(7n, Buffer.alloc(8, 1))
    await telegram.until(() => telegram.stats.requests === 1)
    connection.stall()
    expect([connection.inFlight, telegram.stats.lost]).toEqual([1, 0])
    connection.resume()
    await client.until(() => client.messages.length === 1)
    telegram.rules.answerDelay = 60_000
    client.request(7n, Buffer.alloc(8, 2))
    await telegram.until(() => telegram.stats.requests === 2)
    connection.close('rst')
    await client.until(() => client.isClosed)
    expect(client.ending).toBe('rst')
    await telegram.until(() => telegram.connections.length === 0)
    expect(telegram.stats).toMatchObject({ requests: 2, answered: 1, lost: 1, late: 0, connections: 1 })
    expect(connection.clients.get(7n)?.closed).toBe('with-connection')
  })

  it('9.1: closes by FIN after its answers, and counts what comes too late', async () => {
    await using world = await connected()
    const { client, connection, telegram } = world
    client.request(7n, Buffer.alloc(8, 1))
    await telegram.until(() => telegram.stats.answered === 1)
    connection.close()
    client.request(7n, Buffer.alloc(8, 2))
    await client.until(() => client.isClosed)
    expect([client.ending, client.messages.length]).toEqual(['fin', 1])
    await telegram.until(() => telegram.stats.late === 1)
  })

  it('9.1: rotates connections one by one, each when the one before was replaced', async () => {
    await using telegram = await fakeTelegram({ dcIds: [2] })
    const dc = telegram.dc(2)
    const clients: MiddleClient[] = []
    let most = 0
    const dial = async (): Promise<void> => {
      const client = await MiddleClient.to(dc.ipv4, telegram.proxySecret)
      clients.push(client)
      most = Math.max(most, clients.filter(({ isClosed }) => !isClosed).length)
      await client.until(() => client.isClosed)
      if (telegram.stats.connections < 6) await dial()
    }
    const dialing = [dial(), dial(), dial()]
    await telegram.until(() => dc.ready.length === 3)
    const before = [...dc.ready]
    telegram.rules.handshakeDelay = 5
    await telegram.rotate({ by: 'rst' })
    expect(before.map(({ phase }) => phase)).toEqual(['closed', 'closed', 'closed'])
    expect([dc.ready.length, telegram.stats.connections, most]).toEqual([3, 6, 3])
    telegram.closeAll()
    await Promise.all(dialing)
  })

  it('14.14: breaks the protocol in each way that a proxy has to notice', async () => {
    for (const what of ['checksum', 'sequence', 'length', 'garbage'] as const) {
      await using world = await connected()
      world.connection.ping(1n)
      world.connection.damage(what)
      await world.client.until(() => world.client.isClosed)
      expect(world.client.error).toMatchObject({ problem: what === 'garbage' ? 'length' : what })
    }
  })

  it('6.5: sends as much as the proxy takes, and waits when it takes no more', async () => {
    await using world = await connected()
    const { client, connection } = world
    client.request(7n, Buffer.alloc(8, 1))
    await client.until(() => client.messages.length === 1)
    client.socket.pause()
    let isOver = false
    const blast = connection.blast(7n, 400, 100_000).then((sent) => {
      isOver = true
      return sent
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isOver).toBe(false)
    client.socket.resume()
    expect(await blast).toBe(400)
    await client.until(() => client.messages.length === 401)
    expect(
      client
        .answers(7n)
        .slice(1)
        .map((payload) => payload.readUInt32LE(0)),
    ).toEqual(Array.from({ length: 400 }, (_, index) => index))
  })

  it('5.7: gives up on a proxy that breaks the protocol, and says why', async () => {
    await using world = await connected()
    world.client.socket.write(Buffer.alloc(64, 9))
    await world.client.until(() => world.client.isClosed)
    expect(world.connection.problem).toMatch(/frame/)
  })
})
