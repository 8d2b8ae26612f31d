/** The words by which a relay says why it refuses (NIP-01, NIP-42). */
export const refusalPrefixes = [
  'duplicate',
  'pow',
  'blocked',
  'rate-limited',
  'invalid',
  'restricted',
  'mute',
  'error',
  'auth-required',
  'unsupported',
] as const

/** One of {@link refusalPrefixes}. */
export type RefusalPrefix = (typeof refusalPrefixes)[number]

/**
 * Reads the prefix of an OK, CLOSED or NEG-ERR text; `null` without one. strfry begins texts with `ERROR: `, which is no
 * prefix but a habit: it is removed first (spec 9.2).
 */
export function refusalPrefix(text: string): RefusalPrefix | null {
  const match = /^([a-z-]+):/.exec(text.replace(/^ERROR: /, '').trimStart())
  return refusalPrefixes.find((prefix) => prefix === match?.[1]) ?? null
}

/**
 * What a text tells about the load that we put on the relay (R83, R85).
 *
 * - `subscription-limit`: too many subscriptions are open; the last ones are not live (R85). Looked for first.
 * - `rate-limit`: be quiet for a while (R84).
 */
export type LoadComplaint = 'subscription-limit' | 'rate-limit'

const tooManySubscriptions = /\btoo many\b.*\b(reqs?|subscriptions?|subs|filters open)\b/i
const rateLimits = [/\btoo many\b/i, /\bslow down\b/i, /\bthrottl/i]

/** Reads a NOTICE, or the text of a CLOSED or OK, for a complaint about load. */
export function loadComplaint(text: string): LoadComplaint | null {
  if (tooManySubscriptions.test(text)) return 'subscription-limit'
  const isLimit = /\brate\b/i.test(text) && /\blimit(s|ed|ing)?\b/i.test(text)
  return isLimit || rateLimits.some((pattern) => pattern.test(text)) ? 'rate-limit' : null
}

const noNegentropy =
  /negentropy|NEG-|envelope|unknown|unrecogni[sz]ed|bad msg|bad message|invalid|could not parse/i

/** Whether a NOTICE that comes while a NEG-OPEN is unanswered says that the relay has no negentropy (R99). */
export function refusesNegentropy(notice: string): boolean {
  return noNegentropy.test(notice) && loadComplaint(notice) === null
}

/** What a NEG-ERR asks for (R100). */
export type NegentropyRefusal = 'too-large' | 'restart' | 'failed'

/** Reads the text of a NEG-ERR: `blocked:` means that the set is too large, `closed:` that the session is gone. */
export function negentropyRefusal(text: string): NegentropyRefusal {
  const reason = text.replace(/^ERROR: /, '')
  if (reason.startsWith('blocked')) return 'too-large'
  return reason.startsWith('closed') ? 'restart' : 'failed'
}

/** What becomes of a historic subscription that the relay closed before its EOSE (R55). */
export type ClosedMeaning = 'authenticate' | 'cool-down' | 'failed'

/** Reads the text of a CLOSED (R55). */
export function closedMeaning(text: string): ClosedMeaning {
  const prefix = refusalPrefix(text)
  if (prefix === 'auth-required') return 'authenticate'
  return prefix === 'rate-limited' || loadComplaint(text) !== null ? 'cool-down' : 'failed'
}
