import { connect, type Socket } from 'node:net'
import { silentLog, systemClock, systemEnv } from '@holdfast/core'
import { describe, expect, it, vi } from 'vitest'
import { encodeTlsRecords } from '../src/wire/tls-records.js'
import { numbered, RunningProxy, secret } from './support/running-proxy.js'

const domain = Buffer.from('www.example.com').toString('hex')
const ee = `ee${secret}${domain}`

async function socketTo(running: RunningProxy, bytes: Buffer): Promise<Socket> {
  const socket = connect(running.port, '127.0.0.1').on('error', () => undefined)
  socket.resume()
  await new Promise((resolve) => socket.write(bytes, resolve))
  return socket
}

/** What a client of this secret begins with, fresh each time. */
async function opening(running: RunningProxy, of: string): Promise<Buffer> {
  const client = running.client({ secret: of, port: await deafPort() })
  await client.until(() => client.openingBytes.length > 0)
  return Buffer.concat(client.openingBytes)
}

let deaf: RunningProxy | null = null
/** A place where clients begin, and are not heard. */
async function deafPort(): Promise<number> {
  deaf ??= await RunningProxy.start()
  return deaf.port
}

const limits = {
  policy: [
    { rule: 'max_connections', keys: ['port_name', 'client_ipv4'], max: 8 },
    { rule: 'max_connections', keys: ['tls_domain'], max: 4 },
  ],
  bad_client: 'close',
  init_timeout_sec: 1,
}

describe('7 what a policy counts', () => {
  it('is nothing once everybody is gone, however they went', async () => {
    await using running = await RunningProxy.start({ config: limits })
    const { gatekeeper } = running
    const empty = () => gatekeeper.size === 0 && gatekeeper.counts().size === 0
    const inside = (count: number) => vi.waitUntil(() => gatekeeper.size === count, { timeout: 20_000 })

    // Fake-TLS: gone after the hello, gone silent after it, garbage instead of the header, garbage instead of a record.
    const after = [
      Buffer.alloc(0),
      Buffer.alloc(0),
      encodeTlsRecords(Buffer.alloc(64, 1)),
      Buffer.from('99030300ff'),
    ]
    const sockets: Socket[] = []
    for (const bytes of after) {
      const socket = await socketTo(running, await opening(running, ee))
      sockets.push(socket)
      await vi.waitUntil(() => socket.bytesRead > 0, { timeout: 20_000 })
      if (bytes.length > 0) socket.write(bytes)
    }
    sockets[0]?.resetAndDestroy()
    await vi.waitUntil(empty, { timeout: 20_000 })

    // In the tunnel: FIN, RST, a packet that is too long, RPC_CLOSE_EXT; and one too many.
    const clients = Array.from({ length: 4 }, () => running.client({ secret: ee }))
    for (const client of clients) await client.ask(numbered(1))
    const refused = running.client({ secret: ee })
    await refused.until(() => refused.phase === 'closed')
    await inside(4)
    await clients[0]?.close('fin')
    await clients[1]?.close('rst')
    await clients[2]?.send(Buffer.alloc(2 ** 20))
    for (const connection of running.telegram.connections) {
      for (const [connId, { closed }] of connection.clients) if (closed === null) connection.closeExt(connId)
    }
    await vi.waitUntil(empty, { timeout: 20_000 })
    expect(gatekeeper.secrets().map(({ connections }) => connections)).toEqual([0])
    expect(await running.client({ secret: ee }).ask(numbered(2))).toEqual(numbered(2))
  })

  it('is nothing after a drain with clients that take nothing', async () => {
    await using running = await RunningProxy.start({ config: limits })
    const clients = [running.client(), running.client({ secret: ee })]
    for (const client of clients) await client.ask(numbered(1))
    for (const client of clients) client.pause()
    const [connection] = running.telegram.connections.filter(({ clients: all }) => all.size > 0)
    for (const connId of connection?.clients.keys() ?? []) void connection?.blast(connId, 100, 100_000)
    const { took } = await running.proxy.drain({ within: 500 })
    expect(took).toBeLessThan(3000)
    expect(running.gatekeeper.counts().size).toBe(0)
    await running.telegram.until(() => running.telegram.connections.length === 0)
  })
})

describe('3.4 a clock that is set', () => {
  it('forward or back by hours moves no client that is inside, and decides about hellos', async () => {
    const clock = systemClock()
    let ahead = 0
    const env = systemEnv({
      name: 'proxy',
      log: silentLog,
      clock: { ...clock, wall: () => clock.wall() + ahead },
    })
    await using running = await RunningProxy.start({ env, config: { bad_client: 'close' } })
    const client = running.client({ secret: ee })
    await client.ask(numbered(1))
    for (const hours of [5, -5]) {
      ahead = hours * 3_600_000
      expect(await client.ask(numbered(2))).toEqual(numbered(2))
      const late = running.client({ secret: ee })
      await late.until(() => late.phase === 'closed')
      const right = running.client({ secret: ee, clockAheadSeconds: hours * 3600 })
      expect(await right.ask(numbered(3))).toEqual(numbered(3))
    }
  })
})

describe('6.1 a data centre that cannot be reached', () => {
  it.each(['refuse', 'black-hole'] as const)(
    'as its addresses %s: its clients are closed in time, and those of others are served',
    async (newcomers) => {
      await using running = await RunningProxy.start({
        telegram: { dcIds: [2, 4] },
        config: { migration: { wait_ready_ms: 300 } },
      })
      const { telegram } = running
      telegram.dc(4).rules.newcomers = newcomers
      telegram.dc(4).closeAll('rst')
      const stuck = Array.from({ length: 50 }, () => running.client({ dcId: 4 }))
      for (const client of stuck) void client.send(numbered(1))
      expect(await running.client({ dcId: 2 }).ask(numbered(2))).toEqual(numbered(2))
      await Promise.all(stuck.map((client) => client.until(() => client.phase === 'closed')))
      expect(running.gatekeeper.size).toBe(1)
    },
  )
})
