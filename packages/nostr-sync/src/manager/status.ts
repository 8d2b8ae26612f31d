import type { Millis } from '@holdfast/core'
import type { RelayFault } from '../relay/health-tracker.js'
import type { RelayCounts } from '../relay/relay-counter.js'
import type { ConnectionStatus } from '../sync/compute-actions.js'
import { countItems } from '../sync/items.js'
import { type RelayHealth, relayHealth } from '../sync/relay-health.js'
import type { UnixSeconds } from '../wire/event.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { ConfirmedState } from './confirmed-state.js'
import type { RelayWork } from './relay-work.js'

/** One relay, as operators see it. */
export interface RelayStatus {
  readonly url: RelayUrl
  readonly isBootstrap: boolean
  readonly status: ConnectionStatus
  readonly health: RelayHealth
  /** How the present session, or the last one, began. */
  readonly strategy: RelayWork['strategy']
  /** Everything older was fetched; null where nothing can be said (R45). */
  readonly watermark: UnixSeconds | null
  /** How far the watermark is behind. */
  readonly watermarkAgeMs: Millis | null
  /** Repositories and root events that were fetched in full. */
  readonly confirmedItems: number
  readonly pendingBatches: number
  readonly openSubscriptions: number
  readonly failuresInRow: number
  /** A fault that will not pass soon (R87); null without one. */
  readonly fault: RelayFault | null
  /**
   * Why the relay did not give what was asked for last, on the present link or the last one: its own words, 200 characters of
   * them; null if it gave all.
   */
  readonly refusal: string | null
  readonly lastConnected: UnixSeconds | null
  readonly disconnectedAt: UnixSeconds | null
  readonly counts: RelayCounts
}

/** Everything at a glance. */
export interface MirrorState {
  readonly phase: 'idle' | 'running' | 'draining' | 'closed'
  readonly relays: readonly RelayStatus[]
  /** Repositories that are mirrored. */
  readonly repositories: number
}

/** A sync with a relay that is over. */
export interface CaughtUp {
  readonly relay: RelayUrl
  readonly strategy: NonNullable<RelayWork['strategy']>
  /** From its beginning until nothing was pending. */
  readonly took: Millis
}

/** Describes a relay. @param wall - now, in milliseconds since the Unix epoch */
export function statusOf(work: RelayWork, confirmed: ConfirmedState, wall: number): RelayStatus {
  const { relay } = work
  const { record, session, url } = relay
  return {
    url,
    isBootstrap: relay.isBootstrap,
    status: relay.status,
    health: relayHealth(relay.healthRecord, wall),
    strategy: work.strategy,
    watermark: record.watermark,
    watermarkAgeMs: record.watermark === null ? null : Math.max(0, wall - record.watermark * 1000),
    confirmedItems: countItems(confirmed.of(url).items),
    pendingBatches: session?.pendingBatches ?? 0,
    openSubscriptions: session?.openSubscriptions ?? 0,
    failuresInRow: record.failuresInRow,
    fault: relay.health.fault,
    refusal: relay.health.refusal,
    lastConnected: record.lastConnected,
    disconnectedAt: record.disconnectedAt,
    counts: relay.counter.counts,
  }
}
