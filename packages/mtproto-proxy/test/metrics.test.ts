import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { registerFigures } from '../src/metrics/figures.js'
import { noMetrics } from '../src/metrics/no-metrics.js'
import { prometheusMetrics } from '../src/metrics/prometheus-metrics.js'
import type { ProxyMetrics } from '../src/metrics/types.js'

/** Touches every metric of the interface once. */
function touch(metrics: ProxyMetrics): void {
  const listener = metrics.listener('main')
  for (const count of [
    listener.accepted,
    listener.closed,
    listener.timedOut,
    listener.hibernated,
    listener.received,
    listener.sent,
    listener.quickAcks,
  ]) {
    count.inc()
  }
  listener.lifetime.observe(3)
  listener.sendDuration.observe(0.02)
  listener.migrationDuration.observe(0.02)
  listener.timerSwitched('hibernate', 'stop')
  listener.protocolError('unknown_protocol')
  listener.protocolOk('mtp_secure')
  listener.sendFailed('timeout')
  listener.refused('in_table')
  listener.migrated(-2, 'ok')
  const dc = metrics.dataCenter(-2)
  dc.received.inc(10)
  dc.sent.inc(20)
  dc.connected.inc()
  dc.backpressureDuration.observe(1)
  dc.sendDuration.observe(1)
  dc.linkLifetime.observe(45)
  dc.connectFailed('timeout')
  dc.backpressure('bytes_total')
  metrics.healthcheck('total_memory')
  metrics.chunkSize.fromClient.observe(100)
  metrics.packetSize.toClient.observe(100)
}

