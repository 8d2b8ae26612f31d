import { OptionError, StoreError } from '../index.js'

/**
 * The answer of Redis.
 *
 * @param code - what it means where there is none
 * @throws (rejects) a `StoreError` of that code
 */
export async function askRedis(
  key: string,
  code: StoreError['code'],
  asked: Promise<unknown>,
): Promise<unknown> {
  try {
    return await asked
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError(code, key, `Redis could not be asked: ${said}`, { cause })
  }
}

/** @throws an `OptionError` unless this can be a key of Redis */
export function checkKey(key: unknown): void {
  if (typeof key !== 'string' || key === '') throw new OptionError('key', 'the name of a key', key)
}
