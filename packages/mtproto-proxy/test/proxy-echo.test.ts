import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { TestClient } from '../src/testing/test-client.js'
import { numbered, RunningProxy, secret } from './support/running-proxy.js'

const domain = Buffer.from('www.example.com').toString('hex')
const kinds = [
  ['abridged', { secret, format: 'abridged' }, 'mtp_abridged'],
  ['intermediate', { secret, format: 'intermediate' }, 'mtp_intermediate'],
  ['dd', { secret: `dd${secret}` }, 'mtp_secure'],
  ['fake-TLS', { secret: `ee${secret}${domain}` }, 'mtp_secure_fake_tls'],
] as const

/** Padding of the padded formats cannot be told from payload; what was sent comes first. */
function isEcho(answer: Buffer | null, packet: Buffer): boolean {
  return answer?.subarray(0, packet.length).equals(packet) === true
}

describe.each(kinds)('a client that speaks %s', (_, options, protocol) => {
  it('14.1 gets back what Telegram echoes', async () => {
    await using running = await RunningProxy.start()
    const client = running.client(options)
    const packet = numbered(1)
    expect(isEcho(await client.ask(packet), packet)).toBe(true)
    expect(await running.metric('protocol_ok_total', { protocol })).toBe(1)
  })

  it('14.1 has 15 packets of a burst answered, in order', async () => {
    await using running = await RunningProxy.start()
    const client = running.client(options)
    const packets = Array.from({ length: 15 }, (_, index) => numbered(index, 40 + 4 * index))
    await Promise.all(packets.map((packet) => client.send(packet)))
    const answers = []
    while (answers.length < packets.length) answers.push(await client.next())
    expect(answers.map((answer, index) => isEcho(answer, packets[index]!))).toEqual(packets.map(() => true))
  })

  it('14.1 has a packet of 500 kB carried both ways', async () => {
    await using running = await RunningProxy.start()
    const client = running.client(options)
    const packet = Buffer.alloc(500_000, 'holdfast')
    expect(isEcho(await client.ask(packet), packet)).toBe(true)
  })

  it('14.1 is closed for a packet of 1 MiB, with the reason in the metrics', async () => {
    await using running = await RunningProxy.start()
    const client = running.client(options)
    void client.send(Buffer.alloc(2 ** 20))
    await client.until(() => client.ended !== null)
    const reason = protocol === 'mtp_abridged' ? 'abridged_max_size' : 'intermediate_max_size'
    expect(await running.metric('protocol_error_total', { reason })).toBe(1)
  })

  it('14.2 may send its header in one segment with the first packet', async () => {
    await using running = await RunningProxy.start()
    const client = running.client({ ...options, headerWithPacket: true })
    const packet = numbered(5)
    expect(isEcho(await client.ask(packet), packet)).toBe(true)
  })

  it('3.3 gets the quick ack that it asks for', async () => {
    await using running = await RunningProxy.start()
    const client = running.client(options)
    await client.send(numbered(1), { quickAck: true })
    await client.until(() => client.quickAcks.length > 0 && client.packets.length > 0)
    expect(client.quickAcks).toHaveLength(1)
    expect(client.quickAcks[0]).toHaveLength(4)
    expect(await running.metric('quick_acks_total')).toBe(1)
  })

  it('14.13 is closed when Telegram says RPC_CLOSE_EXT, by FIN, and Telegram is not told', async () => {
    await using running = await RunningProxy.start()
    const client = running.client(options)
    await client.ask(numbered(1))
    const connection = connectionOf(running)
    const [connId] = [...connection.clients.keys()]
    connection.closeExt(connId!)
    await client.until(() => client.phase === 'closed')
    expect(client.ended).toBe('fin')
    connection.ping(1n)
    await running.telegram.until(() => connection.pongs.length > 0)
    expect(running.telegram.stats.closeConns).toBe(0)
  })

  it.each(['fin', 'rst'] as const)(
    '14.13 that leaves by %s has one RPC_CLOSE_CONN said of it',
    async (by) => {
      await using running = await RunningProxy.start()
      const client = running.client(options)
      await client.ask(numbered(1))
      await client.close(by)
      await running.telegram.until(() => running.telegram.stats.closeConns > 0)
      const connection = connectionOf(running)
      connection.ping(1n)
      await running.telegram.until(() => connection.pongs.length > 0)
      expect(running.telegram.stats.closeConns).toBe(1)
      expect(running.proxy.state.listeners[0]?.links).toBe(0)
    },
  )
})

function connectionOf(running: RunningProxy) {
  const found = running.telegram.connections.find(({ clients }) => clients.size > 0)
  if (found === undefined) throw new Error('no client has reached Telegram')
  return found
}

describe('what Telegram is told of a client', () => {
  it('5.5 its address, our own, the ad tag of its secret, and its format', async () => {
    const tag = '0123456789abcdef0123456789abcdef'
    await using running = await RunningProxy.start({ port: { tag } })
    const client = running.client({ secret: `dd${secret}` })
    await client.ask(Buffer.alloc(40))
    const connection = connectionOf(running)
    const [told] = [...connection.clients.values()]
    expect(told).toMatchObject({ address: client.address, ourAddress: connection.remote, adTag: tag })
    expect((told?.flags ?? 0) >>> 0).toBe(0x2802_100a)
  })

  it('5.5 the address that a PROXY header names, if one is to come', async () => {
    await using running = await RunningProxy.start({ port: { proxy_protocol: true } })
    const client = running.client({ prefix: Buffer.from('PROXY TCP4 192.0.2.9 10.0.0.1 5555 443\r\n') })
    await client.ask(numbered(1))
    const [told] = [...connectionOf(running).clients.values()]
    expect(told?.address).toBe('192.0.2.9:5555')
  })

  it('6.1 names its own data centre, though it is served by the default one', async () => {
    await using running = await RunningProxy.start()
    const client = running.client({ dcId: 203 })
    expect(await client.ask(numbered(1))).toEqual(numbered(1))
  })
})

describe('14.2 bytes one at a time', () => {
  it.each(kinds.slice(0, 3))('make the same header and packet: %s', async (_, options) => {
    await using running = await RunningProxy.start()
    const recorded: TestClient = running.client({ ...options, headerWithPacket: true })
    const packet = numbered(1)
    await recorded.ask(packet)
    const socket = connect(running.port, '127.0.0.1').setNoDelay(true)
    const bytes = Buffer.concat(recorded.openingBytes)
    for (const byte of bytes) {
      socket.write(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    while ((await running.metric('protocol_ok_total')) < 2) await new Promise(setImmediate)
    socket.destroy()
    expect(await running.metric('protocol_ok_total')).toBe(2)
  })
})
