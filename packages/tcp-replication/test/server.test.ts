import { silentLog } from '@holdfast/core'
import { testEnv } from '@holdfast/core/testing'
import { memorySource } from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'
import { RecordedSource } from './support/recorded-source.js'
import { serve, serveFrom } from './support/served.js'

describe('what a server makes of careless clients', () => {
  it('H2: ignores blank lines', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.link.write('\n\r\n  \nREPLICATE events NOW\n')
    await it.settle()
    expect(client.take()).toEqual(['POSITION events 0'])
  })

  it('H2.1: takes a missing space for an empty argument', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.send('PING', 'REPLICATE events NOW')
    await it.settle()
    expect(client.take()).toEqual(['POSITION events 0'])
  })

  it('H13: strips one carriage return', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.send('REPLICATE events NOW\r')
    await it.settle()
    expect(client.take()).toEqual(['POSITION events 0'])
  })

  it('H2: answers invalid UTF-8 with an ERROR and closes', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.link.write(Buffer.from('4e414d4520fffe0a', 'hex'))
    await it.settle()
    expect(client.take()).toEqual(['ERROR Line is not valid UTF-8'])
    expect(client.ended?.kind).toBe('closed-by-peer')
  })

  it('S2: refuses in strict mode what Synapse refuses', async () => {
    await using it = await serve({ mode: 'strict' })
    const client = await it.connect()
    client.send('PING')
    await it.settle()
    expect(client.take()[0]).toMatch(/^ERROR failed to parse line/)
    expect(client.ended?.kind).toBe('closed-by-peer')
  })
})

describe('a server that brings a client up to date', () => {
  it('H13.1: sends any number of rows, page by page, and waits for a slow socket', async () => {
    await using it = await serve({ highWater: 10_000 })
    for (let token = 1; token <= 20_000; token += 1) it.source.append('events', [['x'.repeat(100)]], token)
    const client = await it.connect()
    client.send('REPLICATE events 0')
    const release = client.link.pause()
    await it.settle(100)
    const held = it.server.connections()[0]?.unsent ?? 0
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThan(600_000)
    release()
    await it.settle(100)
    const lines = client.take()
    expect(lines).toHaveLength(20_001)
    expect(lines.at(-1)).toBe('POSITION events 20000')
    expect(client.ended).toBeNull()
  })

  it('H13.3: sorts rows by token and sends those of one token as a batch', async () => {
    const env = testEnv()
    const source = new RecordedSource(env.clock, ['account_data'], 1)
    await using it = await serveFrom(source, {}, env)
    source.add(
      'account_data',
      [
        [4, ['d']],
        [3, ['a']],
        [3, ['b']],
      ],
      4,
    )
    source.poke()
    await it.settle()
    const client = await it.connect()
    client.send('REPLICATE account_data 1')
    await it.settle()
    expect(client.take()).toEqual([
      'RDATA account_data batch ["a"]',
      'RDATA account_data 3 ["b"]',
      'RDATA account_data 4 ["d"]',
      'POSITION account_data 4',
    ])
  })

  it('H13.6: sends no row at or below a POSITION after it', async () => {
    const env = testEnv()
    const source = new RecordedSource(env.clock, ['receipts'], 1)
    await using it = await serveFrom(source, {}, env)
    const early = await it.connect()
    early.send('REPLICATE receipts NOW')
    await it.settle()
    source.slow.push(1)
    source.add(
      'receipts',
      [
        [2, ['a']],
        [3, ['b']],
      ],
      3,
    )
    source.poke()
    const late = await it.connect()
    late.send('REPLICATE receipts NOW')
    await it.settle(1100)
    expect(late.take()).toEqual(['POSITION receipts 1', 'RDATA receipts 2 ["a"]', 'RDATA receipts 3 ["b"]'])
  })

  it('H13.7: counts a client that is ahead, and tells it the lower position', async () => {
    await using it = await serve()
    it.source.append('events', [['a']], 5)
    const client = await it.connect()
    client.send('REPLICATE events 9')
    await it.settle()
    expect(client.take()).toEqual(['POSITION events 5'])
    expect(it.server.stats.resets.get('events')).toBe(1)
  })

  it('9.4: tells a client whose rows are gone, and goes on from the oldest row held', async () => {
    const source = memorySource({ streams: ['events'], retain: { bytes: 1e6, count: 2 } })
    await using it = await serveFrom(source)
    for (const row of ['a', 'b', 'c', 'd']) source.append('events', [[row]])
    await it.settle()
    const client = await it.connect()
    client.send('REPLICATE events 0')
    await it.settle()
    expect(client.take()).toEqual([
      'ERROR stream events has lost rows after 0: it begins at 2',
      'RDATA events 3 ["c"]',
      'RDATA events 4 ["d"]',
      'POSITION events 4',
    ])
  })

  it('9.3.5: tells its clients when a stream starts over', async () => {
    await using it = await serve()
    it.source.append('events', [['a']], 7)
    const client = await it.connect()
    client.send('REPLICATE events NOW')
    await it.settle()
    it.source.reset('events', 2)
    it.source.append('events', [['b']], 3)
    await it.settle()
    expect(client.take()).toEqual(['POSITION events 7', 'POSITION events 2', 'RDATA events 3 ["b"]'])
  })
})

