import { type Log, silentLog } from '@holdfast/core'
import { testEnv } from '@holdfast/core/testing'
import {
  memorySource,
  type ReplicationSource,
  replicationServer,
  type SourceEvent,
  type SourcePage,
} from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'
import { serve, serveFrom } from './support/served.js'

/** A log that keeps its lines as JSON. */
function keptLog(): { log: Log; lines: string[] } {
  const lines: string[] = []
  const keep = (fields: object, text: string): void => void lines.push(JSON.stringify({ text, ...fields }))
  return { log: { debug: keep, info: keep, warn: keep, error: keep }, lines }
}

/** A source that answers as the test says. */
class OddSource implements ReplicationSource {
  readonly streams = ['events']
  at = 0
  oldest = 0
  reads = 0
  answer: (after: number, upTo: number) => Promise<SourcePage | 'too-old'>
  tell: (event: SourceEvent) => void = () => undefined

  constructor(answer: OddSource['answer']) {
    this.answer = answer
  }

  head(): number {
    return this.at
  }

  first(): number {
    return this.oldest
  }

  read(_stream: string, after: number, upTo: number): Promise<SourcePage | 'too-old'> {
    this.reads += 1
    return this.answer(after, upTo)
  }

  subscribe(listener: (event: SourceEvent) => void): () => void {
    this.tell = listener
    return () => undefined
  }

  /** The head moves without rows at hand. */
  grow(to: number): void {
    const from = this.at
    this.at = to
    this.tell({ kind: 'appended', stream: 'events', from, to })
  }
}

const batch = (token: number): SourcePage['batches'][number] => ({ token, rows: [`[${token}]`] })

describe('a server whose client is hostile', () => {
  it('H7.2: reads the source once at a time for a client that asks for a stream over and over', async () => {
    const pending: (() => void)[] = []
    const source = new OddSource(
      (_after, upTo) =>
        new Promise((resolve) => pending.push(() => resolve({ batches: [batch(upTo)], to: upTo }))),
    )
    source.at = 5
    await using it = await serveFrom(source, { log: silentLog })
    const client = await it.connect()
    client.link.write('REPLICATE events 0\n'.repeat(10_000))
    await it.settle()
    expect(source.reads).toBe(1)
    pending.shift()?.()
    await it.settle()
    expect(source.reads).toBe(2)
    pending.shift()?.()
    await it.settle()
    expect(client.take()).toEqual([
      'RDATA events 5 [5]',
      'POSITION events 5',
      'RDATA events 5 [5]',
      'POSITION events 5',
    ])
  })

  it('H7.2: goes on from where the client asked last', async () => {
    await using it = await serve()
    for (let token = 1; token <= 3; token += 1) it.source.append('events', [[token]], token)
    const client = await it.connect()
    client.send('REPLICATE events 0', 'REPLICATE events 1', 'REPLICATE events 2')
    await it.settle()
    it.source.append('events', [['live']], 4)
    await it.settle()
    expect(client.take().map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      ...['RDATA events 1', 'RDATA events 2', 'RDATA events 3', 'POSITION events 3'],
      ...['RDATA events 3', 'POSITION events 3', 'RDATA events 4'],
    ])
  })

  it('I25: stops reading from a client whose commands take the application long', async () => {
    const done: (() => void)[] = []
    const userSync = (): Promise<void> => new Promise((resolve) => done.push(resolve))
    await using it = await serve({ upstream: { userSync } })
    const client = await it.connect()
    for (let sent = 0; sent < 500; sent += 1) client.send('USER_SYNC @u:x start 1')
    await it.settle()
    expect(done.length).toBeLessThan(150)
    while (done.length > 0) {
      for (const finish of done.splice(0)) finish()
      await it.settle()
    }
    expect(it.server.stats.inboundCommands.get('USER_SYNC')).toBe(500)
  })

  it('H11: lets no client fill logs, labels or terminals', async () => {
    const { log, lines } = keptLog()
    await using it = await serve({ log })
    const client = await it.connect()
    const long = 'x'.repeat(16_000)
    client.send(`NAME \u001b[2J\r${long}`)
    for (let sent = 0; sent < 1000; sent += 1) client.send(`ERROR ${long}`)
    await it.settle()
    const [connection] = it.server.connections()
    expect(connection?.name.length).toBeLessThan(300)
    expect(connection?.name).toMatch(/^\\x1b\[2J\\x0d/)
    const reports = lines.filter((line) => line.includes('the client reports'))
    expect(reports).toHaveLength(10)
    expect(Math.max(...reports.map((line) => line.length))).toBeLessThan(1000)
  })
})

