import { MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import { listenTo } from '../conferences/listen-to.js'
import type { ToxNode } from '../tox/node.js'

/** What {@link registerNodeMetrics} looks at. */
export type NodeMetricsSource = Pick<ToxNode, 'conferences' | 'linksUp' | 'traffic'>

/**
 * Adds the metrics of a node to a registry: its packets, its links, and what its conferences go through.
 *
 * | name | labels | what it is |
 * | --- | --- | --- |
 * | `holdfast_conference_links_up` | – | friends and members that there is a link to |
 * | `holdfast_conference_packets_total` | `direction`, `way` | packets, `in` or `out`, by `udp` or a `relay` |
 * | `holdfast_conference_packets_dropped_total` | `reason` | packets that came and were not used; more than a few `host-limit`, `stranger-limit` or `bad-cookie` are an attack |
 * | `holdfast_conference_freezes_total` | `reason` | members frozen: `silent`, `no-connection`, `said-so` or `restored` |
 * | `holdfast_conference_thaws_total` | `by` | frozen members that are back, shown by a `message`, `rejoin`, `new-peer` or `invitation` |
 * | `holdfast_conference_catch_ups_total` | `did` | times we `asked` for what we missed, or `answered` |
 * | `holdfast_conference_spoofed_total` | – | messages in our name that others wrote |
 */
export function registerNodeMetrics(registry: Registry, node: NodeMetricsSource): void {
  const { conferences, traffic } = node
  const metrics = new MetricSet(registry, 'holdfast_conference_')
  metrics.gauge({ name: 'links_up', help: 'Friends and members that there is a link to' }, () => node.linksUp)
  metrics.counter({ name: 'packets_total', help: 'Packets', labels: ['direction', 'way'] }, () =>
    (['udp', 'relay'] as const).flatMap((way) => [
      [['in', way], traffic.received[way]] as const,
      [['out', way], traffic.sent[way]] as const,
    ]),
  )
  const dropped = {
    name: 'packets_dropped_total',
    help: 'Packets that came and were not used',
    labels: ['reason'],
  }
  metrics.counter(dropped, () => Object.entries(traffic.dropped))
  const freezes = metrics.counts({ name: 'freezes_total', help: 'Members frozen', labels: ['reason'] })
  const thaws = metrics.counts({ name: 'thaws_total', help: 'Frozen members that are back', labels: ['by'] })
  const catchUps = metrics.counts({
    name: 'catch_ups_total',
    help: 'Times we asked for what we missed, or answered',
    labels: ['did'],
  })
  const spoofed = metrics.counts({ name: 'spoofed_total', help: 'Messages in our name that others wrote' })()
  // It ends with the node.
  listenTo(conferences.events$, (news) => {
    if (news.kind === 'frozen') freezes(news.why).inc()
    else if (news.kind === 'thawed') thaws(news.by).inc()
    else if (news.kind === 'catch-up') catchUps(news.did).inc()
    else if (news.kind === 'spoofed') spoofed.inc()
  })
}