describe('a server with a client that does not read', () => {
  it('H13.2: lets nobody else lose a row, and brings the slow one up to date once it reads', async () => {
    await using it = await serve({ highWater: 1000, slow: { bytes: 1e9 } })
    const clients = await Promise.all(Array.from({ length: 10 }, () => it.connect()))
    for (const client of clients) client.send('REPLICATE events NOW')
    await it.settle()
    const release = clients[3]?.link.pause()
    for (let token = 1; token <= 30_000; token += 1) {
      it.source.append('events', [['x'.repeat(100)]], token)
      if (token % 500 !== 0) continue
      await it.settle()
      // Who reads has each row at once.
      const last = clients.map((client) => client.lines.at(-1)?.split(' ')[2])
      expect(last.filter((at) => at === String(token))).toHaveLength(9)
    }
    await it.settle(100)
    expect(it.server.connections().reduce((sum, { unsent }) => sum + unsent, 0)).toBeLessThan(2_000_000)
    release?.()
    await it.settle(100)
    for (const client of clients) {
      const tokens = client.lines
        .filter((line) => line.startsWith('RDATA'))
        .map((line) => Number(line.split(' ')[2]))
      expect(tokens).toEqual(Array.from({ length: 30_000 }, (_, index) => index + 1))
    }
  })

  it('H13.2: tells and cuts off a client that stays behind, in bytes and in time', async () => {
    await using it = await serve({ highWater: 1000, slow: { bytes: 500, within: 30_000 } })
    const slow = await it.connect()
    const other = await it.connect()
    for (const client of [slow, other]) client.send('REPLICATE events NOW')
    await it.settle()
    const release = slow.link.pause()
    for (let token = 1; token <= 100; token += 1) it.source.append('events', [['x'.repeat(100)]], token)
    await it.settle(29_000)
    expect(it.server.state.links).toBe(2)
    await it.settle(2000)
    release()
    await it.settle(10_000)
    expect(slow.lines.at(-1)).toBe('ERROR Failed to keep up')
    expect(slow.ended?.kind).toBe('closed-by-peer')
    expect(it.server.stats.failedToKeepUp).toBe(1)
    expect(it.server.state.links).toBe(1)
    expect(other.lines.filter((line) => line.startsWith('RDATA'))).toHaveLength(100)
  })
})

