import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Whether a request carries the secret as a bearer token, where one is asked for; compared in constant time. */
export function bearerPermits({ headers }: IncomingMessage, secret: string | undefined): boolean {
  if (secret === undefined) return true
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${secret}`))
}
