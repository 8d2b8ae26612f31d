import type { Endpoint } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'

/** Reads `tcp://HOST:PORT`, `tls://…`, `unix:/path`, `fd:N`, or `HOST:PORT` and `PORT` for TCP. */
export function endpointOf(text: string): Endpoint {
  if (/^(tcp|tls):\/\/.+:\d+$|^unix:.+|^fd:\d+$/.test(text)) return { uri: text }
  if (/^\d{1,5}$/.test(text)) return { uri: `tcp://127.0.0.1:${text}` }
  if (/^[^/]+:\d{1,5}$/.test(text)) return { uri: `tcp://${text}` }
  throw new InvalidArgumentError(
    'It must be HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, unix:/PATH or fd:N.',
  )
}

/** Reads a token, or `NOW`. */
export function tokenOf(text: string): number | 'NOW' {
  if (text.toUpperCase() === 'NOW') return 'NOW'
  const token = Number(text)
  if (!Number.isSafeInteger(token) || text.trim() === '')
    throw new InvalidArgumentError('It must be an integer or NOW.')
  return token
}

/** Reads `d1` or `d2`. */
export function dialectOf(text: string): 'D1' | 'D2' {
  const dialect = text.toUpperCase()
  if (dialect === 'D1' || dialect === 'D2') return dialect
  throw new InvalidArgumentError('It must be d1 or d2.')
}
