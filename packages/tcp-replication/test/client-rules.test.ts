import { describe, expect, it } from 'vitest'
import { Followed } from './support/followed.js'

const row = (name: string): string => `["!room:x",["${name}"]]`

describe('what a client says first', () => {
  it('W6, S8.1: NAME, PING, REPLICATE, who is syncing, then what waited; none of it waits for the server', async () => {
    await using it = new Followed([
      { stream: 'typing', from: 5 },
      { stream: 'receipts', from: 6 },
    ])
    it.client.federationAck(9)
    it.client.userSync('@u:x', 'start', 1)
    await it.connect()
    expect(it.link.written.trimEnd().split('\n')).toEqual([
      'NAME w1',
      expect.stringMatching(/^PING \d+$/),
      'REPLICATE typing 5',
      'REPLICATE receipts 6',
      'USER_SYNC @u:x start 1',
      'FEDERATION_ACK 9',
    ])
  })
})

describe('what a client makes of lines', () => {
  it('H4.1: an ERROR is reported and counted, and what follows it is taken', async () => {
    await using it = new Followed([{ stream: 'typing', from: 5 }])
    await it.connect()
    await it.says('ERROR something', 'POSITION typing 5', `RDATA typing 6 ${row('a')}`)
    expect(it.problems).toEqual([{ kind: 'server-error', text: 'something' }])
    expect(it.client.stats.problems.get('server-error')).toBe(1)
    expect(it.took()).toEqual([`typing 6 ${row('a')} → 6`])
  })

  it('H4.1: an ERROR is remembered as the reason for which the server closed', async () => {
    await using it = new Followed([{ stream: 'typing', from: 5 }])
    const why: (string | undefined)[] = []
    it.client.state$.subscribe((state) => {
      if (state.phase === 'waiting') why.push(state.why.detail)
    })
    await it.connect()
    await it.says('POSITION typing 5', 'ERROR Failed to keep up\u0007')
    it.link.closeByPeer()
    await it.connect()
    await it.says('POSITION typing 5')
    it.link.closeByPeer()
    expect(why).toEqual([expect.stringMatching(/^the server said: Failed to keep up\\x07/), undefined])
  })

  it('H4.1: an ERROR that the server went on after is not the reason of a later end', async () => {
    await using it = new Followed([{ stream: 'typing', from: 5 }])
    const why: (string | undefined)[] = []
    it.client.state$.subscribe((state) => {
      if (state.phase === 'waiting') why.push(state.why.detail)
    })
    await it.connect()
    await it.says('POSITION typing 5', 'ERROR something', 'PING 5')
    it.link.closeByPeer()
    expect(why).toEqual([undefined])
  })

  it('H8.1: nothing is applied of what comes with, or after, a wrong SERVER', async () => {
    await using it = new Followed([{ stream: 'typing', from: 5 }], { serverName: 'a.example' })
    await it.connect()
    await it.says('SERVER b.example', `RDATA typing 6 ${row('a')}`, 'POSITION typing 6')
    await it.says(`RDATA typing 7 ${row('b')}`)
    expect(it.took()).toEqual([])
    expect(it.client.progress()).toMatchObject([{ received: null, applied: null }])
  })

  it('W8.3: rows of a batch move no position, are never given in part, and vanish with the link', async () => {
    await using it = new Followed([{ stream: 'typing', from: 5 }])
    await it.connect()
    await it.says('POSITION typing 5', `RDATA typing batch ${row('a')}`)
    expect(it.took()).toEqual([])
    it.link.closeByPeer()
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 5'])
    await it.says(`RDATA typing batch ${row('b')}`, `RDATA typing 6 ${row('c')}`, 'POSITION typing 6')
    expect(it.took()).toEqual([`typing 6 ${row('b')} ${row('c')} → null`])
  })

  it('W8.3: a batch goes on after lines of other streams, and after a POSITION', async () => {
    await using it = new Followed([
      { stream: 'typing', from: 5 },
      { stream: 'to_device', from: 5 },
    ])
    await it.connect()
    await it.says('POSITION typing 5', 'POSITION to_device 5', `RDATA typing batch ${row('a')}`)
    await it.says('RDATA to_device 6 ["@u:x"]', 'POSITION typing 5', `RDATA typing 6 ${row('b')}`)
    expect(it.took()).toEqual(['to_device 6 ["@u:x"] → 6', `typing 6 ${row('a')} ${row('b')} → 6`])
  })

  it('H5.1, H13.12: batches of a stream wait for each other, streams do not', async () => {
    const seen: string[] = []
    let release = (): void => undefined
    const slow = ({ token }: { token: number }): Promise<void> => {
      seen.push(`typing ${token}`)
      return new Promise((resolve) => (release = resolve))
    }
    await using it = new Followed([
      { stream: 'typing', from: 5, apply: slow },
      { stream: 'to_device', from: 5, apply: ({ token }) => void seen.push(`to_device ${token}`) },
    ])
    await it.connect()
    await it.says('POSITION typing 5', 'POSITION to_device 5')
    await it.says(`RDATA typing 6 ${row('a')}`, `RDATA typing 7 ${row('b')}`, 'RDATA to_device 6 ["@u:x"]')
    expect(seen).toEqual(['typing 6', 'to_device 6'])
    release()
    await it.settle()
    expect(seen).toEqual(['typing 6', 'to_device 6', 'typing 7'])
    release()
  })
})
