import { CommandError } from '@holdfast/core/program'

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
