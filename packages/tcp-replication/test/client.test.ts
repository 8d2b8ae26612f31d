import { end } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { Followed, KeptPosition } from './support/followed.js'

const row = (name: string): string => `["!room:x",["${name}"]]`

describe('a client that catches up', () => {
  it('H9.3.4: keeps the old position until the POSITION, and applies every row whatever its token', async () => {
    const store = new KeptPosition()
    store.value = { at: 5 }
    await using it = new Followed([{ stream: 'typing', store }])
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 5'])
    await it.says(`RDATA typing 8 ${row('c')}`, `RDATA typing 7 ${row('b')}`, `RDATA typing 8 ${row('d')}`)
    expect(it.took()).toEqual([
      `typing 8 ${row('c')} → null`,
      `typing 7 ${row('b')} → null`,
      `typing 8 ${row('d')} → null`,
    ])
    expect(store.value).toEqual({ at: 5 })
    it.link.closeByPeer()
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 5'])
    await it.says('POSITION typing 8')
    expect(store.saved).toEqual([8])
  })

  it('8.4: is ready once every stream has had its POSITION, and not before', async () => {
    await using it = new Followed([{ stream: 'typing' }, { stream: 'caches' }])
    await it.connect()
    await it.says('POSITION typing 1')
    expect(it.client.state.phase).toBe('handshaking')
    await it.says('POSITION caches 1')
    expect(it.client.state.phase).toBe('ready')
  })

  it('8.5: loads its state the first time, when it begins at NOW', async () => {
    await using it = new Followed([{ stream: 'typing' }])
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing NOW'])
    await it.says('POSITION typing 9', `RDATA typing 10 ${row('a')}`)
    expect(it.took()).toEqual(['typing reset first-time at 9', `typing 10 ${row('a')} → 10`])
    expect(it.problems).toEqual([])
  })

  it('8.8: ends a link on which nothing comes any more, so that another server gets its turn', async () => {
    await using it = new Followed([{ stream: 'typing', from: 5 }])
    await it.connect()
    await it.settle(130_000)
    expect(it.dialer.links[0]?.endedByOwner?.kind).toBe('handshake-timeout')
  })
})

describe('a client whose server has other positions', () => {
  it('H13.10: reports a POSITION below what it asked for as a reset, and goes on from there', async () => {
    const store = new KeptPosition()
    store.value = { at: 7 }
    await using it = new Followed([{ stream: 'typing', store }])
    await it.connect()
    await it.says('POSITION typing 1', `RDATA typing 2 ${row('a')}`)
    expect(it.took()).toEqual(['typing reset went-backwards at 1', `typing 2 ${row('a')} → 2`])
    expect(it.problems).toEqual([{ kind: 'reset', stream: 'typing', why: 'went-backwards', position: 1 }])
    expect(store.value).toEqual({ at: 2 })
  })

  it('H9.3.5: does so on a live link too', async () => {
    await using it = new Followed([{ stream: 'typing', from: 7 }])
    await it.connect()
    await it.says('POSITION typing 7', `RDATA typing 10 ${row('a')}`, 'POSITION typing 2')
    expect(it.took()).toEqual([`typing 10 ${row('a')} → 10`, 'typing reset went-backwards at 2'])
  })

  it('S9.3.1: applies live rows whose tokens go down, and keeps the higher position', async () => {
    await using it = new Followed([{ stream: 'typing', from: 7 }])
    await it.connect()
    await it.says('POSITION typing 7', `RDATA typing 10 ${row('a')}`, `RDATA typing 9 ${row('b')}`)
    expect(it.took()).toEqual([`typing 10 ${row('a')} → 10`, `typing 9 ${row('b')} → null`])
    expect(it.client.progress()).toMatchObject([{ received: 10, applied: 10 }])
  })

  it('9.4: reports rows that the server has lost as a reset', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says('ERROR stream typing has lost rows after 1: it begins at 6', `RDATA typing 7 ${row('a')}`)
    await it.says('POSITION typing 7')
    expect(it.took()).toEqual(['typing reset too-old at 6', `typing 7 ${row('a')} → null`])
    expect(it.client.progress()).toMatchObject([{ applied: 7 }])
  })

  it('H13.10: stops when a server of another name answers', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says('SERVER a.example', 'POSITION typing 1')
    it.link.closeByPeer()
    await it.connect()
    await it.says('SERVER b.example', 'POSITION typing 50')
    await it.settle(6000)
    expect(it.client.state).toMatchObject({ phase: 'failed', why: { kind: 'handshake-refused' } })
    expect(it.client.progress()).toMatchObject([{ applied: 1 }])
  })

  it('8.2: tries again where the name was given', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }], { serverName: 'a.example' })
    await it.connect()
    await it.says('SERVER b.example')
    expect(it.wrote().at(-1)).toBe('ERROR Wrong remote')
    await it.connect()
    await it.says('SERVER a.example', 'POSITION typing 1')
    expect(it.client.state.phase).toBe('ready')
  })

  it('H8.2: can insist that the name comes first', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }], { requireServerName: true })
    await it.connect()
    await it.says('POSITION typing 1')
    expect(it.wrote().at(-1)).toBe('ERROR SERVER expected first')
  })
})