describe('a batch that is larger than all that may wait for a link', () => {
  const row = 'x'.repeat(16_000)
  const rows = Array.from({ length: 1200 }, () => row)

  function expectWhole(lines: readonly string[]): void {
    const marks = lines.filter((line) => line.startsWith('RDATA events')).map((line) => line.split(' ')[2])
    expect(marks).toEqual([...Array.from({ length: 1199 }, () => 'batch'), '1', '2'])
  }

  it('H13.3: comes whole to who catches up, and to who is live', async () => {
    await using it = await serve()
    const live = await it.connect()
    live.send('REPLICATE events NOW')
    await it.settle()
    it.source.append('events', rows)
    it.source.append('events', ['after'])
    const late = await it.connect()
    late.send('REPLICATE events 0')
    await it.settle(100)
    for (const client of [live, late]) {
      expect(client.ended).toBeNull()
      expectWhole(client.lines)
    }
  })

  it('H13.2: waits for a client that does not read, which keeps the order of what follows', async () => {
    await using it = await serve({ slow: { within: 1000, bytes: 65_536 } })
    const client = await it.connect()
    client.send('REPLICATE events NOW', 'REPLICATE caches NOW')
    await it.settle()
    const release = client.link.pause()
    it.source.append('events', rows)
    await it.settle()
    it.source.append('caches', ['c'])
    it.source.append('events', ['after'])
    await it.settle()
    expect(it.server.connections()[0]?.unsent).toBeGreaterThan(19_000_000)
    release()
    await it.settle(100)
    expectWhole(client.lines)
    expect(client.lines.filter((line) => line.startsWith('RDATA caches'))).toHaveLength(1)
    expect(it.server.connections()[0]?.unsent).toBe(0)
    expect(it.server.stats.failedToKeepUp).toBe(0)
  })

  it('7.5: is broken off when the client is cut off in its midst', async () => {
    await using it = await serve({ slow: { within: 1000, bytes: 65_536 } })
    const client = await it.connect()
    client.send('REPLICATE events NOW')
    await it.settle()
    const release = client.link.pause()
    it.source.append('events', rows)
    await it.settle(1500)
    release()
    await it.settle(100)
    expect(client.lines.at(-1)).toBe('ERROR Failed to keep up')
    expect(client.lines.some((line) => line.startsWith('RDATA events 1 '))).toBe(false)
    expect(client.ended?.kind).toBe('closed-by-peer')
  })
})

