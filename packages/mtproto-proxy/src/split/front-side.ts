import {
  type Dialer,
  type Endpoint,
  type Env,
  fullJitter,
  type LinkProtocol,
  type Millis,
  type Pool,
  pool,
} from '@holdfast/core'
import type { Gatekeeper } from '../gatekeeper.js'
import type { MigrationResult, ProxyMetrics } from '../metrics/types.js'
import type { DataCenters, Tunnel, TunnelEnd } from '../tunnel.js'
import { BackLink } from './back-link.js'
import { splitKeepalive } from './back-side.js'
import { FrontTunnel, tunnelEnd } from './front-tunnel.js'
import { RemoteGatekeeper } from './remote-gatekeeper.js'

/** Longest wait between two dials of the back, in milliseconds: fronts are few, and clients wait for it. */
const longestDialDelayMs = 2_000

/** What may wait for the back to be taken by the kernel, in bytes. Clients' packets wait in their tunnels. */
const outboundBytes = 64 * 1024 * 1024

/** What becomes of a client that has lost its link and gets no other. */
const lostBy: Partial<Record<TunnelEnd, MigrationResult>> = {
  'mid-send': 'mid_send',
  'back-lost': 'empty',
  'park-full': 'empty',
}

/** Options of {@link frontSide}. */
export interface FrontSideOptions {
  readonly env: Env
  readonly dialer: Dialer
  /** The back. Plain TCP only on loopback: see {@link splitEndpoint}. */
  readonly back: Endpoint
  /** Name of this node, which the back logs. */
  readonly node: string
  /**
   * How long idle clients wait for the link to come back, in milliseconds, less when it will not be dialed again within
   * that; 0: they are closed with it.
   *
   * @defaultValue 5000
   */
  readonly grace?: Millis
  /**
   * How many wait at most.
   *
   * @defaultValue 20000
   */
  readonly maxParked?: number
  /** Counts how clients fared whose link was lost. */
  readonly metrics: Pick<ProxyMetrics, 'listener'>
  /** Which bad clients may be fronted: a front decides that by itself. */
  readonly mayFront: Gatekeeper['mayFront']
}

/** The data centres of a back, as its front uses them. */
export interface FrontSide extends AsyncDisposable {
  readonly dataCenters: DataCenters
  /** Asks the back who may come in, for a back that has a gatekeeper. */
  readonly gatekeeper: Gatekeeper
  /** The link to the back, as a pool of one. */
  readonly pool: Pick<Pool<Tunnel, LinkProtocol>, 'state' | 'state$' | 'drain' | 'close'>
}

/**
 * Reaches the data centres of a back. While the link is lost, who had sent a packet that the back had not taken is closed
 * as `mid-send`; idle clients are parked for {@link FrontSideOptions.grace} and get new tunnels when the link is back.
 * Nothing is sent twice (spec 10).
 */
export function frontSide(options: FrontSideOptions): FrontSide {
  const { env, dialer, back, node, grace = 5_000, maxParked = 20_000, mayFront, metrics } = options
  const gatekeeper = new RemoteGatekeeper(env.clock, mayFront)
  const links = pool<FrontTunnel, BackLink>({
    env,
    size: { min: 1, max: 1 },
    ...(grace > 0 && { park: { within: grace, max: maxParked } }),
    slot: {
      env,
      dialer,
      endpoints: [back],
      backoff: fullJitter({ cap: longestDialDelayMs }),
      keepalive: splitKeepalive,
      outbound: { bytes: outboundBytes },
      protocol: (scope) => new BackLink(scope, node, gatekeeper),
    },
    mover: {
      movable: (tunnel) => (tunnel.isSending ? 'mid-send' : true),
      attach(tunnel, to) {
        const { leftAt } = tunnel
        if (leftAt !== null) {
          const listener = metrics.listener(tunnel.request.listener)
          listener.migrated(tunnel.request.dcId, 'parked')
          listener.migrationDuration.observe((env.clock.now() - leftAt) / 1000)
        }
        tunnel.attach(to)
      },
      detach: (tunnel, _from, linkAlive) => tunnel.detach(linkAlive, env.clock.now()),
      released(tunnel, why) {
        const result = lostBy[tunnelEnd(why)]
        if (tunnel.leftAt !== null && result !== undefined) {
          metrics.listener(tunnel.request.listener).migrated(tunnel.request.dcId, result)
        }
        tunnel.released(why)
      },
    },
  })
  links.start()
  return {
    gatekeeper,
    pool: links,
    dataCenters: {
      open(request, client) {
        const tunnel = new FrontTunnel(request, client)
        const binding = links.bind(tunnel)
        if ('refused' in binding) return { refused: tunnelEnd(binding.refused) }
        tunnel.bound(binding)
        return tunnel
      },
    },
    [Symbol.asyncDispose]: () => links[Symbol.asyncDispose](),
  }
}
