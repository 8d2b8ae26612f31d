import { MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { ToxClient } from '../client/tox-client.js'
import { listenTo } from '../conferences/listen-to.js'

/** What {@link registerConferenceMetrics} looks at. */
export type ConferenceMetricsSource = Pick<ToxClient, 'friends' | 'conferences' | 'messages$'> & {
  readonly node: Pick<ToxClient['node'], 'friends' | 'links' | 'network'>
}

/**
 * Adds the metrics of a client to a registry. A conference is named by the first 8 digits of its identifier, as in the log:
 * who knows all of it can come in.
 *
 * | name | labels | what it is |
 * | --- | --- | --- |
 * | `holdfast_conference_network_nodes`, `_network_relays` | – | nodes of the network that answer, and relays that are connected |
 * | `holdfast_conference_links` | – | connections to friends and members, those being made included |
 * | `holdfast_conference_friends` | `presence` | friends, `online` or `offline` |
 * | `holdfast_conference_conferences` | `phase` | conferences, `joining` or `connected` |
 * | `holdfast_conference_connections` | `conference` | links that carry it; without one nothing can be said or heard |
 * | `holdfast_conference_members` | `conference`, `presence` | members other than ourselves, `live` or `frozen` |
 * | `holdfast_conference_messages_total` | `conference`, `heard` | what was said: `live`, `late` (while somebody was away), or by us (`ours`) |
 * | `holdfast_conference_messages_unwritten_total` | – | messages that could not be written to disk |
 *
 * @example
 * ```ts no-run
 * import { registerConferenceMetrics, toxClient } from '@holdfast/conference'
 * import { nodeEnv } from '@holdfast/core/node'
 * import { collectMetrics, serveMetrics } from '@holdfast/core/service'
 *
 * using metrics = collectMetrics()
 * await using client = await toxClient({ env: nodeEnv({ name: 'bot' }), profile: './bot.tox' })
 * registerConferenceMetrics(metrics.registry, client)
 * await using _served = await serveMetrics({ at: '9464', registry: metrics.registry })
 * ```
 */
export function registerConferenceMetrics(registry: Registry, client: ConferenceMetricsSource): void {
  const { node, friends, conferences, messages$ } = client
  const metrics = new MetricSet(registry, 'holdfast_conference_')
  metrics.gauge({ name: 'network_nodes', help: 'Nodes of the network that answer' }, () => node.network.nodes)
  metrics.gauge({ name: 'network_relays', help: 'Relays that are connected' }, () => node.network.relays)
  metrics.gauge({ name: 'links', help: 'Connections to friends and members' }, () => node.links)
  metrics.gauge({ name: 'friends', help: 'Friends by presence', labels: ['presence'] }, () => {
    const online = [...friends.keys()].filter((key) => node.friends.all.get(key)?.isOnline === true).length
    return [
      ['online', online],
      ['offline', friends.size - online],
    ]
  })
  metrics.gauge({ name: 'conferences', help: 'Conferences by phase', labels: ['phase'] }, () => {
    const phases = conferences.list().map(({ phase }) => phase)
    return (['joining', 'connected'] as const).map((phase) => [
      phase,
      phases.filter((each) => each === phase).length,
    ])
  })
  const labels = ['conference']
  metrics.gauge({ name: 'connections', help: 'Links that carry a conference', labels }, () =>
    conferences.list().map(({ identifier, connections }) => [shortOf(identifier), connections] as const),
  )
  metrics.gauge({ name: 'members', help: 'Members by presence', labels: ['conference', 'presence'] }, () =>
    conferences.list().flatMap(({ identifier, members }) => {
      const frozen = members.filter((member) => member.frozen !== null).length
      const name = shortOf(identifier)
      return [[[name, 'live'], members.length - frozen] as const, [[name, 'frozen'], frozen] as const]
    }),
  )
  const messages = metrics.counts({
    name: 'messages_total',
    help: 'What was said',
    labels: ['conference', 'heard'],
  })
  const unwritten = metrics.counts({
    name: 'messages_unwritten_total',
    help: 'Messages that could not be written to disk',
  })()
  // It ends with the client.
  listenTo(messages$, ({ identifier, isOurs, isLate, position }) => {
    messages(shortOf(identifier), isOurs ? 'ours' : isLate ? 'late' : 'live').inc()
    if (position === null) unwritten.inc()
  })
}

function shortOf(identifier: string): string {
  return identifier.slice(0, 8)
}
