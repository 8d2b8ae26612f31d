import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { feed, fullJitter, type LinkScope, lifecycle, OptionError } from '../src/index.js'
import { nodeEnv } from '../src/node/index.js'
import { type RedisLog, redisAddress, redisChannel, redisLog, redisStore } from '../src/redis/index.js'
import { fakeScope } from '../src/testing/index.js'
import { hasRedis, RedisProgram } from './redis-program.js'

describe('redisAddress', () => {
  it('keeps credentials out of what is logged', () => {
    expect(redisAddress('rediss://me:p%40ss@cache.example:7000/3')).toEqual({
      uri: 'rediss://cache.example:7000/3',
      credentials: { username: 'me', password: 'p@ss' },
    })
    expect(redisAddress('unix:/run/redis.sock')).toEqual({ uri: 'unix:/run/redis.sock', credentials: {} })
    expect(() => redisAddress('http://me:secret@host')).toThrow(/^(?!.*secret)/)
  })

  it.each(['redis://:100%@host', 'redis://host/two', 'redis://host/2?secret', 'redis:///2', 'unix:', 'host'])(
    'refuses %s, and does not quote it',
    (url) => {
      const refused = expect(() => redisAddress(url))
      refused.toThrow(OptionError)
      refused.toThrow(/^url must be .* got "\(not shown\)"$/)
    },
  )
})

describe.skipIf(!hasRedis)('redisChannel (skipped where there is no redis-server)', () => {
  it('carries messages to everybody, the sender too, and comes back after kill -9 of Redis', async () => {
    await using redis = await RedisProgram.start()
    await using one = talker(redis.path)
    await using two = talker(redis.path)
    await Promise.all([one.life.whenReady(), two.life.whenReady()])
    expect(one.say('first')).toBe('sent')
    await vi.waitFor(() => expect([one.heard, two.heard]).toEqual([['first'], ['first']]))
    await redis.kill()
    await vi.waitFor(() => expect([one.life.current, two.life.current]).toEqual([null, null]))
    await redis.start()
    await Promise.all([one.life.whenReady(), two.life.whenReady()])
    two.say('second')
    await vi.waitFor(() =>
      expect([one.heard, two.heard]).toEqual([
        ['first', 'second'],
        ['first', 'second'],
      ]),
    )
  })

  it('holds back while the link is paused, and answers a ping', async () => {
    await using redis = await RedisProgram.start()
    await using one = talker(redis.path)
    await using two = talker(redis.path)
    await Promise.all([one.life.whenReady(), two.life.whenReady()])
    const release = one.scope?.link.pause()
    for (let number = 0; number < 100; number += 1) two.say(`${number}`)
    await vi.waitFor(() => expect(two.heard).toHaveLength(100))
    expect(one.heard).toEqual([])
    release?.()
    await vi.waitFor(() => expect(one.heard).toEqual(two.heard))
  })

  it('a Redis that answers nothing any more is noticed as silent', async () => {
    await using redis = await RedisProgram.start()
    await using one = talker(redis.path)
    await one.life.whenReady()
    // Lives on by its pongs alone for longer than it may be silent.
    await vi.waitFor(() => expect(one.probes).toBeGreaterThan(10))
    expect(one.ends).toEqual([])
    const admin = new Redis(redis.path)
    await admin.client('PAUSE', 5000, 'ALL')
    await vi.waitFor(() => expect(one.ends).toEqual(['silent']), { timeout: 5000 })
    admin.disconnect()
  })

  it('flushes what was written before a graceful end', async () => {
    await using redis = await RedisProgram.start()
    await using one = talker(redis.path)
    await using two = talker(redis.path)
    await Promise.all([one.life.whenReady(), two.life.whenReady()])
    for (let number = 0; number < 200; number += 1) one.say('last words')
    await one.life.drain()
    await vi.waitFor(() => expect(two.heard).toHaveLength(200))
  })

  it('says why a dial failed', async () => {
    await using one = talker('/nowhere/socket')
    await vi.waitFor(() =>
      expect(one.life.state).toMatchObject({ why: { kind: 'dial-failed', code: 'ENOENT' } }),
    )
  })
})

