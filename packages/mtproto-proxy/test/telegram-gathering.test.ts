import { describe, expect, it, vi } from 'vitest'
import type { DataCenterSettings } from '../src/telegram/data-center-settings.js'
import { ScriptedTelegram } from './support/scripted-telegram.js'

/** Clients on one connection, whose turns end when the test says so. */
function gathering(settings: DataCenterSettings = {}) {
  const turns: (() => void)[] = []
  const telegram = ScriptedTelegram.ready({
    minConnections: 1,
    afterTurn: (run) => void turns.push(run),
    ...settings,
  })
  telegram.settle()
  const peer = telegram.peer(0)
  const endTurn = (): void => {
    for (const run of turns.splice(0)) run()
    telegram.pump()
  }
  // A ping may be under way.
  endTurn()
  const write = vi.spyOn(peer.link, 'write')
  const writes = (): number => write.mock.calls.length
  return { telegram, peer, endTurn, writes, turns }
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => `packet ${index}`)

describe('5.1 what clients send in one turn', () => {
  it('is one write, in the order in which it was sent', () => {
    const { telegram, peer, endTurn, writes } = gathering()
    for (const text of texts(50)) telegram.client().send(text)
    telegram.pump()
    expect(peer.requests).toEqual([])
    endTurn()
    expect(peer.requests).toEqual(texts(50))
    expect(writes()).toBe(1)
  })

  it('does not wait for the end of the turn once it is 64 KiB', () => {
    const { telegram, peer } = gathering()
    const client = telegram.client()
    client.send('first')
    client.send('x'.repeat(65_536))
    telegram.pump()
    expect(peer.requests.map((text) => text.length)).toEqual([5, 65_536])
  })

  it('is written although its client goes in the same turn, and before Telegram is told so', () => {
    const { telegram, peer, endTurn } = gathering()
    const client = telegram.client()
    client.send('last words')
    client.close()
    endTurn()
    telegram.advance(5)
    expect(peer.requests).toEqual(['last words'])
    expect(peer.closed).toEqual([peer.connOf('last words')])
    expect(peer.heard.at(-1)?.kind).toBe('close')
  })

  it('holds its clients when it fills the link, until that takes more', () => {
    const { telegram, peer, endTurn } = gathering()
    peer.plan.holdWrites = true
    peer.plan.highWater = 10
    const clients = texts(3).map((text) => {
      const client = telegram.client()
      client.send(text)
      return client
    })
    expect(clients.map((client) => client.isPaused)).toEqual([false, false, false])
    endTurn()
    expect(clients.map((client) => client.isPaused)).toEqual([true, true, true])
    peer.link.flush()
    telegram.pump()
    expect(clients.map((client) => client.isPaused)).toEqual([false, false, false])
    expect(peer.requests).toEqual(texts(3))
  })

  it('does not run on after a turn in which nothing was sent', () => {
    const { telegram, endTurn, turns } = gathering()
    telegram.client().send('one')
    expect(turns).toHaveLength(1)
    endTurn()
    expect(turns).toHaveLength(0)
  })
})

describe('5.5 that a client is gone', () => {
  it('is told along with what others send', () => {
    const { telegram, peer, endTurn, writes } = gathering()
    const gone = texts(10).map(() => telegram.client())
    const client = telegram.client()
    for (const each of gone) each.close()
    endTurn()
    expect(writes()).toBe(0)
    client.send('company')
    endTurn()
    expect([peer.requests, peer.closed.length, writes()]).toEqual([['company'], 10, 1])
    telegram.advance(5)
    expect(writes()).toBe(1)
  })

  it('is told alone when nobody sends anything for 5 ms', () => {
    const { telegram, peer, endTurn, writes } = gathering()
    for (const each of texts(10).map(() => telegram.client())) each.close()
    endTurn()
    telegram.advance(4)
    expect(peer.closed).toHaveLength(0)
    telegram.advance(1)
    expect([peer.closed.length, writes()]).toEqual([10, 1])
  })
})

describe.each([false, true])(
  'I15 a link that dies before the turn has ended, resendUnsent %s',
  (resendUnsent) => {
    it.each(['fin', 'rst'] as const)('cuts nobody: nothing had left (%s)', (how) => {
      const { telegram, peer, endTurn } = gathering({ resendUnsent })
      const clients = texts(20).map((text) => {
        const client = telegram.client()
        client.send(text)
        return client
      })
      peer[how]()
      endTurn()
      telegram.advance(1000)
      endTurn()
      expect(clients.flatMap(({ ends }) => ends)).toEqual([])
      expect(peer.requests).toEqual([])
      expect(telegram.open.flatMap(({ requests }) => requests)).toEqual(texts(20))
    })

    it('cuts nobody when it is the write that fails (R4)', () => {
      const { telegram, peer, endTurn } = gathering({ resendUnsent })
      const client = telegram.client()
      peer.plan.holdWrites = true
      // Something unflushed keeps the link from having ended.
      peer.link.write('x')
      peer.finish()
      client.send('refused')
      expect(peer.link.phase).toBe('retiring')
      endTurn()
      expect(peer.link.phase).toBe('ended')
      telegram.advance(1000)
      endTurn()
      expect(client.ends).toEqual([])
      expect(telegram.open.flatMap(({ requests }) => requests)).toEqual(['refused'])
    })

    it('takes a client with it whose packet of an earlier turn had not left, unless that is sent again', () => {
      const { telegram, peer, endTurn } = gathering({ resendUnsent })
      const client = telegram.client()
      peer.plan.holdWrites = true
      client.send('earlier')
      endTurn()
      client.send('later')
      peer.rst()
      endTurn()
      telegram.advance(1000)
      endTurn()
      expect(client.ends).toEqual(resendUnsent ? [] : ['mid-send'])
      const heard = telegram.open.flatMap(({ requests }) => requests)
      expect(heard).toEqual(resendUnsent ? ['earlier', 'later'] : [])
    })
  },
)

it('9.6 a client that moves in the middle of a turn takes its packets along', () => {
  const { telegram, peer, endTurn } = gathering({ replaceAfter: 20_000 })
  const client = telegram.client()
  while (telegram.peers.length === 1) {
    client.send('on its way')
    telegram.advance(100)
  }
  endTurn()
  telegram.advance(1000)
  endTurn()
  const old = peer.requests.length
  const next = telegram.peer(1).requests.length
  expect(old).toBe(0)
  expect(next).toBeGreaterThan(0)
  expect(client.ends).toEqual([])
})
