import { OptionError } from '@holdfast/core'
import { CommandError, exitCodes } from '@holdfast/core/program'
import type { RedisAddress } from '@holdfast/core/redis'

/**
 * What needs `ioredis`, which is there only where somebody has installed it.
 *
 * @throws (rejects) a `CommandError` where it is not
 */
export async function overRedis(): Promise<
  typeof import('../redis/index.js') & typeof import('@holdfast/core/redis')
> {
  try {
    return { ...(await import('../redis/index.js')), ...(await import('@holdfast/core/redis')) }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new CommandError('--redis needs the package ioredis: npm install ioredis, beside this one', {
      cause,
    })
  }
}

/**
 * Where the Redis of `--redis` is, and who we are to it.
 *
 * @throws (rejects) a `CommandError` that does not quote it, since there may be a password in it
 */
export async function redisAt(url: string): Promise<RedisAddress> {
  const { redisAddress } = await overRedis()
  try {
    return redisAddress(url)
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause
    throw new CommandError(`--redis: ${cause.message}`, { cause, exitCode: exitCodes.usage })
  }
}
