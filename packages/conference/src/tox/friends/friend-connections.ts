import { type Env, fullJitter, type Lifecycle, lifecycle } from '@holdfast/core'
import type { RealKey } from '../../wire/identity.js'
import type { Connection } from '../net-crypto/connection.js'
import {
  type ToxEndpoint,
  type ToxLinkOptions,
  takeConnection,
  toxDialer,
  toxEndpoint,
} from '../net-crypto/tox-link.js'
import { deadAfterMs, FriendLink } from './friend-link.js'

/** What friend connections need of the node. */
export interface FriendConnectionsOptions extends Omit<ToxLinkOptions, 'clock'> {
  readonly env: Env
  /** Waits until it is known where a peer may be. Asked again after each failure. */
  locate(realKey: RealKey): Promise<ToxEndpoint>
}

/** What is told of friend connections, one at a time. */
export interface FriendConnectionsEvents {
  up(link: FriendLink): void
  down(realKey: RealKey): void
  /** Lent for the call. */
  packet(link: FriendLink, packet: Uint8Array): void
}

interface Entry {
  readonly life: Lifecycle<FriendLink>
  readonly leases: Set<string>
}

/** A peer that dials us has most often just come back: the first retries are quick, the later ones rare. */
const backoff = fullJitter({ floor: 100, base: 500, cap: 15_000 })

/**
 * Friend connections: one for each peer that somebody has a lease on, however many need it, begun by either side.
 * It dials again for as long as there is a lease.
 */
export class FriendConnections {
  readonly #options: FriendConnectionsOptions
  readonly #events: FriendConnectionsEvents
  readonly #entries = new Map<RealKey, Entry>()

  constructor(options: FriendConnectionsOptions, events: FriendConnectionsEvents) {
    this.#options = options
    this.#events = events
  }

  /** The link to a peer while it is up. */
  get(realKey: RealKey): FriendLink | null {
    return this.#entries.get(realKey)?.life.current ?? null
  }

  /** Whether anybody has a lease. */
  isWanted(realKey: RealKey): boolean {
    return this.#entries.has(realKey)
  }

  /** Peers that are wanted. */
  wanted(): Iterable<RealKey> {
    return this.#entries.keys()
  }

  /** Takes a lease, under a name of the holder's choice; again under the same name does nothing. */
  lease(realKey: RealKey, holder: string): void {
    const entry = this.#entries.get(realKey) ?? this.#begin(realKey)
    entry.leases.add(holder)
  }

  /** Gives a lease back; with the last one the connection closes. */
  release(realKey: RealKey, holder: string): void {
    const entry = this.#entries.get(realKey)
    if (!entry?.leases.delete(holder) || entry.leases.size > 0) return
    this.#entries.delete(realKey)
    void entry.life.drain()
  }

  /** Dials now instead of later: something new is known of where the peer is. */
  nudge(realKey: RealKey): void {
    const life = this.#entries.get(realKey)?.life
    if (life?.state.phase === 'waiting') life.nudge('network-up')
  }

  /** A peer has connected to us: its connection takes the place of whatever there was. */
  incoming(connection: Connection): void {
    const { realKey, dhtKey } = connection
    const from = toxEndpoint(realKey, dhtKey, [])
    const { netCrypto, env } = this.#options
    const take = takeConnection({ netCrypto, clock: env.clock }, from, connection)
    this.#entries.get(realKey)?.life.adopt(take, from)
  }

  /** Closes all of them, telling the peers. */
  async close(): Promise<void> {
    const lives = [...this.#entries.values()].map(({ life }) => life)
    this.#entries.clear()
    await Promise.all(lives.map((life) => life.drain({ within: 1000 })))
  }

  #begin(realKey: RealKey): Entry {
    const { env, netCrypto, locate } = this.#options
    const life = lifecycle<FriendLink>({
      env: { ...env, name: `tox ${realKey.slice(0, 8)}` },
      dialer: toxDialer({ netCrypto, clock: env.clock }),
      endpoints: () => locate(realKey),
      // The dialer itself gives up after its tries, and a peer that is offline is waited for.
      dialWithin: Number.POSITIVE_INFINITY,
      keepalive: { hearWithin: deadAfterMs, arm: 'at-open' },
      backoff,
      prefer: () => 'incoming',
      protocol: (scope) =>
        new FriendLink(scope, realKey, (link, packet) => this.#events.packet(link, packet)),
    })
    const entry: Entry = { life, leases: new Set() }
    this.#entries.set(realKey, entry)
    let isUp = false
    life.current$.subscribe({
      next: (link) => {
        if (isUp) this.#events.down(realKey)
        isUp = link !== null
        if (link) this.#events.up(link)
      },
      error: () => undefined,
    })
    life.start()
    return entry
  }
}