describe.skipIf(!hasRedis)('redisStore (skipped where there is no redis-server)', () => {
  it('keeps a value across kill -9 of Redis, and loads undefined where there is none', async () => {
    await using redis = await RedisProgram.start()
    await using client = connected(redis.path)
    const store = redisStore<{ at: number }>({ redis: client.redis, key: 'position' })
    expect(await store.load()).toBe(undefined)
    await store.save({ at: 7 })
    await redis.kill()
    await redis.start()
    await store.save({ at: 8 })
    expect(await redisStore({ redis: client.redis, key: 'position' }).load()).toEqual({ at: 8 })
  })

  it('belongs to whoever loaded it last: the one before cannot save any more', async () => {
    await using redis = await RedisProgram.start()
    await using client = connected(redis.path)
    const before = redisStore<number>({ redis: client.redis, key: 'position' })
    const after = redisStore<number>({ redis: client.redis, key: 'position' })
    await before.save(1)
    expect(await after.load()).toBe(1)
    await expect(before.save(2)).rejects.toMatchObject({ code: 'HF_STORE_IN_USE', path: 'position' })
    await after.save(3)
    expect(await before.load()).toBe(3)
    await before.save(4)
    await expect(after.save(5)).rejects.toMatchObject({ code: 'HF_STORE_IN_USE' })
  })

  it('replaces nothing that it cannot understand', async () => {
    await using redis = await RedisProgram.start()
    await using client = connected(redis.path)
    await client.redis.hset('position', 'value', '{"at": seven}')
    const store = redisStore<number>({ redis: client.redis, key: 'position' })
    await expect(store.load()).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT' })
    await expect(store.save(1)).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT' })
    expect(await client.redis.hget('position', 'value')).toBe('{"at": seven}')
    await client.redis.set('text', 'no hash')
    const other = redisStore<number>({ redis: client.redis, key: 'text' })
    await expect(other.load()).rejects.toMatchObject({ code: 'HF_STORE_UNREADABLE' })
  })
})

