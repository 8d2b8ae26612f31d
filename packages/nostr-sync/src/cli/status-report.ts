import type { Intake } from '../intake/types.js'
import type { MirrorState, RelayStatus } from '../manager/status.js'
import type { EventStore } from '../store/types.js'
import type { Verifier } from '../verify/types.js'
import type { Serving } from './serving.js'

/** What `status` shows of a running relay. */
export interface StatusReport {
  readonly url: string
  readonly events: number
  readonly clients: number
  readonly subscriptions: number
  readonly pending: number
  readonly held: number
  readonly verifying: number
  /** What became of events, by who sent them. */
  readonly received: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** What is mirrored, and how; null where nothing is. */
  readonly mirror: MirrorState | null
  readonly sinks: readonly { readonly name: string; readonly delivered: number; readonly refused: number }[]
}

/** Looks at everything. */
export function reportStatus(
  {
    store,
    intake,
    verifier,
  }: { readonly store: EventStore; readonly intake: Intake; readonly verifier: Verifier },
  { endpoint, sinks }: Serving,
  mirror: MirrorState | null = null,
): StatusReport {
  const received: Record<string, Record<string, number>> = {}
  for (const [source, result, count] of intake.counts.entries()) {
    const results = received[source] ?? {}
    received[source] = results
    results[result] = count
  }
  return {
    url: endpoint.url,
    events: store.size,
    clients: endpoint.state.links,
    subscriptions: endpoint.stats.subscriptions,
    pending: intake.pending,
    held: intake.held,
    verifying: verifier.queued,
    received,
    mirror,
    sinks: sinks.map(({ name, stats }) => ({ name, ...stats })),
  }
}

/** For people. */
export function describeStatus(report: StatusReport): string {
  const { url, events, clients, subscriptions, pending, held, received, mirror, sinks } = report
  const lines = [
    `${url}: ${events} events, ${clients} clients with ${subscriptions} subscriptions, ${pending} events waiting, ${held} held`,
  ]
  for (const [source, results] of Object.entries(received)) {
    const counts = Object.entries(results).map(([result, count]) => `${count} ${result}`)
    lines.push(`  from ${source}: ${counts.join(', ')}`)
  }
  if (mirror !== null)
    lines.push(`${mirror.repositories} repositories mirrored, ${mirror.relays.length} relays:`)
  for (const relay of mirror?.relays ?? []) lines.push(`  ${describeRelay(relay)}`)
  for (const { name, delivered, refused } of sinks)
    lines.push(`  to ${name}: ${delivered} delivered, ${refused} refused`)
  return lines.join('\n')
}

function describeRelay(relay: RelayStatus): string {
  const {
    url,
    status,
    health,
    watermarkAgeMs,
    pendingBatches,
    confirmedItems,
    fault,
    refusal,
    failuresInRow,
  } = relay
  const parts = [
    status,
    ...(health === 'healthy' || health === status ? [] : [health]),
    ...(fault === null ? [] : [`${fault.category} fault: ${fault.reason}`]),
    ...(refusal === null ? [] : [`refuses: ${refusal}`]),
    ...(failuresInRow === 0 ? [] : [`failed ${failuresInRow} times in a row`]),
    ...(pendingBatches === 0 ? [] : [`${pendingBatches} batches pending`]),
    watermarkAgeMs === null
      ? 'not complete yet'
      : `complete up to ${Math.round(watermarkAgeMs / 1000)} s ago`,
    `${confirmedItems} repositories and threads`,
  ]
  return `${url}: ${parts.join(', ')}`
}
