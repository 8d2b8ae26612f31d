import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Store } from '../index.js'
import { StoreError } from '../index.js'
import { askRedis, checkKey } from './ask-redis.js'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions<T> {
  /** The application's own client, which it connects, watches and closes; it may serve many stores. */
  readonly redis: Pick<Redis, 'eval'>
  /** The key, which becomes a hash with the fields `owner` and `value`. */
  readonly key: string
  /**
   * Checks what was read and gives it its type; throws when it is not what was saved. A zod schema's `parse` fits.
   *
   * @defaultValue takes any JSON as it is
   */
  readonly parse?: (json: unknown) => T
}

/**
 * Keeps one value as JSON in Redis, where a process on another machine can take it over.
 *
 * Whoever loads last owns the value: `load` takes it over, and from then on every `save` by an earlier owner rejects
 * with `HF_STORE_IN_USE`. So a process that was only thought dead cannot undo what its successor has saved. It may
 * have gone on working meanwhile, so effects that must not happen twice belong into the same system as the value.
 *
 * A save resolves once Redis has answered: the value then survives a crash of this process, and one of Redis as far as
 * its `appendfsync` and replication go. A value that cannot be understood is never replaced by a fresh start: `load`
 * and `save` reject with `HF_STORE_CORRUPT`, and with `HF_STORE_UNREADABLE` or `HF_STORE_WRITE_FAILED` where Redis cannot
 * be asked; how long that is waited for says the client's `maxRetriesPerRequest`.
 *
 * @example
 * ```ts no-run
 * import { Redis } from 'ioredis'
 * import { redisStore } from '@holdfast/core/redis'
 *
 * const redis = new Redis('redis://127.0.0.1:6379')
 * const here = redisStore<number>({ redis, key: 'position' })
 * const there = redisStore<number>({ redis, key: 'position' })
 * await here.load()
 * await here.save(7)
 * await there.load() // 7, and here.save() rejects from now on
 * ```
 */
export function redisStore<T>(options: RedisStoreOptions<T>): Store<T> {
  checkKey(options.key)
  return new RedisStore(options.redis, options.key, options.parse ?? ((json) => json as T))
}

const takeOver = `
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
return redis.call('HGET', KEYS[1], 'value')`

const replace = `
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'value', ARGV[2])
return 1`

class RedisStore<T> implements Store<T> {
  readonly #redis: Pick<Redis, 'eval'>
  readonly #key: string
  readonly #parse: (json: unknown) => T
  /** Names this store in Redis. A save that is sent again after a lost answer is still its own. */
  readonly #owner = randomUUID()
  /** The value was understood, and is ours. */
  #known: Promise<unknown> | null = null

  constructor(redis: Pick<Redis, 'eval'>, key: string, parse: (json: unknown) => T) {
    this.#redis = redis
    this.#key = key
    this.#parse = parse
  }

  async load(): Promise<T | undefined> {
    const text = await this.#ask('HF_STORE_UNREADABLE', takeOver)
    const value = text === null ? undefined : this.#understand(text as string)
    this.#known = Promise.resolve()
    return value
  }

  async save(value: T): Promise<void> {
    // Turned into text at once: the caller may go on to change the value.
    const text = JSON.stringify(value)
    if (this.#known === null) {
      this.#known = this.load()
      this.#known.catch(() => (this.#known = null))
    }
    await this.#known
    if ((await this.#ask('HF_STORE_WRITE_FAILED', replace, text)) === 1) return
    const taken = 'another process has taken it over, or it was deleted; stop, or load it to take it back'
    throw new StoreError('HF_STORE_IN_USE', this.#key, taken)
  }

  #ask(code: StoreError['code'], script: string, ...more: string[]): Promise<unknown> {
    return askRedis(this.#key, code, this.#redis.eval(script, 1, this.#key, this.#owner, ...more))
  }

  #understand(text: string): T {
    try {
      return this.#parse(JSON.parse(text))
    } catch (cause) {
      const found = cause instanceof Error ? cause.message : String(cause)
      const todo = 'put right its field `value`, or delete the key to start from nothing'
      throw new StoreError('HF_STORE_CORRUPT', this.#key, `not what was saved; ${todo} (${found})`, { cause })
    }
  }
}
