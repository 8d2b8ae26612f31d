import { HoldfastError } from '@holdfast/core'
import { exitCodes } from '@holdfast/core/service'
import { programName } from './program-name.js'

/** Ends a command that is no service: says why on standard error, and exits with the code. */
export function fail(code: number, why: string): never {
  process.stderr.write(`${programName}: ${why}\n`)
  process.exit(code)
}

/** {@link fail} with what was thrown, if it says itself what to do; anything else is thrown on. */
export function failWith(thrown: unknown): never {
  if (thrown instanceof HoldfastError) fail(exitCodes.failure, thrown.message)
  if (thrown instanceof Error && 'syscall' in thrown) fail(exitCodes.failure, thrown.message)
  throw thrown
}
