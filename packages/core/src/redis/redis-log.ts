import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { whole } from '../budget.js'
import type { Budget, FeedPage } from '../index.js'
import { StoreError } from '../index.js'
import { askRedis, checkKey } from './ask-redis.js'

/** Options of {@link redisLog}. */
export interface RedisLogOptions {
  /** The application's own client, which it connects, watches and closes. */
  readonly redis: Pick<Redis, 'eval' | 'duplicate'>
  /** The key of a stream; which log it is stands beside it, at `KEY:epoch`. */
  readonly key: string
  /**
   * How many of the newest items are kept at least.
   *
   * @defaultValue all
   */
  readonly keep?: number
}

/** A log in Redis, to which processes on many machines append, and which each of them can serve. */
export interface RedisLog extends AsyncDisposable {
  /** Which log this is: positions of another one mean nothing here. */
  readonly epoch: string
  /** The position of the newest item that was loaded or handed to {@link RedisLog.follow}; the first item has 1. */
  readonly head: number
  /**
   * Appends items, all or none, and returns the position of the last one. Where the answer is lost with the connection,
   * they may be there; a client with `autoResendUnfulfilledCommands`, as is usual, then appends them once more.
   *
   * @throws (rejects) a `StoreError`: `HF_STORE_WRITE_FAILED` when Redis cannot be asked, or `HF_STORE_CORRUPT` when it
   * has lost the log
   */
  append(items: readonly string[]): Promise<number>
  /** As `read` of a feed: see `FeedOptions`. */
  read(after: number, upTo: number, limit: Budget): Promise<FeedPage<number, string> | 'too-old'>
  /**
   * Hands over what anybody appends from now on, in order and once, across every loss of the connection. To be called
   * once.
   *
   * @returns resolves when the log is closed; rejects when it cannot be followed: what `appended` throws, or a
   * `StoreError`: `HF_STORE_CORRUPT` when Redis has lost the log or what came next in it, or `HF_STORE_UNREADABLE` when it
   * refuses to be asked, for example for want of a right
   */
  follow(appended: (items: readonly string[], to: number) => void): Promise<void>
}

/**
 * Opens a log in a stream of Redis, for a `feed()`: whoever read from one process goes on at another one.
 *
 * An item is durable as far as Redis is, by its `appendfsync` and replication. If Redis loses the log, its `epoch` is
 * another one: who is open rejects, so that no position is taken for one of the log that was.
 *
 * @throws (rejects) an `OptionError`, or a `StoreError` `HF_STORE_UNREADABLE` when Redis cannot be asked
 *
 * @example
 * ```ts no-run
 * import { feed } from '@holdfast/core'
 * import { nodeEnv } from '@holdfast/core/node'
 * import { redisLog } from '@holdfast/core/redis'
 * import { Redis } from 'ioredis'
 *
 * const log = await redisLog({ redis: new Redis('redis://127.0.0.1:6379'), key: 'news', keep: 100_000 })
 * const news = feed<number, string>({
 *   env: nodeEnv({ name: 'news' }),
 *   compare: (a, b) => a - b,
 *   head: () => log.head,
 *   read: (after, upTo, limit) => log.read(after, upTo, limit),
 *   sizeOf: (item) => item.length,
 *   page: { bytes: 65_536, count: 500 },
 *   live: { bytes: 1_048_576 },
 * })
 * await log.append(['first', 'second'])
 * process.once('SIGTERM', () => void log[Symbol.asyncDispose]())
 * await log.follow((items, to) => news.publish(items, to)) // until then
 * ```
 */
export async function redisLog(options: RedisLogOptions): Promise<RedisLog> {
  const { redis, key, keep } = options
  checkKey(key)
  if (keep !== undefined) whole('keep', keep, 1)
  const [epoch, head] = (await ask(redis, key, 'HF_STORE_UNREADABLE', open, randomUUID())) as [string, number]
  return new Log(redis, key, keep ?? Infinity, epoch, head)
}

/** Entries have the ids 1-0, 2-0 and so on; the last one is remembered also where it was trimmed away. */
const lastPosition = `
local function last()
  local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
  if info.err then return 0 end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return tonumber(string.match(info[i + 1], '^%d+')) end
  end
end`

const open = `${lastPosition}
redis.call('SET', KEYS[2], ARGV[1], 'NX')
return { redis.call('GET', KEYS[2]), last() }`

