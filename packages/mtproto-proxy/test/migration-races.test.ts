import { describe, expect, it } from 'vitest'
import { type ScriptedClient, ScriptedTelegram } from './support/scripted-telegram.js'

/** Two stable connections, and a client on the first. */
function onTheFirst(settings: ConstructorParameters<typeof ScriptedTelegram>[0] = {}) {
  const telegram = ScriptedTelegram.ready(settings)
  telegram.settle()
  const client = telegram.client()
  return { telegram, client, first: telegram.peer(0), second: telegram.peer(1) }
}

/** What a client says next is heard, once, on an open connection. */
function speaks(telegram: ScriptedTelegram, client: ScriptedClient, text: string): void {
  client.send(text)
  telegram.advance(5)
  const heard = telegram.peers.filter(({ requests }) => requests.includes(text))
  expect(heard).toHaveLength(1)
  expect(heard[0]?.link.isOpen).toBe(true)
}

describe('9.4 a connection to Telegram closes', () => {
  it('R1 just after a client was placed on it: the client moves in the same step', () => {
    const { telegram, client, first } = onTheFirst()
    first.fin()
    expect(telegram.migrations).toEqual(['ok'])
    expect(client.isPaused).toBe(false)
    speaks(telegram, client, 'hello')
    expect(client.ends).toEqual([])
  })

  it('R1 just after a client was placed on it and sent a packet: mid_send', () => {
    const { telegram, client, first } = onTheFirst()
    first.plan.holdWrites = true
    client.send('lost')
    first.fin()
    expect(telegram.migrations).toEqual(['mid_send'])
    expect(client.ends).toEqual(['mid-send'])
  })

  it('R1 while it takes no more writes: who is placed meanwhile is on another', () => {
    const { telegram, client, first, second } = onTheFirst()
    first.plan.holdWrites = true
    client.send('in the way')
    first.finish()
    const newcomer = telegram.client()
    const another = telegram.client()
    speaks(telegram, newcomer, 'one')
    speaks(telegram, another, 'two')
    expect(second.requests).toEqual(['one', 'two'])
  })

  it('R2 and a client sends before it knows: mid_send, and told once', () => {
    const { telegram, client, first } = onTheFirst()
    first.plan.holdWrites = true
    first.link.write('x')
    first.finish()
    client.send('too late')
    expect(client.ends).toEqual(['mid-send'])
    expect(telegram.migrations.filter((result) => result === 'mid_send')).toEqual(['mid_send'])
    expect(first.requests).toEqual([])
  })

  it('R2 with resend_unsent: the packet goes out on the next connection, once, whole', () => {
    const { telegram, client, first, second } = onTheFirst({ resendUnsent: true })
    first.plan.holdWrites = true
    client.send('first words')
    client.send('second words')
    first.fin()
    telegram.advance(5)
    expect(telegram.migrations).toEqual(['resent'])
    expect(first.requests).toEqual([])
    expect(second.requests).toEqual(['first words', 'second words'])
    expect(client.ends).toEqual([])
  })

  it('R2 with resend_unsent: what had left is not sent again', () => {
    const { telegram, client, first, second } = onTheFirst({ resendUnsent: true })
    client.send('gone before')
    telegram.advance(5)
    first.plan.holdWrites = true
    client.send('stuck')
    first.fin()
    telegram.advance(5)
    expect(first.requests).toEqual(['gone before'])
    expect(second.requests).toEqual(['stuck'])
  })

  it('R3 after it took a packet that Telegram never read: the client stays, and nothing is repeated', () => {
    const { telegram, client, first, second } = onTheFirst()
    client.send('taken by the kernel')
    first.rst()
    expect(telegram.migrations).toEqual(['ok'])
    expect(client.ends).toEqual([])
    telegram.advance(5)
    expect(second.requests).toEqual([])
    speaks(telegram, client, 'again')
  })

  it('R4 and a write fails before the close is told: that is the close, and only the sender is cut', () => {
    const { telegram, first } = onTheFirst()
    const others = Array.from({ length: 7 }, () => telegram.client())
    const there = others.filter((client) => telegram.peerOf(client) === first)
    const [sender, ...rest] = there
    expect(rest.length).toBeGreaterThan(1)
    first.plan.holdWrites = true
    // Something unflushed keeps the link from having ended.
    first.link.write('x')
    first.finish()
    sender?.send('fails')
    expect(sender?.ends).toEqual(['mid-send'])
    for (const client of rest) {
      expect(client.ends).toEqual([])
      speaks(telegram, client, `unharmed ${rest.indexOf(client)}`)
    }
    expect(telegram.migrations.filter((result) => result === 'mid_send')).toHaveLength(1)
  })

  it('R4 with resend_unsent nobody is cut', () => {
    const { telegram, client, first, second } = onTheFirst({ resendUnsent: true })
    first.plan.holdWrites = true
    first.link.write('x')
    first.finish()
    client.send('refused at first')
    telegram.advance(5)
    expect(second.requests).toEqual(['refused at first'])
    expect(client.ends).toEqual([])
  })

  it('R5 and a client closes meanwhile: it is forgotten, and the closing connection is told nothing', () => {
    const { telegram, client, first } = onTheFirst()
    first.plan.holdWrites = true
    first.link.write('x')
    first.finish()
    client.close()
    telegram.advance(5)
    expect([client.ends, first.closed]).toEqual([[], []])
    expect(first.link.phase).toBe('ended')
    expect(telegram.state?.links.map(({ bound }) => bound)).toEqual([0])
  })

  it('R6 and a client closes in the middle of its move: the new connection says RPC_CLOSE_CONN', () => {
    const { telegram, client, first, second } = onTheFirst()
    client.whenPaused = () => client.close()
    first.fin()
    telegram.advance(5)
    expect(second.closed).toHaveLength(1)
    expect(client.ends).toEqual([])
    expect(telegram.state?.links.every(({ bound }) => bound === 0)).toBe(true)
  })

  it('R7 just after RPC_CLOSE_EXT for a client: it is closed, once, and does not move', () => {
    const { telegram, client, first, second } = onTheFirst()
    client.send('hi')
    telegram.pump()
    first.closeExt(first.connOf('hi'))
    first.fin()
    telegram.advance(5)
    expect(client.ends).toEqual(['closed-by-telegram'])
    expect(telegram.migrations).toEqual([])
    expect([first.closed, second.closed]).toEqual([[], []])
  })

  it('R8 together with the only other one: clients wait for a new one', () => {
    const { telegram, client, first, second } = onTheFirst()
    const other = telegram.client()
    first.fin()
    second.rst()
    expect([client.isPaused, other.isPaused]).toEqual([true, true])
    telegram.advance(500)
    expect([client.isPaused, other.isPaused]).toEqual([false, false])
    speaks(telegram, client, 'here')
    speaks(telegram, other, 'here too')
    // The one moved to the second first, and had to leave it at once.
    expect([...telegram.migrations].sort()).toEqual(['ok', 'parked', 'parked'])
  })

  it('R9 and the one that its clients moved to right after: they move again', () => {
    const { telegram, client, first, second } = onTheFirst()
    telegram.plan = { openAfter: 1 }
    first.fin()
    telegram.advance(300)
    second.fin()
    expect(telegram.migrations).toEqual(['ok', 'ok'])
    speaks(telegram, client, 'third time')
  })

  it('R10 and there is no other: its clients are not read, and go on once the replacement is ready', () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 1 })
    telegram.settle()
    const client = telegram.client()
    telegram.plan = { openAfter: 800 }
    telegram.peer(0).fin()
    expect(client.isPaused).toBe(true)
    telegram.advance(500)
    expect(client.isPaused).toBe(true)
    telegram.advance(500)
    expect(client.isPaused).toBe(false)
    expect(telegram.migrations).toEqual(['parked'])
    speaks(telegram, client, 'still here')
  })

  it('R10 and the replacement is too late: clients are closed when their time is up', () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 1, parkWithin: 2000 })
    telegram.settle()
    const client = telegram.client()
    telegram.plan = {}
    telegram.peer(0).fin()
    telegram.advance(1999)
    expect(client.ends).toEqual([])
    telegram.advance(1)
    expect(client.ends).toEqual(['park-expired'])
    expect(telegram.migrations).toEqual(['empty'])
  })

  it('R10 and more clients wait than may: the rest is closed at once', () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 1, parkMax: 2 })
    telegram.settle()
    const clients = [1, 2, 3].map(() => telegram.client())
    telegram.peer(0).fin()
    expect(clients.map(({ ends }) => ends)).toEqual([[], [], ['park-full']])
  })

  it('R10 and none is to be expected: a pool without connections refuses at once', () => {
    const telegram = new ScriptedTelegram({ minConnections: 0 })
    const refused = telegram.tryOpen(telegram.newcomer())
    expect(refused).toEqual({ refused: 'no-connection' })
  })

  it('R10 before the first is ready: newcomers wait as well', () => {
    const telegram = new ScriptedTelegram()
    const client = telegram.client()
    expect(client.isPaused).toBe(true)
    telegram.advance(10)
    expect(client.isPaused).toBe(false)
    speaks(telegram, client, 'early')
    expect(telegram.migrations).toEqual([])
  })

  it('R11 while reading has stopped for a slow client: that client is given up, and the others move', () => {
    const { telegram, client, first } = onTheFirst({ credits: { packetsTotal: 11 }, pauseWithin: 5000 })
    const slow = [...Array.from({ length: 6 }, () => telegram.client())].find(
      (each) => telegram.peerOf(each) === first,
    )
    if (slow === undefined) throw new Error('nobody is on the first')
    client.send('me')
    slow.send('slow')
    telegram.pump()
    for (let i = 0; i < 12; i += 1) first.answer(first.connOf('slow'), 'tick'.repeat(8))
    expect(telegram.backpressure).toEqual(['count_total'])
    expect(first.link.isPaused).toBe(true)
    first.answer(first.connOf('me'), 'waits')
    expect(client.told).toEqual([])
    telegram.advance(7000)
    expect(slow.ends).toEqual(['overflow'])
    expect(first.link.isPaused).toBe(false)
    expect(client.told).toEqual(['waits'])
    expect(telegram.backpressure).toEqual(['count_total', 'off'])
    first.fin()
    speaks(telegram, client, 'moved')
  })

  it('R11 for clients that take nothing: all that hold more than their share go after 3 s, and nobody else', () => {
    const { telegram, client, first } = onTheFirst({ credits: { packetsTotal: 40 } })
    const others = Array.from({ length: 12 }, () => telegram.client()).filter(
      (each) => telegram.peerOf(each) === first,
    )
    client.send('me')
    others.forEach((other, index) => other.send(`other ${index}`))
    telegram.pump()
    const [takes, ...stuck] = others
    if (takes === undefined || stuck.length < 3) throw new Error('nobody is on the first')
    first.answer(first.connOf('me'), 'one')
    for (let packet = 0; packet < 12; packet += 1)
      for (let index = 0; index < 4; index += 1) first.answer(first.connOf(`other ${index}`), 'tick')
    expect(first.link.isPaused).toBe(true)
    for (let time = 0; time < 2; time += 1) {
      takes.tunnel?.delivered(1, 4)
      telegram.advance(1000)
    }
    expect(others.flatMap(({ ends }) => ends)).toEqual([])
    takes.tunnel?.delivered(1, 4)
    telegram.advance(2000)
    expect(others.map(({ ends }) => ends.length).slice(0, 5)).toEqual([0, 1, 1, 1, 0])
    expect(client.ends).toEqual([])
    expect(first.link.isPaused).toBe(false)
  })

  it('R12 with its whole pool: clients are closed, and no connection is left behind', async () => {
    const { telegram, client, first, second } = onTheFirst()
    telegram.centers.close()
    expect(client.ends).toEqual(['closed'])
    expect([first.link.phase, second.link.phase]).toEqual(['ended', 'ended'])
    const dials = telegram.peers.length
    telegram.advance(60_000)
    expect(telegram.peers).toHaveLength(dials)
  })

  it('R13 during its handshake: it has no clients, and is dialed again', () => {
    const telegram = new ScriptedTelegram({ minConnections: 1 })
    telegram.plan = { openAfter: 1 }
    telegram.env.clock.advance(5)
    expect(telegram.state?.slots.opening).toBe(1)
    telegram.peer(0).rst()
    telegram.advance(1000)
    speaks(telegram, telegram.client(), 'second try')
    expect(telegram.migrations).toEqual([])
  })

  it('R14 by RST instead of FIN: the same', () => {
    const { telegram, client, first } = onTheFirst()
    first.rst()
    expect(telegram.migrations).toEqual(['ok'])
    speaks(telegram, client, 'unharmed')
    telegram.advance(500)
    expect(telegram.open).toHaveLength(2)
  })

  it('R15 and says so more than once: clients move once', () => {
    const telegram = new ScriptedTelegram()
    telegram.plan = { openAfter: 5, lateCallbacks: true }
    telegram.advance(10)
    telegram.settle()
    const client = telegram.client()
    telegram.peer(0).fin()
    telegram.peer(0).fin()
    telegram.peer(0).rst()
    expect(telegram.migrations).toEqual(['ok'])
    speaks(telegram, client, 'once')
  })

  it('R16 and a client sends only long after: on the connection that it has moved to', () => {
    const { telegram, client, first, second } = onTheFirst()
    first.fin()
    telegram.advance(20_000)
    client.send('late')
    telegram.pump()
    expect(second.requests).toEqual(['late'])
    expect(client.ends).toEqual([])
  })

  it('R17 and clients act on it at once: no step waits for another', () => {
    const { telegram, client, first } = onTheFirst()
    const cut = [1, 2, 3].map(() => telegram.client())
    const reborn: ScriptedClient[] = []
    first.plan.holdWrites = true
    for (const each of [client, ...cut]) {
      each.whenClosed = () => reborn.push(telegram.client())
      each.send('under way')
    }
    first.fin()
    const lost = [client, ...cut].filter(({ ends }) => ends.length > 0)
    expect(lost.length).toBeGreaterThan(0)
    expect(reborn).toHaveLength(lost.length)
    for (const each of reborn) speaks(telegram, each, `reborn ${reborn.indexOf(each)}`)
  })
})
