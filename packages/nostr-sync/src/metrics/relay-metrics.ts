import { MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import { type RejectedCounts, rejectedTypes } from '../admission/rejected-events.js'
import type { RelayEndpoint } from '../endpoint/types.js'
import type { Intake } from '../intake/types.js'
import type { EventSink } from '../sink/types.js'
import type { EventStore } from '../store/types.js'
import type { Verifier } from '../verify/types.js'
import { metricPrefix } from './metric-prefix.js'

/** What {@link registerRelayMetrics} looks at. */
export interface RelayMetricsSources {
  readonly store: EventStore
  readonly intake: Intake
  readonly verifier: Verifier
  readonly endpoint: RelayEndpoint
  readonly sinks?: readonly EventSink[]
}

/**
 * Adds the metrics of what comes in, is stored and served, to a registry (R104).
 *
 * | name | labels | what it is |
 * | --- | --- | --- |
 * | `holdfast_nostr_events_received_total` | `relay`, `result` | events by who sent them (`client`, `file` or a relay's URL) and what became of them |
 * | `holdfast_nostr_events_synced_total` | – | events saved that relays brought |
 * | `holdfast_nostr_events_stored` | – | events in the store |
 * | `holdfast_nostr_events_pending`, `_events_held` | – | events that wait for a decision; that the policy keeps aside |
 * | `holdfast_nostr_verify_queue_length` | – | signatures that wait or are being checked |
 * | `holdfast_nostr_endpoint_clients`, `_subscriptions` | – | of our relay, at present |
 * | `holdfast_nostr_endpoint_negentropy_sessions`, `_negentropy_items` | – | reconciliations that clients have open, and what they hold |
 * | `holdfast_nostr_endpoint_messages_total` | `direction`, `kind` | messages of and to clients |
 * | `holdfast_nostr_endpoint_slow_subscriptions_total` | – | subscriptions closed because their client read too slowly |
 * | `holdfast_nostr_rejected_hot_cache_current`, `_hits_total`, `_misses_total`, `_expired_total` | `event_type` | rejected events that are kept in whole (R75): `announcement`, `state` or `other`; of those that another event made acceptable, the ones that were still there and the ones that have to be fetched |
 * | `holdfast_nostr_rejected_cold_index_current`, `_expired_total` | `event_type` | rejected events that are kept by id |
 * | `holdfast_nostr_rejected_invalidated_total` | `event_type` | rejections that another event has lifted |
 * | `holdfast_nostr_sink_events_total` | `sink`, `result` | events passed on, `delivered` or `refused` |
 */
export function registerRelayMetrics(registry: Registry, sources: RelayMetricsSources): void {
  const { store, intake, verifier, endpoint, sinks = [] } = sources
  const { stats } = endpoint
  const metrics = new MetricSet(registry, metricPrefix)
  const received = { name: 'events_received_total', help: 'Events received', labels: ['relay', 'result'] }
  metrics.counter(received, () =>
    [...intake.counts.entries()].map(([relay, result, count]) => [[relay, result], count]),
  )
  metrics.counter({ name: 'events_synced_total', help: 'Events saved that relays brought' }, () => {
    const saved = [...intake.counts.entries()].filter(
      ([source, result]) => result === 'saved' && source !== 'client' && source !== 'file',
    )
    return saved.reduce((sum, [, , count]) => sum + count, 0)
  })
  const gauges: readonly (readonly [name: string, help: string, value: () => number])[] = [
    ['events_stored', 'Events in the store', () => store.size],
    ['events_pending', 'Events that wait for a decision', () => intake.pending],
    ['events_held', 'Events that the policy keeps aside', () => intake.held],
    ['verify_queue_length', 'Signatures to be checked', () => verifier.queued],
    ['endpoint_clients', 'Clients connected', () => endpoint.state.links],
    ['endpoint_subscriptions', 'Subscriptions open', () => stats.subscriptions],
    ['endpoint_negentropy_sessions', 'Reconciliations open', () => stats.negentropySessions],
    ['endpoint_negentropy_items', 'Items that reconciliations hold', () => stats.negentropyItems],
  ]
  for (const [name, help, value] of gauges) metrics.gauge({ name, help }, value)
  const messages = {
    name: 'endpoint_messages_total',
    help: 'Messages of and to clients',
    labels: ['direction', 'kind'],
  }
  metrics.counter(messages, () => [
    ...[...stats.received].map(([kind, count]) => [['in', kind], count] as const),
    ...[...stats.sent].map(([kind, count]) => [['out', kind], count] as const),
  ])
  metrics.counter(
    { name: 'endpoint_slow_subscriptions_total', help: 'Subscriptions closed as too slow' },
    () => stats.slowSubscriptions,
  )
  const rejected = (
    name: string,
    help: string,
    kind: 'gauge' | 'counter',
    value: (counts: Readonly<RejectedCounts>) => number,
  ): void =>
    metrics[kind]({ name, help, labels: ['event_type'] }, () =>
      rejectedTypes.map((type) => [type, value(intake.rejected.counts[type])]),
    )
  rejected('rejected_hot_cache_current', 'Rejected events kept in whole', 'gauge', ({ hot }) => hot)
  rejected('rejected_hot_cache_hits_total', 'Made acceptable, and kept', 'counter', ({ hits }) => hits)
  rejected(
    'rejected_hot_cache_misses_total',
    'Made acceptable, to be fetched',
    'counter',
    ({ misses }) => misses,
  )
  rejected(
    'rejected_hot_cache_expired_total',
    'Kept by id only now',
    'counter',
    ({ expiredHot }) => expiredHot,
  )
  rejected('rejected_cold_index_current', 'Rejected events kept by id', 'gauge', ({ cold }) => cold)
  rejected('rejected_cold_index_expired_total', 'Forgotten', 'counter', ({ expiredCold }) => expiredCold)
  rejected(
    'rejected_invalidated_total',
    'Rejections that another event has lifted',
    'counter',
    ({ hits, misses }) => hits + misses,
  )
  const passedOn = { name: 'sink_events_total', help: 'Events passed on', labels: ['sink', 'result'] }
  metrics.counter(passedOn, () =>
    sinks.flatMap(({ name, stats: { delivered, refused } }) => [
      [[name, 'delivered'], delivered] as const,
      [[name, 'refused'], refused] as const,
    ]),
  )
}
