import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { end } from '@holdfast/core'
import {
  httpStreamUpdates,
  memorySource,
  type ReplicationSource,
  streamUpdatesHandler,
} from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'
import { Followed } from './support/followed.js'

const row = (name: string): string => `["!room:x",["${name}"]]`
const noFederation = "ERROR failed to handle replicate: Exception('unknown stream %s', 'federation')"

describe('a server that does not have every stream', () => {
  it('8.1: in D1 an optional stream that it refuses is left out of the next connection', async () => {
    await using it = new Followed([{ stream: 'typing' }, { stream: 'federation', optional: true }])
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing NOW', 'REPLICATE federation NOW'])
    await it.says('POSITION typing 1', noFederation)
    expect(it.problems).toContainEqual({ kind: 'not-served', stream: 'federation' })
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 1'])
    await it.says('POSITION typing 1')
    expect(it.client.state.phase).toBe('ready')
  })

  it('8.1: it is asked for again after a link that was ready, because the server may have restarted', async () => {
    await using it = new Followed([{ stream: 'typing' }, { stream: 'federation', optional: true }])
    await it.connect()
    await it.says(noFederation)
    await it.connect()
    await it.says('POSITION typing 1')
    it.link.closeByPeer()
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 1', 'REPLICATE federation NOW'])
  })

  it('8.1: a stream that is not optional is asked for on every connection', async () => {
    await using it = new Followed([{ stream: 'typing' }, { stream: 'federation' }])
    await it.connect()
    await it.says('POSITION typing 1', noFederation)
    it.link.closeByPeer()
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing 1', 'REPLICATE federation NOW'])
    expect(it.problems.map(({ kind }) => kind)).not.toContain('not-served')
  })

  it('14.2: in D2 optional streams without a position hold nothing up once positions have stopped coming', async () => {
    const streams = [{ stream: 'typing' }, { stream: 'groups', optional: true }]
    await using it = new Followed(streams, { dialect: 'D2' })
    await it.connect()
    await it.settle(5000)
    expect(it.client.state.phase).toBe('handshaking')
    await it.says('POSITION typing master 1 1')
    await it.settle(1000)
    expect(it.client.state.phase).toBe('ready')
    expect(it.problems).toEqual([{ kind: 'not-served', stream: 'groups' }])
  })

  it('14.2: in D2 positions of others show that the one optional stream has none', async () => {
    await using it = new Followed([{ stream: 'groups', optional: true }], { dialect: 'D2' })
    await it.connect()
    await it.says('POSITION typing master 1 1')
    await it.settle(900)
    await it.says('POSITION events master 1 1')
    expect(it.client.state.phase).toBe('handshaking')
    await it.settle(100)
    expect(it.client.state.phase).toBe('ready')
    expect(it.problems).toEqual([{ kind: 'not-served', stream: 'groups' }])
  })

  it('14.2: in D2 a position that comes late after all is taken', async () => {
    const streams = [{ stream: 'typing' }, { stream: 'push_rules', optional: true }]
    await using it = new Followed(streams, { dialect: 'D2' })
    await it.connect()
    await it.says('POSITION typing master 1 1')
    await it.settle(1000)
    it.took()
    await it.says('POSITION push_rules master 3 3', 'RDATA push_rules master 4 ["@a:x"]')
    expect(it.took()).toEqual(['push_rules reset first-time at 3', 'push_rules 4 ["@a:x"] → 4'])
  })
})

describe('a client that does not know the dialect yet', () => {
  const streams = [{ stream: 'typing' }, { stream: 'caches' }, { stream: 'receipts' }]

  it('14.5: sends one REPLICATE, because a D2 server answers each to all of its clients', async () => {
    await using it = new Followed(streams, { dialect: 'auto' })
    await it.connect()
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing NOW'])
    await it.says('POSITION typing master 1 1', 'POSITION caches master 1 1', 'POSITION receipts master 1 1')
    expect(it.client.state.phase).toBe('ready')
    expect(it.wrote()).toEqual([])
  })

  it('14.5: asks a D1 server for the rest once it has answered', async () => {
    await using it = new Followed(streams, { dialect: 'auto' })
    await it.connect()
    it.wrote()
    await it.says('POSITION typing 1')
    expect(it.wrote()).toEqual(['REPLICATE caches NOW', 'REPLICATE receipts NOW'])
    await it.says('POSITION caches 1', 'POSITION receipts 1')
    expect(it.client.state.phase).toBe('ready')
  })

  it('8.5: loads its state once, though the position is told again meanwhile', async () => {
    await using it = new Followed([{ stream: 'typing' }], { dialect: 'D2' })
    await it.connect()
    await it.says('POSITION typing master 1 1', 'POSITION typing master 1 1')
    expect(it.took()).toEqual(['typing reset first-time at 1'])
  })
})

