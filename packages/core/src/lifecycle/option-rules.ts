import type { End, Millis, Reached, RetryAdvice } from '../end.js'
import { defaultHandshakeWithin } from '../link/options.js'
import type { Endpoint, LinkProtocol } from '../link/types.js'
import { fullJitter } from './backoff.js'
import type { LifecycleRules } from './model.js'
import type { BackoffContext, LifecycleOptions } from './types.js'

const defaultBackoff = fullJitter()

/** What a lifecycle's machine is told of its options. Where a hook throws its default is used, and that is said. */
export class OptionRules<P extends LinkProtocol> implements LifecycleRules {
  readonly #options: LifecycleOptions<P>

  constructor(options: LifecycleOptions<P>) {
    this.#options = options
  }

  get dialWithin(): Millis {
    return this.#options.dialWithin ?? 10_000
  }

  get handshakeWithin(): Millis {
    return this.#options.handshakeWithin ?? defaultHandshakeWithin
  }

  get stableAfter(): Millis {
    return this.#options.stableAfter ?? 10_000
  }

  advise(why: End, reached: Reached): RetryAdvice {
    return this.#hook('advise', () => this.#options.advise?.(why, reached)) ?? why.advice
  }

  retryIn(context: Omit<BackoffContext, 'random'>): Millis | 'give-up' {
    const { env, backoff = defaultBackoff } = this.#options
    const asked = Object.assign(context, { random: () => env.random() })
    const drawn = this.#hook('backoff', () => backoff(asked)) ?? defaultBackoff(asked)
    // What is no delay must not become no wait at all: that would be a loop of dials.
    return drawn === 'give-up' || drawn >= 0 ? drawn : defaultBackoff(asked)
  }

  /** Which of two links stays, when the peer opens one while this protocol has another. */
  prefer(protocol: P | null, incoming: Endpoint): 'current' | 'incoming' {
    if (protocol === null) return 'current'
    return this.#hook('prefer', () => this.#options.prefer?.(protocol, incoming)) ?? 'current'
  }

  /** A hook that is not about one link has no link to end when it throws. */
  #hook<T>(name: string, call: () => T): T | undefined {
    try {
      return call()
    } catch (thrown) {
      const { env } = this.#options
      env.log.error({ name: env.name, err: thrown }, `${name} threw; its default is used`)
      return undefined
    }
  }
}
