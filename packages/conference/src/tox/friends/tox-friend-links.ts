import { type Env, fullJitter, type Lifecycle, lifecycle } from '@holdfast/core'
import type { FriendLinks } from '../../conferences/friend-links.js'
import type { DhtKey, RealKey } from '../../wire/identity.js'
import type { Connection } from '../net-crypto/connection.js'
import {
  type ToxEndpoint,
  type ToxLinkOptions,
  takeConnection,
  toxDialer,
  toxEndpoint,
} from '../net-crypto/tox-link.js'
import { deadAfterMs, FriendLink } from './friend-link.js'

/** What friend links need of the node. */
export interface ToxFriendLinksOptions extends Omit<ToxLinkOptions, 'clock'> {
  readonly env: Env
  readonly whereabouts: {
    /** Somebody told the DHT key of a peer. */
    tell(realKey: RealKey, dhtKey: DhtKey): void
    /** Waits until it is known where a peer may be. Asked again after each failure. */
    locate(realKey: RealKey): Promise<ToxEndpoint>
    /** A peer is wanted no more. */
    forget(realKey: RealKey): void
  }
}

/** What is told of friend links, one thing at a time. */
export interface FriendLinksEvents {
  up(link: FriendLink): void
  down(realKey: RealKey): void
  /** Lent for the call. */
  packet(link: FriendLink, packet: Uint8Array): void
}

interface Entry {
  readonly life: Lifecycle<FriendLink>
  readonly leases: Set<string>
  /** Ends with the lifecycle. */
  readonly following: { unsubscribe(): void }
}

/** Who is dialed has most often just come back: the first retries are quick, the later ones rare. */
const backoff = fullJitter({ floor: 100, base: 500, cap: 15_000 })

/** What a peer may leave unacknowledged: past that it does not read, and the link is given up. */
const outbound = { bytes: 1024 * 1024 }

/**
 * Friend links over Tox: one for each peer that somebody has a lease on, however many need it, begun by either side.
 * It is dialed again for as long as there is a lease.
 */
export class ToxFriendLinks implements FriendLinks {
  readonly #options: ToxFriendLinksOptions
  readonly #events: FriendLinksEvents
  readonly #entries = new Map<RealKey, Entry>()

  constructor(options: ToxFriendLinksOptions, events: FriendLinksEvents) {
    this.#options = options
    this.#events = events
  }

  /** The link to a peer while it is up. */
  get(realKey: RealKey): FriendLink | null {
    return this.#entries.get(realKey)?.life.current ?? null
  }

  /** How many are up. */
  get up(): number {
    return [...this.#entries.values()].filter(({ life }) => life.current !== null).length
  }

  /** Whether anybody has a lease. */
  isWanted(realKey: RealKey): boolean {
    return this.#entries.has(realKey)
  }

  want(realKey: RealKey, dhtKey: DhtKey | null, by: string): void {
    if (dhtKey !== null) this.#options.whereabouts.tell(realKey, dhtKey)
    const entry = this.#entries.get(realKey) ?? this.#begin(realKey)
    entry.leases.add(by)
    // Whoever wants it now may know more than who wanted it first.
    if (entry.life.state.phase === 'waiting') entry.life.nudge('operator')
  }

  release(realKey: RealKey, by: string): void {
    const entry = this.#entries.get(realKey)
    if (!entry?.leases.delete(by) || entry.leases.size > 0) return
    this.#entries.delete(realKey)
    this.#options.whereabouts.forget(realKey)
    void entry.life.drain()
  }

  send(realKey: RealKey, packet: Uint8Array): void {
    this.get(realKey)?.send(packet)
  }

  sendLossy(realKey: RealKey, packet: Uint8Array): void {
    this.get(realKey)?.sendLossy(packet)
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
    const entries = [...this.#entries.values()]
    await Promise.all(entries.map(({ life }) => life.drain({ within: 1000 })))
    for (const { following } of entries) following.unsubscribe()
    this.#entries.clear()
  }

  #begin(realKey: RealKey): Entry {
    const { env, netCrypto, whereabouts } = this.#options
    const life = lifecycle<FriendLink>({
      env: { ...env, name: `tox ${realKey.slice(0, 8)}` },
      dialer: toxDialer({ netCrypto, clock: env.clock }),
      endpoints: () => whereabouts.locate(realKey),
      // The dialer itself gives up after its tries, and a peer that is offline is waited for.
      dialWithin: Number.POSITIVE_INFINITY,
      keepalive: { hearWithin: deadAfterMs, arm: 'at-open' },
      backoff,
      outbound,
      protocol: (scope) =>
        new FriendLink(scope, realKey, (link, packet) => this.#events.packet(link, packet)),
    })
    let isUp = false
    const following = life.current$.subscribe({
      next: (link) => {
        if (isUp) this.#events.down(realKey)
        isUp = link !== null
        if (link) this.#events.up(link)
      },
      error: () => undefined,
    })
    const entry: Entry = { life, leases: new Set(), following }
    this.#entries.set(realKey, entry)
    life.start()
    return entry
  }
}
