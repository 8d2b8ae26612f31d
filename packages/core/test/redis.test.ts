import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { fullJitter, type LinkScope, lifecycle } from '../src/index.js'
import { nodeEnv } from '../src/node/index.js'
import { redisAddress, redisChannel, redisStore } from '../src/redis/index.js'
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
