import { describe, expect, it } from 'vitest'
import { ScriptedTelegram } from './support/scripted-telegram.js'

/** One stable connection, and a client on it that Telegram has heard of. */
function oneConnection(settings: ConstructorParameters<typeof ScriptedTelegram>[0] = {}) {
  const telegram = ScriptedTelegram.ready({ minConnections: 1, ...settings })
  const peer = telegram.peer(0)
  const client = telegram.client()
  client.send('hello')
  telegram.pump()
  return { telegram, peer, client, connId: peer.connOf('hello') }
}

describe('5.5 a connection to a middle proxy', () => {
  it('hands each answer to the client that it is for', () => {
    const { telegram, peer, client, connId } = oneConnection()
    const other = telegram.client()
    other.send('other')
    telegram.pump()
    peer.answer(connId, 'one')
    peer.answer(peer.connOf('other'), 'two')
    peer.answer(connId, 'three')
    expect([client.told, other.told]).toEqual([['one', 'three'], ['two']])
  })

  it('passes quick acks on, and asks for them', () => {
    const { telegram, peer, client, connId } = oneConnection()
    client.send('with ack', { quickAck: true })
    telegram.pump()
    expect(peer.heard.at(-1)).toEqual({ kind: 'request', connId, text: 'with ack', quickAck: true })
    peer.quickAck(connId, Buffer.from('cafe0080', 'hex'))
    expect(client.told).toEqual(['quick ack cafe0080'])
  })

  it('answers pings, and pings when it has nothing to say', () => {
    const { telegram, peer } = oneConnection()
    peer.ping(42n)
    telegram.pump()
    expect(peer.heard.at(-1)).toEqual({ kind: 'pong', id: 42n })
    telegram.advance(5000)
    expect(peer.heard.at(-1)).toEqual({ kind: 'ping', id: 1n })
  })

  it('is given up when nothing is heard, and its clients move', () => {
    const { telegram, peer, client } = oneConnection()
    telegram.settle()
    peer.deaf = true
    telegram.advance(30_000)
    expect(peer.link.phase).toBe('ended')
    expect(peer.link.endedByOwner?.kind).toBe('silent')
    expect(client.ends).toEqual([])
    expect(telegram.peerOf(client)).not.toBe(peer)
  })

  it('ignores what it does not know', () => {
    const { telegram, peer, client, connId } = oneConnection()
    peer.say(Buffer.from('deadbeef00000000', 'hex'))
    peer.answer(connId, 'after')
    expect(client.told).toEqual(['after'])
    expect(telegram.open).toHaveLength(1)
  })

  it('says RPC_CLOSE_CONN once for a client that there is not', () => {
    const { telegram, peer } = oneConnection()
    peer.answer(99n, 'who?')
    peer.answer(99n, 'who??')
    telegram.pump()
    expect(peer.closed).toEqual([99n])
  })

  it('says RPC_CLOSE_CONN once for a client that left while answers were on their way', () => {
    const { telegram, peer, client, connId } = oneConnection()
    client.close()
    peer.answer(connId, 'too late')
    telegram.pump()
    expect(peer.closed).toEqual([connId])
    expect(client.ends).toEqual([])
  })

  it('names every client differently, on whatever connection', () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 3 })
    const clients = Array.from({ length: 9 }, () => telegram.client())
    for (const [index, client] of clients.entries()) client.send(`client ${index}`)
    telegram.pump()
    const names = telegram.peers.flatMap(({ heard }) =>
      heard.map((each) => ('connId' in each ? each.connId : 0n)),
    )
    expect(new Set(names).size).toBe(9)
  })

  it.each([
    ['a frame that is none', Buffer.alloc(64, 0xff)],
    ['half a message', null],
  ])('ends on %s', (_, garbage) => {
    const { telegram, peer, client } = oneConnection()
    telegram.settle()
    if (garbage === null) peer.say(Buffer.from('0dda0344', 'hex'))
    else peer.link.receive(garbage)
    expect(peer.link.phase).toBe('ended')
    expect(peer.link.endedByOwner?.kind).toBe('protocol-error')
    telegram.advance(1000)
    expect(client.ends).toEqual([])
    expect(telegram.migrations).toEqual(['parked'])
  })

  it('hears a client’s answers in whatever pieces they come', () => {
    const telegram = new ScriptedTelegram({ minConnections: 1 })
    telegram.plan = { openAfter: 1, splitInto: 1 }
    telegram.advance(10)
    const client = telegram.client()
    client.send('hello')
    telegram.pump()
    const [peer] = telegram.peers
    peer?.answer(peer.connOf('hello'), 'in pieces')
    expect(client.told).toEqual(['in pieces'])
  })
})

