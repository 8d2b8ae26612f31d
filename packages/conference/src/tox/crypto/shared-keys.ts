import type { Millis } from '@holdfast/core'
import { hex } from '../../wire/identity.js'
import { RateLimit } from '../limits/rate-limit.js'
import type { KeyPair, SharedKey } from './box.js'

/** How many shared keys are remembered, and how many strangers' are computed in a second, unless told otherwise. */
const defaultLimits = { remembered: 1024, perSecond: 200 }

/**
 * Shared keys of one key pair with many others, the latest used remembered.
 *
 * An agreement costs a tenth of a millisecond, and anybody can make us do one by a packet with a new key. So only so
 * many are done in a second for those who write to us, and what comes beyond is as good as lost on the way; those whom
 * we write to are remembered apart, where no flood drives them out.
 */
export class SharedKeys {
  readonly #own: KeyPair
  readonly #chosen: Recent
  readonly #strangers: Recent
  readonly #limit: RateLimit

  constructor(own: KeyPair, limits: Partial<typeof defaultLimits> = {}) {
    const { remembered, perSecond } = { ...defaultLimits, ...limits }
    this.#own = own
    this.#chosen = new Recent(remembered)
    this.#strangers = new Recent(remembered)
    this.#limit = new RateLimit(perSecond, perSecond)
  }

  /** With somebody whom we chose; `null` if there can be none with this key. */
  toward(publicKey: Uint8Array): SharedKey | null {
    const name = hex(publicKey)
    const known = this.#chosen.get(name) ?? this.#strangers.get(name)
    const shared = known ?? this.#own.agree(publicKey)
    if (shared) this.#chosen.set(name, shared)
    return shared
  }

  /** With whoever has sent us something; `null` if there can be none with this key, or too many were asked for. */
  from(publicKey: Uint8Array, now: Millis): SharedKey | null {
    const name = hex(publicKey)
    const known = this.#chosen.get(name) ?? this.#strangers.get(name)
    if (known || !this.#limit.take(now)) return known
    const shared = this.#own.agree(publicKey)
    if (shared) this.#strangers.set(name, shared)
    return shared
  }
}

/** So many keys; the one that was used longest ago makes room. */
class Recent {
  readonly #keys = new Map<string, SharedKey>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(name: string): SharedKey | null {
    const key = this.#keys.get(name)
    if (!key) return null
    this.set(name, key)
    return key
  }

  set(name: string, key: SharedKey): void {
    this.#keys.delete(name)
    this.#keys.set(name, key)
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= this.#most) return
      this.#keys.delete(oldest)
    }
  }
}
