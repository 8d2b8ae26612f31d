import type { IncomingMessage } from 'node:http'

/** Reads what a request asks for; `null` for what is no path, which anybody may send. */
export function requestUrl({ url = '/' }: IncomingMessage): URL | null {
  // Appended, not resolved: `//` would name another host.
  const text = `http://localhost${url}`
  return url.startsWith('/') && URL.canParse(text) ? new URL(text) : null
}