describe.skipIf(!hasRedis)('redisLog (skipped where there is no redis-server)', () => {
  it('is served by any process: who read from one goes on at the other, through kill -9 of Redis', async () => {
    await using redis = await RedisProgram.start()
    await using elsewhere = connected(redis.path)
    await using there = await served(elsewhere.redis)
    const got: string[] = []
    let at = 0
    {
      await using near = connected(redis.path)
      await using here = await served(near.redis)
      expect(await here.log.append(['a', 'b'])).toBe(2)
      at = await here.readUntil(['a', 'b'], at, got)
      // By whoever appends, on whichever machine.
      expect(await there.log.append(['c'])).toBe(3)
      at = await here.readUntil(['a', 'b', 'c'], at, got)
    }
    await redis.kill()
    await redis.start()
    await there.log.append(['d'])
    at = await there.readUntil(['a', 'b', 'c', 'd'], at, got)
    await there.log.append(['e'])
    await there.readUntil(['a', 'b', 'c', 'd', 'e'], at, got)
    expect(there.published).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('keeps so many, says too-old below them, and counts on when opened again', async () => {
    await using redis = await RedisProgram.start()
    await using client = connected(redis.path)
    const log = await redisLog({ redis: client.redis, key: 'log', keep: 100 })
    expect(log.head).toBe(0)
    const items = Array.from({ length: 1000 }, (_, index) => `item ${index + 1}`)
    expect(await log.append(items)).toBe(1000)
    expect(await log.read(0, 1000, { bytes: 1000 })).toBe('too-old')
    expect(await log.read(998, 1000, { bytes: 1000 })).toEqual({ items: ['item 999', 'item 1000'], to: 1000 })
    expect(await log.read(990, 1000, { bytes: 1, count: 5 })).toEqual({ items: ['item 991'], to: 991 })
    expect(await log.read(900, 1000, { bytes: 1000, count: 2 })).toMatchObject({ to: 902 })
    const again = await redisLog({ redis: client.redis, key: 'log' })
    expect([again.head, again.epoch]).toEqual([1000, log.epoch])
    await expect(redisLog({ redis: client.redis, key: '' })).rejects.toThrow('key')
  })

  it.each([2.5, 0, Number.NaN])(
    'does not open to keep %d, which Redis would refuse at each append',
    async (keep) => {
      const redis = {
        eval: () => Promise.reject(new Error('asked')),
        duplicate: () => new Redis({ lazyConnect: true }),
      }
      await expect(redisLog({ redis, key: 'log', keep })).rejects.toMatchObject({ field: 'keep' })
    },
  )

  it('says what is refused to who follows it', async () => {
    await using redis = await RedisProgram.start()
    await using client = connected(redis.path)
    const log = await redisLog({ redis: client.redis, key: 'log' })
    await client.redis.acl('SETUSER', 'default', '-xread')
    const message = expect.stringContaining('NOPERM') as string
    await expect(log.follow(() => undefined)).rejects.toMatchObject({ code: 'HF_STORE_UNREADABLE', message })
  })

  it('that Redis has lost is not taken for the one that comes next', async () => {
    await using redis = await RedisProgram.start()
    await using client = connected(redis.path)
    const log = await redisLog({ redis: client.redis, key: 'log' })
    await log.append(['a', 'b'])
    const lost = expect(log.follow(() => undefined)).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT' })
    await client.redis.flushall()
    const next = await redisLog({ redis: client.redis, key: 'log' })
    expect(next.epoch).not.toBe(log.epoch)
    await expect(log.append(['c'])).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT', path: 'log' })
    await next.append(['x', 'y', 'z'])
    await lost
    await client.redis.del('log')
    await client.redis.set('log', 'no stream')
    await expect(next.read(0, 3, { bytes: 1 })).rejects.toMatchObject({ code: 'HF_STORE_UNREADABLE' })
    await expect(next.append(['a'])).rejects.toMatchObject({ code: 'HF_STORE_WRITE_FAILED' })
  })
})

interface Served extends AsyncDisposable {
  readonly log: RedisLog
  readonly published: readonly string[]
  /** A reader takes from `from` on, until it has got all; its position then. */
  readUntil(all: readonly string[], from: number, got: string[]): Promise<number>
}

/** A log of `log`, and a feed that serves it. */
async function served(redis: Redis): Promise<Served> {
  const log = await redisLog({ redis, key: 'log' })
  const published: string[] = []
  const items = feed<number, string>({
    env: nodeEnv({ name: 'log' }),
    compare: (a, b) => a - b,
    head: () => log.head,
    read: (after, upTo, limit) => log.read(after, upTo, limit),
    sizeOf: (item) => item.length,
    page: { bytes: 1 },
    live: { bytes: 100 },
  })
  const following = log.follow((newest, to) => {
    published.push(...newest)
    items.publish(newest, to)
  })
  return {
    log,
    published,
    async readUntil(all, from, got) {
      const reader = items.open(fakeScope(), from, {
        send: (some) => {
          got.push(...some)
          return 'sent'
        },
        caughtUp: () => undefined,
        failed: (why) => got.push(String(why)),
      })
      await vi.waitFor(() => expect(got).toEqual(all), { timeout: 10_000, interval: 5 })
      reader.close()
      return reader.at
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await following
    },
  }
}

function connected(path: string): AsyncDisposable & { readonly redis: Redis } {
  const redis = new Redis(path, { retryStrategy: () => 20 })
  redis.on('error', () => undefined)
  return {
    redis,
    [Symbol.asyncDispose]: () => {
      redis.disconnect()
      return Promise.resolve()
    },
  }
}

/** Somebody on a channel. */
function talker(path: string) {
  const heard: string[] = []
  const ends: string[] = []
  let scope: LinkScope | null = null
  let probes = 0
  const life = lifecycle({
    env: nodeEnv({ name: 'talker' }),
    dialer: redisChannel(),
    endpoints: [{ uri: `unix:${path}`, channel: 'talk' }],
    backoff: fullJitter({ floor: 5, base: 10, cap: 50 }),
    keepalive: { arm: 'at-open', sendEvery: 50, hearWithin: 300 },
    protocol: (opened) => {
      scope = opened
      opened.ready()
      return {
        message: (text) => void heard.push(String(text)),
        probe: () => {
          probes += 1
          opened.link.ping?.()
        },
        ended: ({ kind }) => void ends.push(kind),
      }
    },
  })
  life.start()
  return {
    ...{ life, heard, ends },
    get probes() {
      return probes
    },
    get scope() {
      return scope
    },
    say: (text: string) => scope?.link.write(text),
    [Symbol.asyncDispose]: () => life[Symbol.asyncDispose](),
  }
}
