import type { Dialer, Env, Millis } from '@holdfast/core'
import type { Intake } from '../intake/types.js'
import type { PagingOptions } from '../sync/paging.js'
import type { RateLimitOptions } from '../sync/rate-limit.js'
import type { RelayBackoffOptions } from '../sync/relay-backoff.js'
import type { Filter } from '../wire/filter.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import type { FetchRelayInfo } from './relay-document.js'
import type { ResolveHost } from './relay-target.js'
import type { EventSigner } from './signer.js'

/** What all connections of a mirror have in common. */
export interface RelayOptions {
  readonly env: Env
  readonly dialer: Dialer
  readonly intake: Intake
  readonly resolve: ResolveHost
  readonly allowPrivateTargets: boolean
  readonly fetchInfo: FetchRelayInfo
  /** Who we are, for relays that ask (NIP-42). */
  readonly signer: EventSigner | null
  /** What is stored of a filter, or known not to be wanted (R97). */
  readonly items: (filter: Filter) => Promise<NegentropyItems | 'too-many'>
  readonly negentropy: 'auto' | 'off'
  readonly paging: PagingOptions
  readonly idChunk: number
  readonly eoseWithin: Millis
  /** Historic subscriptions open at once (R51). */
  readonly historicConcurrency: number
  readonly consolidationThreshold: number
  readonly backoff: RelayBackoffOptions
  readonly rateLimit: RateLimitOptions
  /** A relay that says nothing for so long is gone; it is pinged twice as often (R31). */
  readonly hearWithin: Millis
  /** After what time a connection counts as a success (R82). */
  readonly stableAfter: Millis
}
