import type { Endpoint } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'

/** What an address may look like. */
export const addressForms =
  'HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, unix:/PATH or fd:N, an IPv6 host in brackets'

/** Whether {@link endpointOf} can read this. */
export function isAddress(text: string): boolean {
  if (/^unix:.+|^fd:\d+$/.test(text)) return true
  const port = /^(?:(?:(?:tcp|tls):\/\/)?(?:\[[\da-f:.]+\]|[^\s/:[\]]+):)?(\d{1,5})$/i.exec(text)?.[1]
  return port !== undefined && Number(port) <= 65_535
}

/** Reads `tcp://HOST:PORT`, `tls://…`, `unix:/path`, `fd:N`, or `HOST:PORT` and `PORT` for TCP. */
export function endpointOf(text: string): Endpoint {
  if (!isAddress(text)) throw new InvalidArgumentError(`It must be ${addressForms}.`)
  if (/^\d+$/.test(text)) return { uri: `tcp://127.0.0.1:${text}` }
  return { uri: /^(tcp|tls):\/\/|^unix:|^fd:/.test(text) ? text : `tcp://${text}` }
}

/** Reads a token, or `NOW`. */
export function tokenOf(text: string): number | 'NOW' {
  if (text.toUpperCase() === 'NOW') return 'NOW'
  const token = Number(text)
  if (!Number.isSafeInteger(token) || text.trim() === '')
    throw new InvalidArgumentError('It must be an integer or NOW.')
  return token
}

/** Reads a time in seconds. */
export function secondsOf(text: string): number {
  const seconds = Number(text)
  if (seconds > 0 && seconds < Infinity) return seconds
  throw new InvalidArgumentError('It must be a number of seconds above 0.')
}

/** Reads `d1` or `d2`. */
export function dialectOf(text: string): 'D1' | 'D2' {
  const dialect = text.toUpperCase()
  if (dialect === 'D1' || dialect === 'D2') return dialect
  throw new InvalidArgumentError('It must be d1 or d2.')
}