describe('a server whose source breaks its promises', () => {
  it.each<[string, (after: number, upTo: number) => SourcePage]>([
    ['does not go on', (after) => ({ batches: [], to: after })],
    ['goes back', (after) => ({ batches: [], to: after - 1 })],
    ['goes too far', (_after, upTo) => ({ batches: [batch(upTo + 1)], to: upTo + 1 })],
    ['is out of order', (_after, upTo) => ({ batches: [batch(upTo), batch(upTo - 1)], to: upTo })],
    ['repeats what was read', (after, upTo) => ({ batches: [batch(after)], to: upTo })],
  ])('H13.4: fails the stream, and reads no further, where a page %s', async (_how, page) => {
    const source = new OddSource((after, upTo) => Promise.resolve(page(after, upTo)))
    await using it = await serveFrom(source, { log: silentLog })
    const client = await it.connect()
    client.send('REPLICATE events 0')
    await it.settle()
    client.take()
    source.grow(5)
    await it.settle()
    expect(source.reads).toBe(1)
    expect(client.take()).toEqual([])
    expect(it.server.stats.sourceFailures.get('events')).toBe(1)
    client.send('REPLICATE events 0')
    source.answer = (_after, upTo) => Promise.resolve({ batches: [batch(5)].slice(0, upTo), to: upTo })
    source.grow(6)
    await it.settle()
    expect(client.take()).toContain('RDATA events 5 [5]')
  })

  it('H9.4: tells live clients of rows that went before anybody read them', async () => {
    const source: OddSource = new OddSource((after, upTo) =>
      Promise.resolve(after < source.oldest ? 'too-old' : { batches: [batch(upTo)], to: upTo }),
    )
    await using it = await serveFrom(source)
    const client = await it.connect()
    client.send('REPLICATE events 0')
    await it.settle()
    client.take()
    source.oldest = 7
    source.grow(9)
    await it.settle()
    expect(client.take()).toEqual([
      'ERROR stream events has lost rows after 0: it begins at 7',
      'POSITION events 7',
      'RDATA events 9 [9]',
    ])
  })

  it('H9.3.5: notices a head that went back without a word', async () => {
    const source = new OddSource((_after, upTo) => Promise.resolve({ batches: [batch(upTo)], to: upTo }))
    source.at = 5
    await using it = await serveFrom(source, { positionEvery: 30_000 })
    const client = await it.connect()
    client.send('REPLICATE events 5')
    await it.settle()
    client.take()
    source.at = 2
    await it.settle(30_000)
    source.grow(3)
    await it.settle()
    expect(client.take().filter((line) => !line.startsWith('PING'))).toEqual([
      'POSITION events 2',
      'POSITION events 2',
      'RDATA events 3 [3]',
    ])
    expect(it.server.stats.resets.get('events')).toBe(1)
  })

  it('H7.3: takes an append from within a listener', async () => {
    const source = memorySource({ streams: ['events'] })
    source.subscribe((event) => {
      if (event.kind === 'appended' && event.to < 3) source.append('events', [[event.to + 1]])
    })
    await using it = await serveFrom(source)
    const client = await it.connect()
    client.send('REPLICATE events 0')
    await it.settle()
    client.take()
    source.append('events', [[1]])
    await it.settle()
    expect(client.take()).toEqual(['RDATA events 1 [1]', 'RDATA events 2 [2]', 'RDATA events 3 [3]'])
  })

  it('W2: is refused when a name of its streams fits into no line', async () => {
    const options = { env: testEnv(), acceptor: { accept: () => Promise.reject(new Error('never')) } }
    const at = { uri: 'memory:main' }
    const serveStreams = (...streams: string[]): Promise<unknown> =>
      replicationServer({ ...options, at, source: memorySource({ streams }), serverName: 'x' })
    await expect(serveStreams('two words')).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
    await expect(
      replicationServer({
        ...options,
        at,
        source: memorySource({ streams: ['a'] }),
        serverName: 'x'.repeat(20_000),
      }),
    ).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
  })
})