describe('12 metrics', () => {
  it('12 have the names and labels of the specification', async () => {
    const registry = new Registry()
    touch(prometheusMetrics(registry))
    registerFigures(registry, {
      version: '1.2.3',
      read: () => ({
        connections: { main: 7 },
        dataCenters: [{ dcId: -2, links: 2, clients: 9, clientsPerLink: { min: 4, max: 5 }, parked: 1 }],
        fronted: 3,
        secrets: [{ name: 'alice', connections: 2, bytes: 5000 }],
        replay: { items: 11, bytes: 1200 },
        peers: [{ name: 'front1', isUp: true }],
      }),
    })
    const lines = (await registry.metrics())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    const names = lines.filter((line) => !/_(bucket|sum|count)\{/.test(line))
    expect(names.toSorted()).toEqual(
      `mtproto_proxy_build_info{version="1.2.3"} 1
mtproto_proxy_connections_count{listener="main"} 7
mtproto_proxy_dc_num_downstreams{dc="-2"} 2
mtproto_proxy_dc_num_upstreams{dc="-2"} 9
mtproto_proxy_dc_upstreams_per_downstream{dc="-2",meter="max"} 5
mtproto_proxy_dc_upstreams_per_downstream{dc="-2",meter="min"} 4
mtproto_proxy_down_backpressure_total{dc_id="-2",state="bytes_total"} 1
mtproto_proxy_downstream_migration_total{listener="main",dc_id="-2",result="ok"} 1
mtproto_proxy_front_link_up{peer="front1"} 1
mtproto_proxy_fronted_connections 3
mtproto_proxy_healthcheck_total{action="total_memory"} 1
mtproto_proxy_in_connection_closed_total{listener="main"} 1
mtproto_proxy_in_connection_total{listener="main"} 1
mtproto_proxy_inactive_hibernate_total{listener="main"} 1
mtproto_proxy_inactive_timeout_total{listener="main"} 1
mtproto_proxy_migration_parked{dc="-2"} 1
mtproto_proxy_out_connect_error_total{dc_id="-2",reason="timeout"} 1
mtproto_proxy_out_connect_ok_total{dc_id="-2"} 1
mtproto_proxy_policy_refused_total{listener="main",why="in_table"} 1
mtproto_proxy_protocol_error_total{listener="main",reason="unknown_protocol"} 1
mtproto_proxy_protocol_ok_total{listener="main",protocol="mtp_secure"} 1
mtproto_proxy_quick_acks_total{listener="main"} 1
mtproto_proxy_received_downstream_bytes{dc_id="-2"} 10
mtproto_proxy_received_upstream_bytes{listener="main"} 1
mtproto_proxy_replay_storage_bytes 1200
mtproto_proxy_replay_storage_items 11
mtproto_proxy_secret_bytes{secret="alice"} 5000
mtproto_proxy_secret_connections{secret="alice"} 2
mtproto_proxy_sent_downstream_bytes{dc_id="-2"} 20
mtproto_proxy_sent_upstream_bytes{listener="main"} 1
mtproto_proxy_timer_switch_total{listener="main",from="hibernate",to="stop"} 1
mtproto_proxy_upstream_send_error_total{listener="main",reason="timeout"} 1`
        .split('\n')
        .filter((line) => !line.includes('_count{')),
    )
    const histograms = new Set(
      lines.flatMap((line) => /^(\w+)_count(?:\{(.*)\})? /.exec(line)?.slice(1).join(' ') ?? []),
    )
    expect([...histograms].toSorted()).toEqual([
      'mtproto_proxy_connections listener="main"',
      'mtproto_proxy_down_backpressure_passive_duration_seconds dc_id="-2"',
      'mtproto_proxy_down_lifetime_seconds dc_id="-2"',
      'mtproto_proxy_downstream_send_duration_seconds dc="-2"',
      'mtproto_proxy_migration_duration_seconds listener="main"',
      'mtproto_proxy_session_lifetime_seconds listener="main"',
      'mtproto_proxy_tg_packet_size_bytes direction="downstream_to_upstream"',
      'mtproto_proxy_tg_packet_size_bytes direction="upstream_to_downstream"',
      'mtproto_proxy_tracker_packet_size_bytes direction="downstream"',
      'mtproto_proxy_tracker_packet_size_bytes direction="upstream"',
      'mtproto_proxy_upstream_send_duration_seconds listener="main"',
    ])
  })

  it('12 count into the given buckets, each with all below it', async () => {
    const registry = new Registry()
    const { lifetime } = prometheusMetrics(registry).listener('a')
    for (const value of [0.1, 0.2, 0.21, 1200, 1201]) lifetime.observe(value)
    const text = await registry.getSingleMetricAsString('mtproto_proxy_session_lifetime_seconds')
    expect(text).toBe(
      `# HELP mtproto_proxy_session_lifetime_seconds How long clients stayed
# TYPE mtproto_proxy_session_lifetime_seconds histogram
${[
  ['0.2', 2],
  ['0.5', 3],
  ['1', 3],
  ['5', 3],
  ['10', 3],
  ['30', 3],
  ['60', 3],
  ['150', 3],
  ['300', 3],
  ['600', 3],
  ['1200', 4],
  ['+Inf', 5],
]
  .map(([le, n]) => `mtproto_proxy_session_lifetime_seconds_bucket{le="${le}",listener="a"} ${n}`)
  .join('\n')}
mtproto_proxy_session_lifetime_seconds_sum{listener="a"} 2401.51
mtproto_proxy_session_lifetime_seconds_count{listener="a"} 5`,
    )
    const [json] = (await registry.getMetricsAsJSON()).filter(({ name }) => name.includes('session_lifetime'))
    expect(json).toMatchObject({ type: 'histogram', values: { length: 14 } })
  })

  it('give the same object for the same name, so that hot paths can keep it', () => {
    const metrics = prometheusMetrics(new Registry())
    expect(metrics.listener('a')).toBe(metrics.listener('a'))
    expect(metrics.dataCenter(-2)).toBe(metrics.dataCenter(-2))
    expect(metrics.listener('a')).not.toBe(metrics.listener('b'))
  })

  it('can be left out', () => {
    expect(() => touch(noMetrics)).not.toThrow()
  })
})
