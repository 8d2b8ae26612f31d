import { describe, expect, it } from 'vitest'
import {
  confirmationOf,
  decoySite,
  type FakeTelegram,
  fakeTelegram,
  testClient,
} from '../src/testing/index.js'
import { Relay } from './support/relay.js'

const key = '00112233445566778899aabbccddeeff'
const secrets = [
  ['abridged', key, 'abridged'],
  ['intermediate', key, 'intermediate'],
  ['dd', `dd${key}`, undefined],
  ['fake-TLS', `ee${key}${Buffer.from('example.com').toString('hex')}`, undefined],
] as const

async function relayed(): Promise<AsyncDisposable & { telegram: FakeTelegram; relay: Relay; port: number }> {
  const telegram = await fakeTelegram({ dcIds: [1, 2] })
  const relay = await Relay.start(telegram, Buffer.from(key, 'hex'))
  return {
    ...{ telegram, relay, port: relay.port },
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]()
      await telegram[Symbol.asyncDispose]()
    },
  }
}

describe('the test client', () => {
  it.each(secrets)('14.1: echoes packets through %s, in order', async (_name, secret, format) => {
    await using world = await relayed()
    const { port, telegram } = world
    await using client = testClient({ port, secret, dcId: 1, ...(format && { format }) })
    const sent = [8, 508, 40, 100_000, 4].map((size, index) => Buffer.alloc(size, index + 1))
    for (const packet of sent) void client.send(packet)
    await client.until(() => client.packets.length === sent.length)
    expect(client.packets.map((packet, index) => packet.equals(sent[index] ?? Buffer.alloc(0)))).toEqual(
      Array(5).fill(true),
    )
    expect(telegram.dc(1).clients).toHaveLength(1)
    expect((await client.next())?.length).toBe(8)
    expect(client.bytesSent).toBeGreaterThan(100_600)
    await client.close()
    await telegram.until(() => telegram.stats.closeConns === 1)
  })

  it.each(secrets)('3.3: gets quick acks through %s', async (_name, secret, format) => {
    await using world = await relayed()
    await using client = testClient({ port: world.port, secret, ...(format && { format }) })
    const packet = Buffer.alloc(16, 'q')
    await client.send(packet, { quickAck: true })
    await client.until(() => client.packets.length === 1)
    expect(client.quickAcks).toEqual([confirmationOf(packet)])
  })

  it('14.2: may send its header along with the first packet', async () => {
    await using world = await relayed()
    await using client = testClient({ port: world.port, secret: `dd${key}`, headerWithPacket: true })
    await client.until(() => client.phase === 'ready')
    expect(client.bytesSent).toBe(0)
    expect(await client.ask(Buffer.alloc(8, 1))).toEqual(Buffer.alloc(8, 1))
    expect(await client.ask(Buffer.alloc(8, 2))).toEqual(Buffer.alloc(8, 2))
    expect(client.openingBytes.map(({ length }) => length)).toEqual([64])
  })

  it('14.4: a client that draws the same sends the same', async () => {
    await using world = await relayed()
    const random = (size: number): Uint8Array => Buffer.alloc(size, 0x5a)
    const opening = async (): Promise<Buffer> => {
      await using client = testClient({ port: world.port, secret: `dd${key}`, random })
      await client.until(() => client.phase === 'ready')
      return Buffer.concat(client.openingBytes)
    }
    expect(await opening()).toEqual(await opening())
  })

  it('3.6: tells how it was refused, and how the connection ended', async () => {
    await using world = await relayed()
    const wrong = 'ee'.padEnd(34, '0') + Buffer.from('example.com').toString('hex')
    for (const secret of ['0'.repeat(32), wrong]) {
      await using client = testClient({ port: world.port, secret })
      await client.until(() => client.phase === 'closed')
      expect([client.ended, await client.ask(Buffer.alloc(4, 1))]).toEqual(['fin', null])
    }
    expect(world.relay.seen.map((effect) => 'reason' in effect && effect.reason)).toEqual([
      'unknown_protocol',
      'tls_invalid_digest',
    ])
  })

  it('9: tells FIN from RST, and goes away by either', async () => {
    await using world = await relayed()
    const { telegram, port } = world
    await using client = testClient({ port, secret: key })
    await client.ask(Buffer.alloc(4, 1))
    telegram.dc(2).ready[0]?.closeExt(1n)
    await client.until(() => client.phase === 'closed')
    expect(client.ended).toBe('fin')
    await using site = await decoySite()
    await using reset = testClient({ port: site.port, secret: key })
    await site.until(() => (site.connections[0]?.received.length ?? 0) === 64)
    site.connections[0]?.reset()
    await reset.until(() => reset.phase === 'closed')
    expect(reset.ended).toBe('rst')
    await using other = testClient({ port, secret: key })
    await other.ask(Buffer.alloc(4, 1))
    await other.close('rst')
    expect(other.phase).toBe('closed')
  })

  it('6.6: is slow when told, and loses nothing', async () => {
    await using world = await relayed()
    await using client = testClient({ port: world.port, secret: `dd${key}` })
    await client.ask(Buffer.alloc(4, 1))
    client.pause()
    const blast = world.telegram.dc(2).ready[0]?.blast(1n, 100, 50_000)
    client.resume()
    expect(await blast).toBe(100)
    await client.until(() => client.packets.length === 101)
  })
})
