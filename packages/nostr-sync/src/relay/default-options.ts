import type { Dialer, Env } from '@holdfast/core'
import { webSocket } from '@holdfast/core/web-socket'
import type { Intake } from '../intake/types.js'
import type { Filter } from '../wire/filter.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import { httpRelayInfo } from './relay-document.js'
import type { RelayOptions } from './relay-options.js'
import { systemResolve } from './relay-target.js'

/** Options of a {@link RelayOptions} that have no default. */
export interface RelayParts {
  readonly env: Env
  readonly intake: Intake
  /** The ids and dates of what the store has for a filter. */
  readonly items: (filter: Filter) => Promise<NegentropyItems | 'too-many'>
  /** @defaultValue `webSocket()` */
  readonly dialer?: Dialer
}

/** Fills in what was not said (spec 10). */
export function relayOptions(parts: RelayParts & Partial<RelayOptions>): RelayOptions {
  return {
    dialer: webSocket(),
    resolve: systemResolve,
    allowPrivateTargets: false,
    fetchInfo: httpRelayInfo(parts.env.clock),
    signer: null,
    negentropy: 'auto',
    paging: {},
    idChunk: 300,
    eoseWithin: 30_000,
    historicConcurrency: 4,
    consolidationThreshold: 70,
    backoff: {},
    rateLimit: {},
    hearWithin: 60_000,
    stableAfter: 60_000,
    ...parts,
  }
}
