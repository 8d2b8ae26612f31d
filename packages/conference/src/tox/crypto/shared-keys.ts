import type { Millis } from '@holdfast/core'
import { hex } from '../../wire/identity.js'
import type { KeyPair, SharedKey } from './box.js'
import { RateLimit } from './rate-limit.js'

/** How many shared keys are remembered, and how many new ones are computed in a second, unless told otherwise. */
const defaultLimits = { remembered: 1024, perSecond: 200 }

/**
 * Shared keys of one key pair with many others, the latest used remembered.
 *
 * An agreement costs a tenth of a millisecond and anybody can make us do one by a packet with a new key, so that only
 * so many are done in a second; what comes beyond that is as good as lost on the way.
 */
export class SharedKeys {
  readonly #own: KeyPair
  readonly #known = new Map<string, SharedKey>()
  readonly #remembered: number
  readonly #limit: RateLimit

  constructor(own: KeyPair, limits: Partial<typeof defaultLimits> = {}) {
    const { remembered, perSecond } = { ...defaultLimits, ...limits }
    this.#own = own
    this.#remembered = remembered
    this.#limit = new RateLimit(perSecond, perSecond)
  }

  /** `null` if there can be none with this key, or too many were asked for. */
  with(publicKey: Uint8Array, now: Millis): SharedKey | null {
    const name = hex(publicKey)
    const known = this.#known.get(name)
    if (known) {
      this.#known.delete(name)
      this.#known.set(name, known)
      return known
    }
    if (!this.#limit.take(now)) return null
    const shared = this.#own.agree(publicKey)
    if (!shared) return null
    this.#known.set(name, shared)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#remembered) break
      this.#known.delete(oldest)
    }
    return shared
  }
}
