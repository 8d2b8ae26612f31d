import { type Count, MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { BothDirections, DataCenterMetrics, ListenerMetrics, ProxyMetrics } from './types.js'

/** What all names begin with. */
export const metricPrefix = 'mtproto_proxy_'

const lifetimes = [0.2, 0.5, 1, 5, 10, 30, 60, 150, 300, 600, 1200]
const sizes = [0, 1, 2, 3, 4, 5, 6, 7].map((power) => 8 * 4 ** power)
const pauses = [0.01, 0.05, 0.25, 1, 8]
const sends = [0.0001, 0.001, 0.01, 0.05, 0.25, 1, 5, 15]
const migrations = [0.001, 0.01, 0.1, 0.5, 1, 2, 3, 5]

/**
 * Metrics in a registry of `prom-client`, with the names and labels of the specification, 12: all begin with
 * `mtproto_proxy_`. Counting adds to plain numbers; the registry reads them when it is scraped.
 *
 * @example
 * ```ts
 * import { prometheusMetrics } from '@holdfast/mtproto-proxy'
 * import { Registry } from 'prom-client'
 *
 * const registry = new Registry()
 * const metrics = prometheusMetrics(registry)
 * metrics.listener('main').accepted.inc()
 * const text = await registry.metrics()
 * text.includes('mtproto_proxy_in_connection_total{listener="main"} 1') // => true
 * ```
 */
export function prometheusMetrics(registry: Registry): ProxyMetrics {
  const metrics = new MetricSet(registry, metricPrefix)
  const listener = listenerFamilies(metrics)
  const dataCenter = dataCenterFamilies(metrics)
  const healthcheck = metrics.counts({
    name: 'healthcheck_total',
    help: 'Clients closed by a health check',
    labels: ['action'],
  })
  return {
    listener: remembered(listener),
    dataCenter: remembered(dataCenter),
    healthcheck: (action) => healthcheck(action).inc(),
    chunkSize: directions(metrics, {
      name: 'tracker_packet_size_bytes',
      help: "Chunks on clients' sockets",
      fromClient: 'upstream',
      toClient: 'downstream',
    }),
    packetSize: directions(metrics, {
      name: 'tg_packet_size_bytes',
      help: 'MTProto packets',
      fromClient: 'upstream_to_downstream',
      toClient: 'downstream_to_upstream',
    }),
  }
}

function listenerFamilies(metrics: MetricSet): (name: string) => ListenerMetrics {
  const counter = (name: string, help: string, ...more: string[]): ((...values: string[]) => Count) =>
    metrics.counts({ name, help, labels: ['listener', ...more] })
  const histogram = (name: string, help: string, bounds: readonly number[]) =>
    metrics.distributions({ name, help, labels: ['listener'] }, bounds)
  const accepted = counter('in_connection_total', 'Client connections accepted')
  const closed = counter('in_connection_closed_total', 'Client connections ended')
  const timedOut = counter('inactive_timeout_total', 'Clients closed for silence')
  const hibernated = counter('inactive_hibernate_total', 'Clients whose memory was given back for silence')
  const received = counter('received_upstream_bytes', 'Bytes from clients')
  const sent = counter('sent_upstream_bytes', 'Bytes to clients')
  const quickAcks = counter('quick_acks_total', 'Quick acks handed to clients')
  const switched = counter('timer_switch_total', 'Changes of the inactivity timer', 'from', 'to')
  const errors = counter('protocol_error_total', 'Clients refused or closed for what they sent', 'reason')
  const oks = counter('protocol_ok_total', 'Clients let in', 'protocol')
  const sendErrors = counter('upstream_send_error_total', 'Writes to clients that failed', 'reason')
  const moved = counter('downstream_migration_total', 'Migrations of clients', 'dc_id', 'result')
  const refusals = counter('policy_refused_total', 'Clients refused by rules and limits', 'why')
  const lifetime = histogram('session_lifetime_seconds', 'How long clients stayed', lifetimes)
  const sendDuration = histogram(
    'upstream_send_duration_seconds',
    'From a write to a client until the kernel took it',
    sends,
  )
  const migrationDuration = histogram(
    'migration_duration_seconds',
    'How long migrating clients had no connection to Telegram',
    migrations,
  )
  return (name) => ({
    accepted: accepted(name),
    closed: closed(name),
    timedOut: timedOut(name),
    hibernated: hibernated(name),
    received: received(name),
    sent: sent(name),
    quickAcks: quickAcks(name),
    lifetime: lifetime(name),
    sendDuration: sendDuration(name),
    migrationDuration: migrationDuration(name),
    timerSwitched: (from, to) => switched(name, from, to).inc(),
    protocolError: (reason) => errors(name, reason).inc(),
    protocolOk: (protocol) => oks(name, protocol).inc(),
    sendFailed: (reason) => sendErrors(name, reason).inc(),
    refused: (why) => refusals(name, why).inc(),
    migrated: (dcId, result) => moved(name, String(dcId), result).inc(),
  })
}

function dataCenterFamilies(metrics: MetricSet): (dcId: number) => DataCenterMetrics {
  const counter = (name: string, help: string, ...more: string[]): ((...values: string[]) => Count) =>
    metrics.counts({ name, help, labels: ['dc_id', ...more] })
  const histogram = (name: string, label: string, o: { help: string; bounds: readonly number[] }) =>
    metrics.distributions({ name, help: o.help, labels: [label] }, o.bounds)
  const received = counter('received_downstream_bytes', 'Bytes from Telegram')
  const sent = counter('sent_downstream_bytes', 'Bytes to Telegram')
  const connected = counter('out_connect_ok_total', 'Connections to Telegram that became ready')
  const errors = counter('out_connect_error_total', 'Connections to Telegram that did not', 'reason')
  const backpressure = counter(
    'down_backpressure_total',
    'Reading from Telegram stopped and resumed',
    'state',
  )
  const backpressureDuration = histogram('down_backpressure_passive_duration_seconds', 'dc_id', {
    help: 'How long reading from Telegram was stopped',
    bounds: pauses,
  })
  const sendDuration = histogram('downstream_send_duration_seconds', 'dc', {
    help: 'From a write to Telegram until the kernel took it',
    bounds: sends,
  })
  const linkLifetime = histogram('down_lifetime_seconds', 'dc_id', {
    help: 'How long ready connections to Telegram lasted',
    bounds: lifetimes,
  })
  return (dcId) => {
    const dc = String(dcId)
    return {
      received: received(dc),
      sent: sent(dc),
      connected: connected(dc),
      backpressureDuration: backpressureDuration(dc),
      sendDuration: sendDuration(dc),
      linkLifetime: linkLifetime(dc),
      connectFailed: (reason) => errors(dc, reason).inc(),
      backpressure: (state) => backpressure(dc, state).inc(),
    }
  }
}

function directions(
  metrics: MetricSet,
  o: { name: string; help: string; fromClient: string; toClient: string },
): BothDirections {
  const family = metrics.distributions({ name: o.name, help: o.help, labels: ['direction'] }, sizes)
  return { fromClient: family(o.fromClient), toClient: family(o.toClient) }
}

/** The same argument gives the same object. */
function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}