const append = `${lastPosition}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return false end
local at = last()
for i = 3, #ARGV do
  at = at + 1
  redis.call('XADD', KEYS[1], string.format('%.0f-0', at), 'item', ARGV[i])
end
if ARGV[2] ~= 'Infinity' then redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2]) end
return at`

const range = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return false end
return redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4])`

/** How long a blocking read waits at most: by then a Redis that has lost the log is found out. */
const lookEvery = 5000

/** Read at a time where nobody says how much. */
const usualCount = 256

type Entry = readonly [id: string, fields: readonly [name: string, item: string]]

class Log implements RedisLog {
  readonly epoch: string
  readonly #redis: RedisLogOptions['redis']
  readonly #key: string
  readonly #keep: number
  #head: number
  #follower: Redis | null = null
  #isClosed = false

  constructor(redis: RedisLogOptions['redis'], key: string, keep: number, epoch: string, head: number) {
    this.epoch = epoch
    this.#redis = redis
    this.#key = key
    this.#keep = keep
    this.#head = head
  }

  get head(): number {
    return this.#head
  }

  async append(items: readonly string[]): Promise<number> {
    const args = [this.epoch, String(this.#keep), ...items]
    return (await this.#ask(this.#redis, 'HF_STORE_WRITE_FAILED', append, ...args)) as number
  }

  async read(after: number, upTo: number, limit: Budget): Promise<FeedPage<number, string> | 'too-old'> {
    const entries = await this.#range(this.#redis, after, `${upTo}-0`, limit.count ?? usualCount)
    const items: string[] = []
    let bytes = 0
    for (const [id, [, item]] of entries) {
      if (positionOf(id) !== after + items.length + 1) return 'too-old'
      bytes += Buffer.byteLength(item)
      if (items.length > 0 && bytes > limit.bytes) break
      items.push(item)
    }
    return items.length === 0 && after < upTo ? 'too-old' : { items, to: after + items.length }
  }

  async follow(appended: (items: readonly string[], to: number) => void): Promise<void> {
    // Blocked, a connection can do nothing else. It is found dead by its silence, and asks again on the next one.
    const follower = this.#redis.duplicate({ maxRetriesPerRequest: null, socketTimeout: 3 * lookEvery })
    this.#follower = follower
    // A connection that fails is no news: the client makes the next one, and what it had asked is asked again there.
    follower.on('error', () => undefined)
    try {
      for (;;) {
        await this.#takeNew(follower, appended)
        if (this.#isClosed) return
        const next = follower.xread('COUNT', 1, 'BLOCK', lookEvery, 'STREAMS', this.#key, `${this.#head}-0`)
        await askRedis(this.#key, 'HF_STORE_UNREADABLE', next)
      }
    } catch (failure) {
      if (!this.#isClosed) throw failure
    } finally {
      follower.disconnect()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#follower?.disconnect()
    return Promise.resolve()
  }

  async #takeNew(follower: Redis, appended: (items: readonly string[], to: number) => void): Promise<void> {
    for (;;) {
      const entries = await this.#range(follower, this.#head, '+', usualCount)
      const [first] = entries
      if (first === undefined || this.#isClosed) return
      if (positionOf(first[0]) !== this.#head + 1)
        throw this.#corrupt(`what came after ${this.#head} is gone`)
      this.#head += entries.length
      appended(
        entries.map(([, [, item]]) => item),
        this.#head,
      )
    }
  }

  async #range(
    redis: Pick<Redis, 'eval'>,
    after: number,
    upTo: string,
    count: number,
  ): Promise<readonly Entry[]> {
    const args = [this.epoch, `${after + 1}-0`, upTo, String(count)]
    return (await this.#ask(redis, 'HF_STORE_UNREADABLE', range, ...args)) as readonly Entry[]
  }

  async #ask(
    redis: Pick<Redis, 'eval'>,
    code: StoreError['code'],
    script: string,
    ...args: readonly string[]
  ): Promise<unknown> {
    const answer = await ask(redis, this.#key, code, script, ...args)
    if (answer === null) throw this.#corrupt('Redis has lost the log, and may hold another one')
    return answer
  }

  #corrupt(what: string): StoreError {
    return new StoreError('HF_STORE_CORRUPT', this.#key, `${what}; open it again, and let readers start over`)
  }
}

function ask(
  redis: Pick<Redis, 'eval'>,
  key: string,
  code: StoreError['code'],
  script: string,
  ...args: readonly string[]
): Promise<unknown> {
  return askRedis(key, code, redis.eval(script, 2, key, `${key}:epoch`, ...args))
}

function positionOf(id: string): number {
  return Number.parseInt(id, 10)
}