describe('a client with rows that it does not understand', () => {
  it('H13.9: reports and skips them', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says('POSITION typing 1', 'RDATA typing 2 ["short"]', `RDATA typing 3 ${row('a')}`)
    expect(it.took()).toEqual([`typing 3 ${row('a')} → 3`])
    expect(it.problems).toMatchObject([{ kind: 'bad-row', stream: 'typing', token: 2, stopped: false }])
  })

  it('H13.9: reports them and stops the stream, if that is the policy; other streams go on', async () => {
    await using it = new Followed([
      { stream: 'typing', from: 1, badRows: 'stop' },
      { stream: 'to_device', from: 1 },
    ])
    await it.connect()
    await it.says(
      'POSITION typing 1',
      'POSITION to_device 1',
      'RDATA typing 2 ["short"]',
      `RDATA typing 3 ${row('a')}`,
    )
    await it.says('RDATA to_device 2 ["@u:x"]')
    expect(it.took()).toEqual(['to_device 2 ["@u:x"] → 2'])
    expect(it.client.progress()).toMatchObject([
      { stream: 'typing', applied: 1, stopped: true },
      { stopped: false },
    ])
    it.link.closeByPeer()
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE to_device 2'])
  })

  it('H9: tolerates a stream that it did not ask for, and reports it once', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says('RDATA weather 1 ["rain"]', 'RDATA weather 2 ["sun"]', 'POSITION typing 1')
    expect(it.problems).toEqual([{ kind: 'unknown-stream', stream: 'weather' }])
    expect(it.client.state.phase).toBe('ready')
  })
})