describe('a server that is away for long', () => {
  it('8.8: is tried at least every 5 s while nobody answers', async () => {
    await using it = new Followed([{ stream: 'typing' }])
    await it.connect()
    await it.says('POSITION typing 1')
    it.link.closeByPeer()
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const links = it.dialer.links.length
      await it.settle(5000)
      expect(it.dialer.links.length).toBeGreaterThan(links)
      it.link.fail(end('dial-failed'))
    }
  })

  it('8.8: costs no long wait when it is back without an optional stream', async () => {
    await using it = new Followed([{ stream: 'typing' }, { stream: 'federation', optional: true }])
    await it.client.start()
    for (let attempt = 0; attempt < 20; attempt += 1) {
      it.link.fail(end('dial-failed'))
      await it.settle(5000)
    }
    await it.connect()
    await it.says(noFederation)
    const links = it.dialer.links.length
    await it.settle(200)
    expect(it.dialer.links.length).toBe(links + 1)
  })
})

describe('a D2 server whose positions went back', () => {
  it('9.3.5: rows that come with the lower position are above it, not repeated', async () => {
    await using it = new Followed([{ stream: 'typing', from: 7 }], { dialect: 'D2' })
    await it.connect()
    await it.says('POSITION typing master 0 0', `RDATA typing master 1 ${row('a')}`)
    expect(it.took()).toEqual(['typing reset went-backwards at 0', `typing 1 ${row('a')} → 1`])
  })

  it('9.3.5: on the same link the lower position counts, too, for what is missing', async () => {
    await using it = new Followed([{ stream: 'typing', from: 7 }], {
      dialect: 'D2',
      updates: () => Promise.resolve({ updates: [[2, row('b')]], upTo: 2 }),
    })
    await it.connect()
    await it.says('POSITION typing master 0 0', 'POSITION typing master 1 2')
    expect(it.took()).toEqual(['typing reset went-backwards at 0', `typing 2 ${row('b')} → null`])
    expect(it.client.progress()).toMatchObject([{ applied: 2 }])
  })
})

/** What a worker of Synapse gets, and what our client makes of it. */
async function asked(source: ReplicationSource, from: number, upTo: number): Promise<unknown[]> {
  const answer = streamUpdatesHandler({ source })
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const path = `/_synapse/replication/get_repl_stream_updates/typing/abc?from_token=${from}&upto_token=${upTo}`
    const response = await fetch(`${baseUrl}${path}`)
    const updates = httpStreamUpdates({ baseUrl, random: () => 0.5 })
    const ours = await updates('typing', from, upTo, new AbortController().signal)
    return [response.status, await response.json(), ours]
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

describe('a server that is asked over HTTP for what was missed', () => {
  it('9.4: gives what it still holds, since a worker gives up a stream for an error; our client learns of the loss', async () => {
    const source = memorySource({ streams: ['typing'], retain: { bytes: 10_000, count: 2 } })
    for (const name of ['a', 'b', 'c']) source.append('typing', [name])
    expect(await asked(source, 0, 3)).toEqual([
      200,
      {
        updates: [
          [2, 'b'],
          [3, 'c'],
        ],
        upto_token: 3,
        limited: false,
        first: 1,
      },
      'too-old',
    ])
  })

  it('14.3: never says that there is more where a reset has put the position out of reach', async () => {
    const source = memorySource({ streams: ['typing'] })
    for (const name of ['a', 'b', 'c']) source.append('typing', [name])
    source.reset('typing', 1)
    expect(await asked(source, 0, 3)).toEqual([
      200,
      { updates: [[1, 'a']], upto_token: 3, limited: false },
      { updates: [[1, '"a"']], upTo: 3 },
    ])
    expect(await asked(source, 2, 3)).toEqual([
      200,
      { updates: [], upto_token: 3, limited: false },
      { updates: [], upTo: 3 },
    ])
  })
})
