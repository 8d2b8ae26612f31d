/** A duration or a point on a monotonic axis, in milliseconds. */
export type Millis = number

/** Undoes a registration. Calling it twice is harmless. */
export type Off = () => void

/**
 * What the end of a link means for the next one.
 *
 * - `backoff`: dial again after the lifecycle's {@link Backoff}.
 * - `now`: dial again at once, yet jittered and admitted. Counts as `backoff` unless the link had been stable.
 * - `after`: not before `ms` milliseconds, for example a Retry-After or a rate-limit notice.
 * - `never`: the lifecycle fails; dialing again cannot help.
 */
export type RetryAdvice =
  | { readonly kind: 'backoff' }
  | { readonly kind: 'now' }
  | { readonly kind: 'after'; readonly ms: Millis }
  | { readonly kind: 'never' }

/** Every way a link can end. */
export type EndKind =
  | 'closed-by-us'
  | 'drained'
  | 'superseded'
  | 'closed-by-peer'
  | 'drained-by-peer'
  | 'reset-by-peer'
  | 'dial-failed'
  | 'dial-timeout'
  | 'handshake-timeout'
  | 'handshake-refused'
  | 'silent'
  | 'suspect-after-sleep'
  | 'overflow'
  | 'protocol-error'
  | 'adapter-threw'

/** How far a link had come when it ended. */
export interface Reached {
  readonly phase: 'dialing' | 'handshaking' | 'ready' | 'stable'
  /** How long the link lasted, from the dial on. */
  readonly lasted: Millis
  /** How long ago any link of this lifecycle was last ready; `null` if none ever was. */
  readonly sinceReady: Millis | null
}

/** Identifies one generation of one connection; strictly increasing in the process. */
export type LinkId = number & { readonly __link: never }

/** Why a link, or a whole lifecycle, ended. Decided where the end is met, because only there is it known. */
export interface End {
  readonly kind: EndKind
  readonly advice: RetryAdvice
  /** The transport's or the protocol's own code, such as `ECONNREFUSED` or a WebSocket close code. */
  readonly code?: string | number | undefined
  /** A sentence for people. */
  readonly detail?: string | undefined
  readonly cause?: unknown
  readonly link?: LinkId | undefined
}

const backoffAdvice: RetryAdvice = { kind: 'backoff' }

/**
 * Makes an {@link End}; the advice is `backoff` unless given.
 *
 * @example
 * ```ts
 * import { end } from '@holdfast/core'
 *
 * end('silent') // => { kind: 'silent', advice: { kind: 'backoff' } }
 * end('handshake-refused', { advice: { kind: 'never' } }).advice // => { kind: 'never' }
 * ```
 */
export function end(kind: EndKind, more: Partial<Omit<End, 'kind'>> = {}): End {
  const { advice = backoffAdvice, code, detail, cause, link } = more
  // Always the same shape: ends are copied on every transition, and spreading is dear.
  return { kind, advice, code, detail, cause, link }
}
