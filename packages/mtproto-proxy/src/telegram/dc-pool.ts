import {
  type Dialer,
  type End,
  type Endpoint,
  fullJitter,
  type LifecycleOptions,
  type Millis,
  type Mover,
  type Pool,
  pool,
  type Reached,
  type RetryAdvice,
} from '@holdfast/core'
import type { ProxyMetrics } from '../metrics/types.js'
import type { TunnelEnd } from '../tunnel.js'
import type { DcClient } from './dc-client.js'
import { DcLink, type DcLinkSettings } from './dc-link.js'

/** How many connections a data centre has, and how its clients move among them. Read when needed, so it may change. */
export interface DcPoolSettings extends DcLinkSettings {
  /** Connections kept up. */
  readonly minConnections: number
  /** How many clients each connection has before more are opened; a target, not a limit. */
  readonly clientsPerConnection: number
  /** How long a client waits for a connection when there is none. */
  readonly parkWithin: Millis
  /** How many clients wait at most. */
  readonly parkMax: number
  /** How long a connection must have been ready for its end to be a matter of course. */
  readonly stableAfter: Millis
  /** When a ready connection says something, so that it is known to live. */
  readonly pingEvery: Millis
  /** When a connection that says nothing is given up. */
  readonly hearWithin: Millis
}

/** What a {@link dcPool} is made of. */
export interface DcPoolOptions {
  readonly dcId: number
  readonly settings: DcPoolSettings
  /** All metrics: those of listeners count the migrations of their clients. */
  readonly metrics: ProxyMetrics
  readonly dialer: Dialer
  /** Asked before each dial. */
  readonly endpoint: () => Endpoint
}

/** Connections of one data centre at most; clients are spread over what there is. */
const maxConnections = 1000
/** How many connections are opened at a time when all are busy (spec 6.2). */
const burst = 2
const handshakeWithin: Millis = 8000
/** How long clients of a connection that is replaced have to get to where they can move. */
const replaceWithin: Millis = 10_000
const outboundBytes = 64 * 1024 * 1024

/**
 * The connections to one data centre, and the clients that move among them (spec 6.2, 9).
 *
 * The original needs messages between pool, connections and clients, and can lose races between them (spec 9.4). Here
 * the step in which a connection ends also moves, parks or cuts each of its clients.
 */
export function dcPool(options: DcPoolOptions): Pool<DcClient, DcLink> {
  const { settings, dialer, endpoint } = options
  const slot: LifecycleOptions<DcLink> = {
    env: settings.env,
    dialer,
    endpoints: endpoint,
    protocol: (scope) =>
      new DcLink(scope, settings, (link) => void made.retire(link, { within: replaceWithin })),
    handshakeWithin,
    stableAfter: settings.stableAfter,
    // All the packets of a full link wait in their clients, so this is never reached by way of them.
    outbound: { bytes: outboundBytes },
    keepalive: { sendEvery: settings.pingEvery, hearWithin: settings.hearWithin, arm: 'manual' },
    backoff: fullJitter({ floor: 50, base: 300, cap: 30_000 }),
    advise: (why, reached) => advise(why, reached, settings),
  }
  const made: Pool<DcClient, DcLink> = pool<DcClient, DcLink>({
    env: settings.env,
    slot,
    // Nobody is parked while a link is ready: who is placed after that was.
    mover: mover(options, () => made.state.parked > 0),
    size: {
      get min() {
        return settings.minConnections
      },
      max: maxConnections,
      get growAbove() {
        return settings.clientsPerConnection
      },
      burst,
      get shrinkBelow() {
        return settings.clientsPerConnection / 2
      },
    },
    park: {
      get within() {
        return settings.parkWithin
      },
      get max() {
        return settings.parkMax
      },
    },
    label: ({ request }) => request.listener,
  })
  return made
}

/** Telegram closes connections as a matter of course: what has been of use is replaced at once. */
function advise(why: End, reached: Reached, { metrics }: DcPoolSettings): RetryAdvice {
  if (reached.phase === 'dialing' || reached.phase === 'handshaking') {
    metrics.connectFailed(String(why.code ?? why.kind))
    return why.advice
  }
  return why.kind === 'closed-by-peer' || why.kind === 'reset-by-peer' ? { kind: 'now' } : why.advice
}

const endings: Readonly<Record<string, TunnelEnd>> = {
  'mid-send': 'mid-send',
  'no-link': 'no-connection',
  'park-full': 'park-full',
  'park-expired': 'park-expired',
}

/** What a pool's reason to release, or refuse, is to a client. */
export function tunnelEnd(why: End): TunnelEnd {
  return endings[String(why.code)] ?? 'closed'
}

/** @param wasParked - whether anybody was parked before the step that is being taken */
function mover(
  { dcId, settings, metrics }: DcPoolOptions,
  wasParked: () => boolean,
): Mover<DcClient, DcLink> {
  const { clock } = settings.env
  return {
    movable: (client, from) => (from.canLeave(client) ? true : 'mid-send'),
    attach(client, to) {
      const { leftAt } = client
      const hadUnsent = settings.resendUnsent && client.unsent !== null
      client.leftAt = null
      if (leftAt !== null) {
        const listener = metrics.listener(client.request.listener)
        const took = clock.now() - leftAt
        listener.migrated(dcId, hadUnsent ? 'resent' : wasParked() ? 'parked' : 'ok')
        listener.migrationDuration.observe(took / 1000)
      }
      to.add(client)
    },
    detach(client, from, linkAlive) {
      from.remove(client, linkAlive)
      client.leftAt = clock.now()
      client.hold()
    },
    released(client, why) {
      const isOurs = why.code === 'asked'
      const told = isOurs ? client.verdict : tunnelEnd(why)
      const wasLost = client.leftAt !== null && !isOurs
      if (wasLost && why.code !== 'closed' && why.code !== 'draining') {
        metrics
          .listener(client.request.listener)
          .migrated(dcId, why.code === 'mid-send' ? 'mid_send' : 'empty')
      }
      client.over(told)
    },
  }
}
