import type { Clock, Log, Millis, WallStamp } from '@holdfast/core'
import { mayTryNegentropy } from '../sync/negentropy-plan.js'
import type { RelayInfo, RelayLimitation } from '../wire/relay-info.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { FetchRelayInfo } from './relay-document.js'
import type { RelayTarget } from './relay-target.js'

/** What {@link RelayCapabilities} keep across restarts. Plain data. */
export interface CapabilityMemory {
  readonly negentropyRefused: { readonly at: WallStamp; readonly version?: string | undefined } | null
  readonly isLimitZeroUnsafe: boolean
}

/** Of a relay that was never asked. */
export const noCapabilities: CapabilityMemory = { negentropyRefused: null, isLimitZeroUnsafe: false }

/** What {@link RelayCapabilities} are made of. */
export interface CapabilityParts {
  readonly url: RelayUrl
  readonly clock: Clock
  readonly log: Log
  readonly negentropy: 'auto' | 'off'
  readonly fetchInfo: FetchRelayInfo
}

const infoGoodFor: Millis = 3_600_000

/** What a relay can do, as its document says (R94) and as it was found out the hard way (R37, R49, R85, R99). */
export class RelayCapabilities {
  readonly #parts: CapabilityParts
  #memory: CapabilityMemory
  #asked: { readonly at: Millis; readonly info: Promise<RelayInfo | null> } | null = null
  #info: RelayInfo | null = null
  #cap: number | null = null

  constructor(parts: CapabilityParts, { negentropyRefused, isLimitZeroUnsafe }: CapabilityMemory) {
    this.#parts = parts
    this.#memory = { negentropyRefused, isLimitZeroUnsafe }
  }

  /** What is to be saved. */
  get memory(): CapabilityMemory {
    return this.#memory
  }

  // The document -----------------------------------------------------------------------------------------------

  /** Asks for the document, unless it was had within the hour. A slow one costs the dial no time. */
  ask(target: RelayTarget): void {
    const now = this.#parts.clock.now()
    if (this.#asked === null || now - this.#asked.at >= infoGoodFor)
      this.#asked = { at: now, info: this.#parts.fetchInfo(target) }
  }

  /** The document that was asked for last is there, or cannot be had. */
  async known(): Promise<void> {
    const asked = this.#asked
    const info = (await asked?.info) ?? null
    // What could not be had is asked for again at the next dial.
    if (info === null && this.#asked === asked) this.#asked = null
    this.#info = info ?? this.#info
  }

  /** What the relay said about itself last; null if it said nothing. */
  get info(): RelayInfo | null {
    return this.#info
  }

  /** What its document limits. */
  get limitation(): RelayLimitation {
    return this.#info?.limitation ?? {}
  }

  // What was found out -----------------------------------------------------------------------------------------

  /** How many subscriptions it takes, as it says or as it complained (R49, R85). */
  get maxSubscriptions(): number | undefined {
    const said = this.limitation.maxSubscriptions
    return this.#cap === null ? said : Math.min(this.#cap, said ?? Infinity)
  }

  /** It refused another subscription: no more than so many from now on. */
  capSubscriptions(most: number): void {
    this.#cap = Math.min(this.#cap ?? Infinity, most)
  }

  /** Whether it takes `limit: 0` for no limit (R37). */
  get isLimitZeroUnsafe(): boolean {
    return this.#memory.isLimitZeroUnsafe
  }

  /** It took `limit: 0` for no limit. */
  limitZeroFailed(): void {
    this.#memory = { ...this.#memory, isLimitZeroUnsafe: true }
  }

  /** Whether negentropy may be tried now (R99). */
  mayUseNegentropy(): boolean {
    const { negentropy, clock } = this.#parts
    if (negentropy === 'off') return false
    const { negentropyRefused: refused } = this.#memory
    const before = refused && { at: refused.at, version: refused.version }
    return mayTryNegentropy(before, clock.wall(), this.#info?.version)
  }

  /** It refused negentropy: not tried again for a day, or until it is another version (R99, R102). */
  negentropyRefused(why: string): void {
    const { url, clock, log } = this.#parts
    if (this.#memory.negentropyRefused === null)
      log.info({ relay: url, why }, 'the relay does without negentropy')
    const negentropyRefused = { at: clock.wall(), version: this.#info?.version }
    this.#memory = { ...this.#memory, negentropyRefused }
  }
}
