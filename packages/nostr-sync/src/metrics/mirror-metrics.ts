import { MetricSet, type Readings } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { NostrMirror } from '../manager/nostr-mirror.js'
import type { RelayStatus } from '../manager/status.js'
import type { ConnectionStatus } from '../sync/compute-actions.js'
import { healthValues } from '../sync/relay-health.js'
import { metricPrefix } from './metric-prefix.js'

const statusValues: Readonly<Record<ConnectionStatus, number>> = {
  disconnected: 0,
  connecting: 1,
  syncing: 2,
  connected: 3,
  'connected-with-failures': 4,
  disconnecting: 5,
}

/**
 * Adds the metrics of a mirror's connections to a registry (R104). Only relays that are tracked have series.
 *
 * | name | labels | what it is |
 * | --- | --- | --- |
 * | `holdfast_nostr_relay_connected` | `relay` | 0 disconnected, 1 connecting, 2 syncing, 3 connected, 4 with failures, 5 disconnecting |
 * | `holdfast_nostr_relay_status` | `relay` | health: 1 healthy, 2 disconnected, 3 degraded, 4 dead, 5 rate-limited (R81) |
 * | `holdfast_nostr_relay_failures` | `relay` | failures in a row |
 * | `holdfast_nostr_watermark_age_seconds` | `relay` | how far what was fetched is behind (R45) |
 * | `holdfast_nostr_pending_batches`, `_open_subscriptions` | `relay` | at present |
 * | `holdfast_nostr_connects_total`, `_pages_total`, `_negentropy_sessions_total` | `relay` | sessions, pages, and reconciliations that were completed |
 * | `holdfast_nostr_relays_tracked`, `_repositories` | – | at present |
 */
export function registerMirrorMetrics(registry: Registry, mirror: Pick<NostrMirror, 'state'>): void {
  const metrics = new MetricSet(registry, metricPrefix)
  const labels = ['relay']
  const each = (value: (relay: RelayStatus) => number | null) => (): Readings =>
    mirror.state.relays.flatMap((relay) => {
      const present = value(relay)
      return present === null ? [] : [[relay.url, present] as const]
    })
  const gauge = (name: string, help: string, value: (relay: RelayStatus) => number | null): void =>
    metrics.gauge({ name, help, labels }, each(value))
  const counter = (name: string, help: string, value: (relay: RelayStatus) => number): void =>
    metrics.counter({ name, help, labels }, each(value))
  gauge('relay_connected', 'Where the connection is', ({ status }) => statusValues[status])
  gauge('relay_status', 'Health of the relay', ({ health }) => healthValues[health])
  gauge('relay_failures', 'Failures in a row', ({ failuresInRow }) => failuresInRow)
  gauge('watermark_age_seconds', 'How far what was fetched is behind', ({ watermarkAgeMs }) =>
    watermarkAgeMs === null ? null : watermarkAgeMs / 1000,
  )
  gauge('pending_batches', 'Batches in flight', ({ pendingBatches }) => pendingBatches)
  gauge('open_subscriptions', 'Open subscriptions', ({ openSubscriptions }) => openSubscriptions)
  counter('connects_total', 'Sessions with a relay', ({ counts }) => counts.connects)
  counter('pages_total', 'Pages of stored events', ({ counts }) => counts.pages)
  counter('negentropy_sessions_total', 'Reconciliations completed', ({ counts }) => counts.reconciliations)
  const tracked = { name: 'relays_tracked', help: 'Relays that are tracked' }
  metrics.gauge(tracked, () => mirror.state.relays.length)
  const repositories = { name: 'repositories', help: 'Repositories that are mirrored' }
  metrics.gauge(repositories, () => mirror.state.repositories)
}
