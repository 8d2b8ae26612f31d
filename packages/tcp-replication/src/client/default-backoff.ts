import { type Backoff, fullJitter } from '@holdfast/core'
import { usualBackoff } from '../usual-backoff.js'
import { notServed } from './session.js'

const catchingUp = fullJitter({ floor: 100, base: 200, cap: 30_000 })

/**
 * Lost while in use, or nobody there yet: soon. Lost before every stream had its position: less and less often,
 * because catching up is what breaks (8.8). Without a stream that the server lacks: at once, as often as it lacks one.
 */
export const defaultBackoff: Backoff = (context) => {
  const { why, reached } = context
  if (why.code === notServed) return 100 + context.random() * 100
  return (reached.phase === 'handshaking' ? catchingUp : usualBackoff)(context)
}
