import { HoldfastError } from '@holdfast/core'
import { ConfigError, exitCodes } from '@holdfast/core/service'
import { programName } from './program-name.js'

/** Ends a command that is no service: says why on standard error, and exits with the code. */
export function fail(code: number, why: string): never {
  process.stderr.write(`${programName}: ${why}\n`)
  process.exit(code)
}

/** The action of a command, with errors that are meant for people told to them. */
export function action<A extends readonly unknown[]>(
  run: (...args: A) => Promise<void> | void,
): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await run(...args)
    } catch (cause) {
      if (!(cause instanceof HoldfastError)) throw cause
      fail(cause instanceof ConfigError ? exitCodes.usage : exitCodes.failure, cause.message)
    }
  }
}
