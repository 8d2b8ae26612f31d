import { MetricSet, type Readings } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { NostrMirror } from '../manager/nostr-mirror.js'
import type { RelayStatus } from '../manager/status.js'
import type { ConnectionStatus } from '../sync/compute-actions.js'
import { faultCategories } from '../sync/persistent-fault.js'
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
 * | `holdfast_nostr_connection_attempts_total` | `relay`, `result` | `success` or `failure` |
 * | `holdfast_nostr_reconnects_total` | `relay`, `strategy` | sessions after the first: `quick-reconnect` or `fresh-start` |
 * | `holdfast_nostr_pages_total` | `relay` | pages of stored events |
 * | `holdfast_nostr_negentropy_sessions_total` | `relay`, `result` | `reconciled`, `unsupported`, `too-large` or `failed` |
 * | `holdfast_nostr_negentropy_rounds` | `relay` | answers in reconciliations, all together |
 * | `holdfast_nostr_negentropy_bytes_total` | `direction` | `in` or `out` |
 * | `holdfast_nostr_relays_tracked_total`, `_relays_connected_total`, `_relays_dead_total` | – | at present |
 * | `holdfast_nostr_naughty_relays_total` | `category` | relays with a fault that will not pass soon (R87): `name`, `certificate` or `protocol` |
 * | `holdfast_nostr_naughty_relay_info` | `relay`, `category`, `reason` | 1 for each of them |
 * | `holdfast_nostr_repositories` | – | that are mirrored, at present |
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
  counter('pages_total', 'Pages of stored events', ({ counts }) => counts.pages)
  counter('negentropy_rounds', 'Answers in reconciliations', ({ counts }) => counts.negentropyRounds)
  const byLabel = (
    name: string,
    help: string,
    label: string,
    counts: (relay: RelayStatus) => Readonly<Record<string, number>>,
  ): void =>
    metrics.counter({ name, help, labels: ['relay', label] }, () =>
      mirror.state.relays.flatMap((relay) =>
        Object.entries(counts(relay)).map(([value, count]) => [[relay.url, value], count] as const),
      ),
    )
  byLabel('connection_attempts_total', 'Attempts to connect', 'result', ({ counts }) => counts.attempts)
  byLabel('reconnects_total', 'Sessions after the first', 'strategy', ({ counts }) => counts.reconnects)
  byLabel('negentropy_sessions_total', 'Reconciliations', 'result', ({ counts }) => counts.negentropy)
  const bytes = { name: 'negentropy_bytes_total', help: 'Bytes of reconciliations', labels: ['direction'] }
  metrics.counter(bytes, () =>
    (['in', 'out'] as const).map((direction) => [
      direction,
      mirror.state.relays.reduce((sum, { counts }) => sum + counts.negentropyBytes[direction], 0),
    ]),
  )
  const total = (name: string, help: string, isMeant: (relay: RelayStatus) => boolean): void =>
    metrics.gauge({ name, help }, () => mirror.state.relays.filter(isMeant).length)
  total('relays_tracked_total', 'Relays that are tracked', () => true)
  total(
    'relays_connected_total',
    'Relays that are connected',
    ({ status }) => statusValues[status] >= 2 && status !== 'disconnecting',
  )
  total('relays_dead_total', 'Relays that were not reached for a day', ({ health }) => health === 'dead')
  const naughty = { name: 'naughty_relays_total', help: 'Relays with lasting faults', labels: ['category'] }
  metrics.gauge(naughty, () =>
    faultCategories.map((category) => [
      category,
      mirror.state.relays.filter(({ fault }) => fault?.category === category).length,
    ]),
  )
  const why = { name: 'naughty_relay_info', help: 'Why', labels: ['relay', 'category', 'reason'] }
  metrics.gauge(why, () =>
    mirror.state.relays.flatMap(({ url, fault }) =>
      fault === null ? [] : [[[url, fault.category, fault.reason], 1] as const],
    ),
  )
  const repositories = { name: 'repositories', help: 'Repositories that are mirrored' }
  metrics.gauge(repositories, () => mirror.state.repositories)
}
