import { CommandError } from './command-error.js'

/**
 * Asks a running program for what it serves at `/status`. Its shape is that of the same program's report, and not
 * checked.
 *
 * @throws (rejects) a {@link CommandError} when nothing answers there, or something else
 */
export async function askStatus<T>(url: string): Promise<T> {
  let response: Response
  let report: unknown
  try {
    response = await fetch(new URL('/status', url))
    report = response.ok ? await response.json() : null
  } catch (cause) {
    throw new CommandError(`nothing answers at ${url}: was the program started with --http?`, { cause })
  }
  if (response.ok) return report as T
  throw new CommandError(`${url} answers HTTP ${response.status}: it is no program of this kind`)
}