describe('a server whose source fails', () => {
  it('H13.4: keeps the failure to its stream, and takes it up again when the source is well', async () => {
    const env = testEnv()
    const source = new RecordedSource(env.clock, ['events', 'receipts'], 1)
    await using it = await serveFrom(source, {}, env)
    const client = await it.connect()
    client.send('REPLICATE ALL NOW')
    await it.settle()
    source.failing.add('receipts')
    source.add('receipts', [[2, ['r']]], 2)
    source.add('events', [[2, ['e']]], 2)
    source.poke()
    await it.settle()
    expect(client.take()).toEqual(['POSITION events 1', 'POSITION receipts 1', 'RDATA events 2 ["e"]'])
    expect(it.server.stats.sourceFailures.get('receipts')).toBe(1)
    source.failing.clear()
    source.poke()
    await it.settle()
    expect(client.take()).toEqual(['RDATA receipts 2 ["r"]'])
  })

  it('H13.4: reports a failed catch-up, keeps the connection, and completes it later', async () => {
    const env = testEnv()
    const source = new RecordedSource(env.clock, ['events', 'receipts'], 1)
    await using it = await serveFrom(source, {}, env)
    source.add('receipts', [[2, ['r']]], 2)
    source.poke()
    await it.settle()
    source.failing.add('receipts')
    const client = await it.connect()
    client.send('REPLICATE receipts 1', 'REPLICATE events NOW')
    await it.settle()
    expect(client.take()).toEqual([
      'POSITION events 1',
      'ERROR failed to handle replicate: reading receipts after 1 failed',
    ])
    source.failing.clear()
    source.poke()
    await it.settle()
    expect(client.take()).toEqual(['RDATA receipts 2 ["r"]', 'POSITION receipts 2'])
    expect(client.ended).toBeNull()
  })

  it('H13.4: takes a source that does not answer for one that fails, in live mode and in a catch-up', async () => {
    const env = testEnv()
    const source = new RecordedSource(env.clock, ['events', 'receipts'], 1)
    await using it = await serveFrom(source, { readWithin: 30_000 }, env)
    const client = await it.connect()
    client.send('REPLICATE ALL NOW')
    await it.settle()
    client.take()
    source.slow = [1e9]
    source.add('events', [[2, ['e']]], 2)
    source.poke()
    await it.settle(29_000)
    expect(it.server.stats.sourceFailures.get('events')).toBeUndefined()
    await it.settle(2000)
    expect(it.server.stats.sourceFailures.get('events')).toBe(1)
    source.poke()
    await it.settle()
    expect(client.take().filter((line) => !line.startsWith('PING'))).toEqual(['RDATA events 2 ["e"]'])

    source.slow = [1e9]
    client.send('REPLICATE events 1')
    await it.settle(31_000)
    const told = 'ERROR failed to handle replicate: reading events after 1 failed'
    expect(client.take().filter((line) => !line.startsWith('PING'))).toEqual([told])
    source.poke()
    await it.settle()
    expect(client.take()).toEqual(['RDATA events 2 ["e"]', 'POSITION events 2'])
    expect(client.ended).toBeNull()
  })

  it('H13.4: has a default for how long a source may take, and refuses one that is no time', async () => {
    const env = testEnv()
    await expect(
      serveFrom(new RecordedSource(env.clock, ['events'], 1), { readWithin: 0 }),
    ).rejects.toMatchObject({
      code: 'HF_BAD_OPTION',
      field: 'readWithin',
    })
    const source = new RecordedSource(env.clock, ['events'], 1)
    await using it = await serveFrom(source, {}, env)
    source.slow = [1e9]
    source.add('events', [[2, ['e']]], 2)
    source.poke()
    await it.settle(31_000)
    expect(it.server.stats.sourceFailures.get('events')).toBe(1)
  })

  it('H13.4: leaves out a row that does not fit, says so, and keeps the rest of its batch', async () => {
    const reports: object[] = []
    await using it = await serve({ log: { ...silentLog, error: (fields) => reports.push(fields) } })
    const client = await it.connect()
    client.send('REPLICATE caches NOW')
    await it.settle()
    it.source.append('caches', [['a'], ['x'.repeat(16_400)]], 1)
    it.source.append('caches', [['x'.repeat(16_400)]], 2)
    it.source.append('caches', [['b']], 3)
    await it.settle()
    expect(client.take()).toEqual(['POSITION caches 0', 'RDATA caches 1 ["a"]', 'RDATA caches 3 ["b"]'])
    expect(it.server.stats.unsendableRows.get('caches')).toBe(2)
    expect(reports).toMatchObject([
      { stream: 'caches', token: 1, bytes: 16_419 },
      { stream: 'caches', token: 2, bytes: 16_419 },
    ])
    const late = await it.connect()
    late.send('REPLICATE caches 0')
    await it.settle()
    expect(late.take()).toEqual(['RDATA caches 1 ["a"]', 'RDATA caches 3 ["b"]', 'POSITION caches 3'])
  })

  it('H13.4: pages a burst of live rows instead of failing', async () => {
    const env = testEnv()
    const source = new RecordedSource(env.clock, ['receipts', 'groups'], 1)
    await using it = await serveFrom(source, {}, env)
    const client = await it.connect()
    client.send('REPLICATE ALL NOW')
    await it.settle()
    client.take()
    const rows = Array.from({ length: 10_000 }, (_, index) => [index + 2, ['x'.repeat(50)]] as const)
    source.add('receipts', rows, 10_001)
    source.add('groups', [[2, ['g']]], 2)
    source.poke()
    await it.settle()
    expect(client.take()).toHaveLength(10_001)
  })
})

describe('what a server does with the commands of its clients', () => {
  it('7.7: hands each on with who sent it, and survives handlers that fail', async () => {
    const calls: unknown[] = []
    await using it = await serve({
      upstream: {
        userSync: ({ user, state }, { name }) => void calls.push([user, state, name]),
        federationAck: () => {
          throw new Error('broken')
        },
        removePusher: async () => Promise.reject(new Error('broken too')),
        userIp: ({ ip }) => void calls.push(ip),
      },
    })
    const client = await it.connect()
    client.send('NAME w1', 'USER_SYNC @a:x start 5', 'FEDERATION_ACK 3', 'REMOVE_PUSHER a b @a:x')
    client.send('USER_IP @a:x ["secret","1.2.3.4","UA",null,6]', 'REPLICATE events NOW')
    await it.settle()
    expect(calls).toEqual([['@a:x', 'start', 'w1'], '1.2.3.4'])
    expect(client.take()).toEqual(['POSITION events 0'])
  })

  it('4.3: forgets who was syncing, once, when the connection ends', async () => {
    const cleared: string[] = []
    await using it = await serve({
      upstream: { clearUserSync: ({ instance }) => void cleared.push(instance) },
    })
    const client = await it.connect()
    const [connection] = it.server.connections()
    client.send('USER_SYNC @a:x start 5')
    await it.settle()
    client.link.destroy({ kind: 'closed-by-us', advice: { kind: 'never' } })
    await it.settle()
    expect(cleared).toEqual([connection?.connectionId])
  })
})