describe('a client whose application is slow or fails', () => {
  it('H13.11: stops reading while rows wait to be applied, and keeps its PINGs up', async () => {
    let release = (): void => undefined
    const slow = { apply: () => new Promise<void>((resolve) => (release = resolve)) }
    await using it = new Followed([{ stream: 'typing', from: 1, ...slow }], {
      buffers: { backlog: { bytes: 1000 } },
    })
    await it.connect()
    await it.says('PING 1', 'POSITION typing 1')
    await it.says(
      ...Array.from({ length: 100 }, (_, index) => `RDATA typing ${index + 2} ${row('abcdefghij')}`),
    )
    expect(it.link.isPaused).toBe(true)
    const before = it.link.written.length
    await it.settle(120_000)
    expect(it.link.phase).toBe('open')
    expect(it.link.written.length).toBeGreaterThan(before)
    for (let index = 0; index < 100; index += 1) {
      release()
      await it.settle()
    }
    expect(it.link.isPaused).toBe(false)
    expect(it.client.progress()).toMatchObject([{ applied: 101 }])
  })

  it('H13.8: has a batch again that could not be applied, whole and in order', async () => {
    const seen: string[] = []
    let broken = true
    const apply = ({ token, texts }: { token: number; texts: readonly string[] }): void => {
      if (token === 3 && broken) throw new Error('disk full')
      seen.push(`${token} ${texts.length}`)
    }
    await using it = new Followed([{ stream: 'typing', from: 1, apply }])
    await it.connect()
    await it.says('POSITION typing 1', `RDATA typing 2 ${row('a')}`)
    await it.says(
      `RDATA typing batch ${row('b')}`,
      `RDATA typing 3 ${row('c')}`,
      `RDATA typing 4 ${row('d')}`,
    )
    expect(it.dialer.links[0]?.endedByOwner?.kind).toBe('adapter-threw')
    broken = false
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 2'])
    await it.says(
      `RDATA typing batch ${row('b')}`,
      `RDATA typing 3 ${row('c')}`,
      `RDATA typing 4 ${row('d')}`,
    )
    await it.says('POSITION typing 4')
    expect(seen).toEqual(['2 1', '3 2', '4 1'])
  })

  it('H13.8: a link that is lost while one of many tokens is being applied costs none of them', async () => {
    const store = new KeptPosition()
    store.value = { at: 1 }
    const seen: number[] = []
    let release = (): void => undefined
    const apply = ({ token }: { token: number }): Promise<void> => {
      seen.push(token)
      return new Promise((resolve) => (release = resolve))
    }
    await using it = new Followed([{ stream: 'typing', store, apply }])
    const rows = [2, 3, 4].map((token) => `RDATA typing ${token} ${row('a')}`)
    await it.connect()
    await it.says(...rows, 'POSITION typing 4')
    expect(seen).toEqual([2])
    it.link.fail(end('reset-by-peer'))
    while (it.client.progress()[0]?.durable === 1) {
      release()
      await it.settle()
    }
    expect(seen).toEqual([2, 3, 4])
    expect(store.value).toEqual({ at: 4 })
    await it.connect()
    expect(it.wrote()).toContain('REPLICATE typing 4')
  })

  it('H13.8: a drain does not wait for the tokens behind the one that is being applied, and takes no position for them', async () => {
    const store = new KeptPosition()
    store.value = { at: 1 }
    const seen: number[] = []
    let release = (): void => undefined
    const apply = ({ token }: { token: number }): Promise<void> => {
      seen.push(token)
      return new Promise((resolve) => (release = resolve))
    }
    await using it = new Followed([{ stream: 'typing', store, apply }])
    await it.connect()
    await it.says(...[2, 3, 4].map((token) => `RDATA typing ${token} ${row('a')}`), 'POSITION typing 4')
    const drained = it.client.drain()
    await it.settle()
    release()
    await it.settle()
    await drained
    expect(seen).toEqual([2])
    expect(store.value).toEqual({ at: 1 })
  })

  it('H13.8: has caught up when all of the past is applied, not when it has come', async () => {
    let release = (): void => undefined
    const apply = (): Promise<void> => new Promise((resolve) => (release = resolve))
    await using it = new Followed([{ stream: 'typing', from: 1, apply }])
    let isCaughtUp = false
    await it.connect()
    const caughtUp = it.client.caughtUp().then(() => (isCaughtUp = true))
    await it.says(`RDATA typing 2 ${row('a')}`, 'POSITION typing 2')
    await it.client.whenReady()
    expect(isCaughtUp).toBe(false)
    release()
    await caughtUp
    expect(it.client.progress()).toMatchObject([{ applied: 2 }])
  })

  it('H8.5: lets the application store the position in the transaction of the effect', async () => {
    const database = { rows: [] as string[], position: 1 }
    const store = { load: () => Promise.resolve({ at: database.position }) }
    const apply = ({ texts, position }: { texts: readonly string[]; position: number | null }): void => {
      database.rows.push(...texts)
      database.position = position ?? database.position
    }
    await using it = new Followed([{ stream: 'typing', store, apply }])
    await it.connect()
    await it.says(`RDATA typing 2 ${row('a')}`)
    expect(database).toEqual({ rows: [row('a')], position: 1 })
    await it.says('POSITION typing 2')
    expect(database.position).toBe(2)
    await it.says(`RDATA typing 3 ${row('b')}`)
    expect(database.position).toBe(3)
  })

  it('13.13: finishes the batch at hand, saves, and closes when it is drained', async () => {
    const store = new KeptPosition()
    let release = (): void => undefined
    const apply = (): Promise<void> => new Promise((resolve) => (release = resolve))
    await using it = new Followed([{ stream: 'typing', from: 1, store, apply }])
    await it.connect()
    await it.says('POSITION typing 1', `RDATA typing 2 ${row('a')}`, `RDATA typing 3 ${row('b')}`)
    const drained = it.client.drain({ within: 1000 })
    await it.settle()
    release()
    await it.settle(1000)
    await drained
    expect(store.value).toEqual({ at: 2 })
    expect(it.client.state.phase).toBe('closed')
  })
})

