import { programName } from './program-name.js'

/** Ends a command that is no service: says why on standard error, and exits with the code. */
export function fail(code: number, why: string, cause?: unknown): never {
  const more = cause instanceof Error && cause.cause instanceof Error ? ` (${cause.cause.message})` : ''
  process.stderr.write(`${programName}: ${why}${more}\n`)
  process.exit(code)
}