describe('6.4 a connection that takes no more', () => {
  it('holds a client from its next packet on, and writes it when it can', () => {
    const { telegram, peer, client } = oneConnection()
    peer.plan.holdWrites = true
    peer.plan.highWater = 10
    client.send('fills it')
    expect(client.isPaused).toBe(true)
    const other = telegram.client()
    other.send('waits')
    expect(other.isPaused).toBe(true)
    const before = peer.link.accepted
    peer.link.flush()
    // The other's packet fills it again.
    expect(client.isPaused).toBe(false)
    expect(peer.link.accepted).toBeGreaterThan(before)
    peer.link.flush()
    telegram.pump()
    expect(other.isPaused).toBe(false)
    expect(peer.requests).toEqual(['hello', 'fills it', 'waits'])
  })

  it('and dies: who had not been written is cut, or resent if that is wanted', () => {
    for (const resendUnsent of [false, true]) {
      const { telegram, peer, client } = oneConnection({ resendUnsent })
      telegram.settle()
      const other = telegram.client()
      peer.plan.holdWrites = true
      peer.plan.highWater = 10
      client.send('fills it')
      other.send('waits')
      peer.fin()
      telegram.advance(1000)
      expect([client.ends, other.ends]).toEqual(resendUnsent ? [[], []] : [['mid-send'], ['mid-send']])
      if (resendUnsent) expect(telegram.open[0]?.requests).toEqual(['fills it', 'waits'])
    }
  })
})

describe('5.4 a handshake', () => {
  it('that is not answered is given up after 8 s, and tried again', () => {
    const telegram = new ScriptedTelegram({ minConnections: 1 })
    telegram.isDeaf = true
    telegram.advance(8010)
    expect(telegram.peer(0).link.endedByOwner?.kind).toBe('handshake-timeout')
    telegram.isDeaf = false
    telegram.advance(2000)
    expect(telegram.open).toHaveLength(1)
  })
})

describe('6.1, 6.2 data centres', () => {
  it('have more connections when all have more clients than they should', () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 1, clientsPerConnection: 3 })
    Array.from({ length: 4 }, () => telegram.client())
    telegram.advance(10)
    expect(telegram.open).toHaveLength(3)
  })

  it('refuse a client of one that there is not, without a default', () => {
    const telegram = ScriptedTelegram.ready()
    expect(telegram.tryOpen(telegram.newcomer(), { dcId: 7 })).toEqual({ refused: 'unknown-dc' })
  })

  it('dial the addresses that are known now', () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 1 })
    telegram.settle()
    telegram.centers.reload({ telegram: telegram.access('10.0.0.2:9999') })
    telegram.peer(0).fin()
    telegram.advance(500)
    expect(telegram.dialed).toEqual(['tcp://10.0.0.2:8888', 'tcp://10.0.0.2:9999'])
  })

  it('spread over all the addresses of a data centre', () => {
    const telegram = new ScriptedTelegram({ minConnections: 20 }, ['10.0.0.2:1', '10.0.0.2:2'])
    telegram.advance(100)
    expect(new Set(telegram.dialed)).toEqual(new Set(['tcp://10.0.0.2:1', 'tcp://10.0.0.2:2']))
  })

  it('9.6 replace a connection before Telegram closes it, and move clients when they can', async () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 1, replaceAfter: 20_000 })
    const client = telegram.client()
    const sender = telegram.client()
    telegram.advance(15_000)
    telegram.peer(0).plan.holdWrites = true
    sender.send('not out yet')
    telegram.advance(9000)
    expect(telegram.migrations).toEqual(['ok'])
    expect(client.pauses).toBe(0)
    expect(telegram.peerOf(client)).toBe(telegram.peer(1))
    telegram.peer(0).link.flush()
    telegram.advance(100)
    expect(telegram.migrations).toEqual(['ok', 'ok'])
    expect(telegram.peer(0).requests).toEqual(['not out yet'])
    telegram.peer(0).link.flush()
    telegram.advance(100)
    await new Promise(setImmediate)
    expect(telegram.peer(0).link.phase).toBe('ended')
    telegram.pump()
    expect(telegram.peer(0).closed).toHaveLength(2)
    expect(telegram.open).toEqual([telegram.peer(1)])
    expect([client.ends, sender.ends]).toEqual([[], []])
  })
})
