import type { Backoff, Clock, End, Log, Millis, RetryAdvice, WallStamp } from '@holdfast/core'
import {
  adviseRelay,
  type FaultCategory,
  persistentFault,
  persistentFaultMs,
} from '../sync/persistent-fault.js'
import { isRateLimited, type RateLimit, type RateLimitOptions, rateLimitHit } from '../sync/rate-limit.js'
import { type RelayBackoffOptions, relayBackoff } from '../sync/relay-backoff.js'
import { afterFailure, afterSuccess, type HealthRecord } from '../sync/relay-health.js'
import { refusalPrefix } from '../wire/refusal.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { RelayTargetError } from './errors.js'

/** What a {@link HealthTracker} keeps across restarts. Plain data. */
export interface HealthMemory {
  readonly failuresInRow: number
  /** When the failures in a row began; null without any. */
  readonly failingSince: WallStamp | null
  /** When the last run of failures ended; null if there was none. */
  readonly recoveredAt: WallStamp | null
  readonly rateLimit: RateLimit | null
}

/** What a relay is listed for (R87). */
export interface RelayFault {
  readonly category: FaultCategory
  /** A code of Node's, or the kind of the end. */
  readonly reason: string
  /** A sentence for people. */
  readonly detail: string | null
}

/** Of a relay that was never tried. */
export const newHealth: HealthMemory = {
  failuresInRow: 0,
  failingSince: null,
  recoveredAt: null,
  rateLimit: null,
}

/** What a {@link HealthTracker} is made of. */
export interface HealthParts {
  readonly url: RelayUrl
  readonly clock: Clock
  readonly log: Log
  readonly backoff: RelayBackoffOptions
  readonly rateLimit: RateLimitOptions
}

const hour: Millis = 3_600_000
const longestRefusal = 200

/** How a relay does, and when it may be tried or asked again (R79 to R84, R87). */
export class HealthTracker {
  readonly #parts: HealthParts
  #memory: HealthMemory
  #fault: (RelayFault & { readonly at: WallStamp }) | null = null
  #refusal: string | null = null
  #hasToldRefusal = false

  constructor(parts: HealthParts, { failuresInRow, failingSince, recoveredAt, rateLimit }: HealthMemory) {
    this.#parts = parts
    this.#memory = { failuresInRow, failingSince, recoveredAt, rateLimit }
  }

  /** What is to be saved. */
  get memory(): HealthMemory {
    return this.#memory
  }

  /** What `relayHealth` judges by. */
  record(isConnected: boolean): HealthRecord {
    const { rateLimit, ...failures } = this.#memory
    return { ...failures, isConnected, limitedUntil: rateLimit?.until ?? null }
  }

  // Connections ------------------------------------------------------------------------------------------------

  /** A link has been stable for long enough (R82). */
  succeeded(): void {
    const { failuresInRow, failingSince, recoveredAt } = afterSuccess(this.record(true), this.#wall())
    this.#memory = { ...this.#memory, failuresInRow, failingSince, recoveredAt }
    this.#fault = null
  }

  /** A dial, or a link, has failed (R29). */
  failed(why: End): void {
    const now = this.#wall()
    const { failuresInRow, failingSince } = afterFailure(this.record(false), now)
    this.#memory = { ...this.#memory, failuresInRow, failingSince }
    const code = codeOf(why)
    const category = persistentFault({ kind: why.kind, code })
    if (category === null) return
    const isNew = this.#fault?.category !== category || now - this.#fault.at > persistentFaultMs
    if (!isNew) return
    this.#fault = { category, reason: String(code ?? why.kind), detail: why.detail ?? null, at: now }
    this.#parts.log.warn({ relay: this.#parts.url, category, why }, 'a fault that will not pass soon')
  }

  /** The lasting fault that the relay is listed with at present (R87); null without one. */
  get fault(): RelayFault | null {
    if (this.#fault === null || this.#wall() - this.#fault.at > persistentFaultMs) return null
    const { category, reason, detail } = this.#fault
    return { category, reason, detail }
  }

  /** The wait before the next dial (R79, R80). Failures before a restart count. */
  backoff(): Backoff {
    const backoff = relayBackoff(this.#parts.backoff)
    return (context) => {
      const { failuresInRow, failingSince } = this.#memory
      const sinceReady = failingSince === null ? context.reached.sinceReady : this.#wall() - failingSince
      return backoff({
        ...context,
        random: () => context.random(),
        attempt: Math.max(context.attempt, failuresInRow),
        reached: { ...context.reached, sinceReady },
      })
    }
  }

  /** Whether and when to dial after an end (R83, R87). */
  advise(why: End): RetryAdvice {
    if (why.cause instanceof RelayTargetError) return { kind: 'after', ms: hour }
    const code = codeOf(why)
    const advice = why.advice.kind === 'after' ? why.advice.ms : null
    if (code === 429 || code === 503) this.rateLimited(`HTTP ${code}`, advice ?? 0)
    return adviseRelay({ ...why, code }, advice)
  }

  // Refusals ---------------------------------------------------------------------------------------------------

  /** A link begins: what was refused on the last one may be granted on this. */
  linkBegan(): void {
    this.#refusal = null
    this.#hasToldRefusal = false
  }

  /** What was refused is asked for again. */
  forgiveRefusal(): void {
    this.#refusal = null
  }

  /** It will not give what we asked for (R55). @param text - the relay's words */
  refused(text: string): void {
    // A stranger's text, shown on terminals.
    this.#refusal = text.slice(0, longestRefusal).replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    // That it asks who we are was told where it could not be said.
    if (this.#hasToldRefusal || refusalPrefix(text) === 'auth-required') return
    this.#hasToldRefusal = true
    const { url, log } = this.#parts
    log.warn({ relay: url, text: this.#refusal }, 'the relay refuses what we ask for')
  }

  /** Why it did not give what we asked for last, on the present link or the last one; null if it gave all. */
  get refusal(): string | null {
    return this.#refusal
  }

  // Load -------------------------------------------------------------------------------------------------------

  /** Whether it asked us to slow down, and that has not passed yet (R84). */
  get isRateLimited(): boolean {
    return isRateLimited(this.#memory.rateLimit, this.#wall())
  }

  /** How long the relay is still to be left in peace. */
  quietFor(): Millis {
    return this.isRateLimited ? (this.#memory.rateLimit?.until ?? 0) - this.#wall() : 0
  }

  /** It asked us to slow down. @param retryAfter - for at least so long */
  rateLimited(text: string, retryAfter: Millis = 0): void {
    const { url, log, rateLimit: options } = this.#parts
    const rateLimit = rateLimitHit(this.#memory.rateLimit, this.#wall(), options, retryAfter)
    this.#memory = { ...this.#memory, rateLimit }
    log.info({ relay: url, text, ms: this.quietFor() }, 'the relay wants quiet')
  }

  #wall(): WallStamp {
    return this.#parts.clock.wall()
  }
}

/** The code of an end, or of the error that caused it: a look-up that fails has only that. */
function codeOf({ code, cause }: End): End['code'] {
  const causeCode = (cause as { code?: unknown } | undefined)?.code
  return code ?? (typeof causeCode === 'string' ? causeCode : undefined)
}