describe('what a client sends upstream', () => {
  it('H8.6: bounds what waits for a connection, and keeps only the newest acknowledgement', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }], { queue: { bytes: 1000, count: 2 } })
    expect(it.client.federationAck(7)).toBe('queued')
    expect(it.client.federationAck(9)).toBe('queued')
    expect(it.client.federationAck(8)).toBe('queued')
    expect(it.client.removePusher('a', 'b', '@u:x')).toBe('queued')
    expect(it.client.removePusher('c', 'd', '@u:x')).toBe('queued')
    expect(it.client.removePusher('e', 'f', '@u:x')).toBe('refused')
    await it.connect()
    expect(it.wrote().slice(2)).toEqual([
      'FEDERATION_ACK 9',
      'REMOVE_PUSHER a b @u:x',
      'REMOVE_PUSHER c d @u:x',
    ])
    await it.says('POSITION typing 1')
    expect(it.client.federationAck(10)).toBe('sent')
    expect(() => it.client.removePusher('with space', 'b', '@u:x')).toThrow('appId must be')
  })

  it('8.7: rejects who waits for a SYNC when it ends', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    const waiting = it.client.awaitSync('abc')
    it.client.close()
    await expect(waiting).rejects.toMatchObject({ code: 'HF_REPLICATION_CLIENT_ENDED' })
  })
})

describe('a client of a D2 server', () => {
  const updates = (rows: readonly (readonly [number, string])[]) => {
    const asked: string[] = []
    return {
      asked,
      fetch: async (stream: string, from: number, upTo: number) => {
        asked.push(`${stream} ${from} ${upTo}`)
        return { updates: rows.filter(([token]) => token > from && token <= upTo), upTo }
      },
    }
  }

  it('H14.5: finds the dialect out, and keeps to it on the next link', async () => {
    await using it = new Followed([{ stream: 'typing', from: 4 }], { dialect: 'auto' })
    it.client.userSync('@u:x', 'start', 1)
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 4'])
    await it.says('POSITION typing master 4 4')
    expect(it.client.dialect).toBe('D2')
    expect(it.wrote()).toEqual([expect.stringMatching(/^USER_SYNC \w{5} @u:x start 1$/)])
    it.link.closeByPeer()
    await it.connect()
    expect(it.wrote().slice(0, 2)).toEqual(['NAME w1', 'REPLICATE '])
  })

  it('W14.2: fetches what it has missed, holds live rows until then, and drops what repeats', async () => {
    const missed = updates([
      [5, row('a')],
      [6, row('b')],
      [6, row('c')],
    ])
    await using it = new Followed([{ stream: 'typing', from: 4 }], { dialect: 'D2', updates: missed.fetch })
    await it.connect()
    await it.says(
      `RDATA typing master 3 ${row('z')}`,
      'POSITION typing master 6 6',
      `RDATA typing master 7 ${row('d')}`,
    )
    await it.says(`RDATA typing master 7 ${row('d')}`)
    expect(missed.asked).toEqual(['typing 4 6'])
    expect(it.took()).toEqual([
      `typing 5 ${row('a')} → null`,
      `typing 6 ${row('b')} ${row('c')} → null`,
      `typing 7 ${row('d')} → 7`,
    ])
    expect(it.client.progress()).toMatchObject([{ applied: 7 }])
  })

  it('W14.2: fetches nothing when it was where the writer was before', async () => {
    const missed = updates([])
    await using it = new Followed([{ stream: 'typing', from: 4 }], { dialect: 'D2', updates: missed.fetch })
    await it.connect()
    await it.says('POSITION typing master 4 9')
    expect(missed.asked).toEqual([])
    expect(it.client.progress()).toMatchObject([{ applied: 9 }])
  })

  it('H14.3: loads the state anew where missed rows cannot be had', async () => {
    await using it = new Followed([{ stream: 'typing', from: 4 }], { dialect: 'D2' })
    await it.connect()
    await it.says('POSITION typing master 6 6')
    expect(it.took()).toEqual(['typing reset peer-cannot at 6'])
  })

  it('H14.3: ends the link when fetching fails, and fetches again on the next', async () => {
    let attempts = 0
    const failing = async (): Promise<never> => {
      attempts += 1
      throw new Error('HTTP 500')
    }
    await using it = new Followed([{ stream: 'typing', from: 4 }], { dialect: 'D2', updates: failing })
    await it.connect()
    await it.says('POSITION typing master 6 6')
    expect(it.dialer.links[0]?.endedByOwner).toMatchObject({ kind: 'protocol-error' })
    await it.connect()
    await it.says('POSITION typing master 6 6')
    expect(attempts).toBe(2)
    expect(it.client.progress()).toMatchObject([{ applied: null }])
  })
})