describe('the keep-alive of a server', () => {
  it('H6: never leaves a gap of more than 5 s between lines', async () => {
    await using it = await serve()
    const client = await it.connect()
    const times: number[] = []
    let seen = client.lines.length
    for (let passed = 0; passed < 60_000; passed += 100) {
      await it.settle(100)
      if (client.lines.length > seen) times.push(it.env.clock.now())
      seen = client.lines.length
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5000)
    expect(Math.min(...gaps)).toBeGreaterThan(3500)
  })

  it('S6: keeps a client for ever that has never sent a PING', async () => {
    await using it = await serve()
    const client = await it.connect()
    await it.settle(3_600_000)
    expect(client.ended).toBeNull()
  })

  it('S6: ends a client 25 to 30 s after its last command, once it has sent a PING', async () => {
    await using it = await serve()
    const client = await it.connect()
    client.send('PING 1')
    await it.settle(24_900)
    expect(client.ended).toBeNull()
    await it.settle(5000)
    expect(client.ended).not.toBeNull()
    expect(it.server.stats.closeReasons.get('silent')).toBe(1)
  })
})

describe('a server that shuts down', () => {
  it('H13.5: tells every client, and closes', async () => {
    await using it = await serve()
    const clients = await Promise.all(Array.from({ length: 5 }, () => it.connect()))
    const drained = it.server.drain({ within: 1000 })
    await it.settle(1000)
    await drained
    for (const client of clients) {
      expect(client.lines.at(-1)).toBe('ERROR server shutting down')
      expect(client.ended?.kind).toBe('closed-by-peer')
    }
    expect(it.server.state.phase).toBe('closed')
  })
})

describe('an idle stream', () => {
  it('8.4: has its position repeated, so that clients can tell quiet from stuck', async () => {
    await using it = await serve({ positionEvery: 30_000 })
    const client = await it.connect()
    client.send('REPLICATE events NOW')
    await it.settle(61_000)
    expect(client.take()).toEqual(['POSITION events 0', 'POSITION events 0', 'POSITION events 0'])
  })
})

describe('a server of dialect D2', () => {
  it('W14.2: answers REPLICATE with the position of every stream, and sends every row to everybody', async () => {
    await using it = await serve({ dialect: 'D2', streams: ['events', 'caches'] })
    it.source.append('events', [['old']])
    await it.settle()
    const client = await it.connect()
    client.send('REPLICATE ')
    await it.settle()
    it.source.append('events', [['a'], ['b']], 5)
    await it.settle()
    expect(client.take()).toEqual([
      'POSITION events master 1 1',
      'POSITION caches master 0 0',
      'RDATA events master batch ["a"]',
      'RDATA events master 5 ["b"]',
    ])
  })

  it('H14.2: tells a slow client by POSITION what it has missed', async () => {
    await using it = await serve({ dialect: 'D2', streams: ['events'], highWater: 1000 })
    const client = await it.connect()
    const release = client.link.pause()
    for (let token = 1; token <= 30_000; token += 1) {
      it.source.append('events', [['x'.repeat(100)]], token)
      if (token % 100 === 0) await it.settle()
    }
    release()
    await it.settle(100)
    const lines = client.take()
    const missed = lines.find((line) => line.startsWith('POSITION'))
    const [, , , previous, token] = (missed ?? '').split(' ')
    expect(token).toBe('30000')
    expect(lines.filter((line) => line.startsWith('RDATA')).at(-1)).toMatch(
      new RegExp(`^RDATA events master ${previous} `),
    )
  })
})
