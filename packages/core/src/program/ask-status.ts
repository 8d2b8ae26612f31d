import { CommandError } from './command-error.js'

/** As it is said to `--http`: `HOST:PORT`, or a port alone, which is on loopback. */
function withScheme(address: string): string {
  if (address.includes('://')) return address
  return `http://${/^\d+$/.test(address) ? `127.0.0.1:${address}` : address}`
}

/**
 * Asks a running program for what it serves at `/status`. Its shape is that of the same program's report, and not
 * checked.
 *
 * @param url - its URL, or what was said to `--http`
 * @throws (rejects) a {@link CommandError} when nothing answers there, or something else
 */
export async function askStatus<T>(url: string): Promise<T> {
  let response: Response
  let report: unknown
  try {
    response = await fetch(new URL('/status', withScheme(url)))
    report = response.ok ? await response.json() : null
  } catch (cause) {
    throw new CommandError(`nothing answers at ${url}: was the program started with --http?`, { cause })
  }
  if (response.ok) return report as T
  throw new CommandError(`${url} answers HTTP ${response.status}: it is no program of this kind`)
}
