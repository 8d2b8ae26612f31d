import { nodeEnv } from '@holdfast/core/node'
import {
  type MemorySource,
  memorySource,
  type ReceivedBatch,
  type StreamUpdates,
} from '@holdfast/tcp-replication'
import {
  type RedisReplicationClient,
  type RedisReplicationClientOptions,
  type RedisReplicationServer,
  redisReplicationClient,
  redisReplicationServer,
} from '@holdfast/tcp-replication/redis'
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { RedisServer, redisVersion } from '../bench/redis-server.js'
import { quickly } from './support/real.js'

const serverName = 'example.com'
const noRedis = redisVersion() === null

describe.skipIf(noRedis)('14.4 replication over Redis (skipped where there is no redis-server)', () => {
  it('publishes positions, then rows, as the bytes that Synapse expects, and answers REPLICATE', async () => {
    await using redis = await RedisServer.start()
    await using heard = await Listener.on(redis.port)
    const source = memorySource({ streams: ['events', 'typing'] })
    source.append('events', [['old']])
    await using server = serve(redis.port, source)
    await heard.has(['POSITION events master 1 1', 'POSITION typing master 0 0'])
    source.append('events', [['a'], ['b']])
    await heard.has(['RDATA events master batch ["a"]', 'RDATA events master 2 ["b"]'])
    await heard.say('REPLICATE ')
    await heard.has(['REPLICATE ', 'POSITION events master 2 2', 'POSITION typing master 0 0'])
    expect(server.positions()).toEqual(
      new Map([
        ['events', 2],
        ['typing', 0],
      ]),
    )
  })

  it('tells the application what workers say', async () => {
    await using redis = await RedisServer.start()
    await using heard = await Listener.on(redis.port)
    await using server = serve(redis.port, memorySource({ streams: ['events'] }))
    const commands: string[] = []
    server.commands$.subscribe(({ name }) => commands.push(name))
    await server.whenReady()
    await heard.say('FEDERATION_ACK sender1 7')
    await heard.say('RDATA events other 9 []')
    await heard.say('nonsense')
    await heard.say('REMOTE_SERVER_UP remote.example')
    await vi.waitFor(() => expect(commands).toEqual(['FEDERATION_ACK', 'REMOTE_SERVER_UP']))
  })

  it('follows the writer of each stream, passes over the others, and takes rows of any length', async () => {
    await using redis = await RedisServer.start()
    await using heard = await Listener.on(redis.port)
    const source = memorySource({ streams: ['events'] })
    await using server = serve(redis.port, source)
    await using follower = await Follower.of(redis.port, source)
    const long = 'x'.repeat(100_000)
    await heard.say('RDATA events persister2 1 ["not ours"]')
    await heard.say('POSITION events persister2 0 50')
    await heard.say('RDATA events master')
    await heard.say('SERVER somebody.else')
    await heard.say('ERROR of somebody')
    await heard.say('LOCK_RELEASED ["worker1","lock","key"]')
    source.append('events', [long])
    await follower.has([1])
    expect(follower.batches[0]?.texts).toEqual([`"${long}"`])
    expect(follower.problems).toEqual(['bad-line'])
    expect(server.stats.unsendableRows.size).toBe(0)
  })

  it('goes on after kill -9 of Redis: what was not heard is fetched, once and in order', async () => {
    const first = await RedisServer.start()
    const source = memorySource({ streams: ['events'] })
    await using server = serve(first.port, source)
    await using follower = await Follower.of(first.port, source)
    for (let token = 1; token <= 50; token += 1) source.append('events', [[token]])
    await follower.has(tokens(50))
    await first.kill()
    await vi.waitFor(() => expect([server.state.phase, follower.client.state.phase]).not.toContain('ready'))
    for (let token = 51; token <= 80; token += 1) source.append('events', [[token]])
    await using _again = await RedisServer.start(first.port)
    await server.whenReady({ within: 20_000 })
    source.append('events', [[81]])
    await follower.has(tokens(81))
    expect(follower.resets).toEqual(['first-time'])
  })

  it('without a place to fetch from, what was missed is a reset', async () => {
    const first = await RedisServer.start()
    const source = memorySource({ streams: ['events'] })
    await using server = serve(first.port, source)
    await using follower = await Follower.of(first.port, null)
    await first.kill()
    await vi.waitFor(() => expect(server.state.phase).not.toBe('ready'))
    source.append('events', [[1]])
    await using _again = await RedisServer.start(first.port)
    await vi.waitFor(() => expect(follower.resets).toEqual(['first-time', 'peer-cannot']), patiently)
  })
})

const patiently = { timeout: 20_000, interval: 5 }

function tokens(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1)
}

function serve(port: number, source: MemorySource): RedisReplicationServer {
  const env = nodeEnv({ name: 'server' })
  return redisReplicationServer({ env, uri: `redis://127.0.0.1:${port}`, serverName, source })
}

/** A follower of `events`, brought to be ready. */
class Follower implements AsyncDisposable {
  readonly client: RedisReplicationClient
  readonly batches: ReceivedBatch[] = []
  readonly resets: string[] = []
  readonly problems: string[] = []

  private constructor(port: number, updates: RedisReplicationClientOptions['updates']) {
    this.client = redisReplicationClient({
      env: nodeEnv({ name: 'follower' }),
      uri: `redis://127.0.0.1:${port}`,
      serverName,
      name: 'follower',
      backoff: quickly,
      ...(updates && { updates }),
      streams: [
        {
          stream: 'events',
          unread: true,
          apply: (batch) => void this.batches.push(batch),
          reset: (why) => void this.resets.push(why),
        },
      ],
    })
    this.client.problems$.subscribe(({ kind }) => this.problems.push(kind))
  }

  static async of(port: number, source: MemorySource | null): Promise<Follower> {
    const follower = new Follower(port, source === null ? undefined : updatesOf(source))
    await follower.client.start()
    await follower.client.whenReady({ within: 20_000 })
    return follower
  }

  async has(expected: readonly number[]): Promise<void> {
    await vi.waitFor(() => expect(this.batches.map(({ token }) => token)).toEqual(expected), patiently)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }
}

/** Reads what was missed where the server reads it, without HTTP between. */
function updatesOf(source: MemorySource): StreamUpdates {
  return async (stream, from, upTo) => {
    const page = await source.read(stream, from, upTo, { bytes: 100 })
    if (page === 'too-old') return page
    const updates = page.batches.flatMap(({ token, rows }) => rows.map((row) => [token, row] as const))
    return { updates, upTo: page.to }
  }
}

/** Somebody else on the channel. */
class Listener implements AsyncDisposable {
  readonly #subscriber: Redis
  readonly #publisher: Redis
  readonly #lines: string[] = []

  private constructor(port: number) {
    this.#subscriber = new Redis(port, '127.0.0.1')
    this.#publisher = new Redis(port, '127.0.0.1')
    this.#subscriber.on('message', (_channel, line) => this.#lines.push(line))
  }

  static async on(port: number): Promise<Listener> {
    const listener = new Listener(port)
    await listener.#subscriber.subscribe(serverName)
    return listener
  }

  async say(line: string): Promise<void> {
    await this.#publisher.publish(serverName, line)
  }

  /** Waits for exactly these lines since the last call. */
  async has(expected: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.#lines.slice(0, expected.length)).toEqual(expected), patiently)
    this.#lines.splice(0, expected.length)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#subscriber.disconnect()
    this.#publisher.disconnect()
    return Promise.resolve()
  }
}
