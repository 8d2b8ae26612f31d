import type { End, Millis, RetryAdvice } from '@holdfast/core'

/** The faults that do not go away by waiting a little (R87). */
export const faultCategories = ['name', 'certificate', 'protocol'] as const

/** One of {@link faultCategories}. */
export type FaultCategory = (typeof faultCategories)[number]

/** How long a relay with such a fault is listed, logged about only once, and tried at most every hour. */
export const persistentFaultMs: Millis = 12 * 3_600_000

const retryEvery: Millis = 3_600_000
const names = ['ENOTFOUND', 'EAI_AGAIN']
const certificates = /^(ERR_TLS_|CERT_|UNABLE_TO_VERIFY_|UNABLE_TO_GET_|SELF_SIGNED_|DEPTH_ZERO_SELF_SIGNED)/

/** Reads what kind of lasting fault an end tells of; `null` for what may be over in a moment. */
export function persistentFault(why: Pick<End, 'kind' | 'code'>): FaultCategory | null {
  const code = String(why.code ?? '')
  if (names.includes(code)) return 'name'
  if (certificates.test(code)) return 'certificate'
  return why.kind === 'protocol-error' ? 'protocol' : null
}

/**
 * The advice for a lifecycle's `advise` (R83, R87): an hour for a lasting fault, what the relay asks for when it was too
 * busy for the handshake (429 and 503), and otherwise the end's own.
 *
 * @param retryAfter - the relay's `Retry-After`
 */
export function adviseRelay(why: End, retryAfter: Millis | null = null): RetryAdvice {
  if (persistentFault(why) !== null) return { kind: 'after', ms: retryEvery }
  if (why.code === 429 || why.code === 503) return { kind: 'after', ms: Math.max(retryAfter ?? 0, 65_000) }
  return why.advice
}
