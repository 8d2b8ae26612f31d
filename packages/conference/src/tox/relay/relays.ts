import { Buffer } from 'node:buffer'
import { type Dialer, type Env, type Lifecycle, lifecycle } from '@holdfast/core'
import type { DhtKey } from '../../wire/identity.js'
import type { KeyPair, RandomBytes } from '../crypto/box.js'
import { packetKinds } from '../net-crypto/packets.js'
import { type RelayPath, relayPath } from '../net-crypto/path.js'
import { mostRoutes, RelayLink } from './relay-link.js'

/** A relay, by which nodes reach each other that cannot do so directly. */
export interface RelayInfo {
  /** The relay's DHT key. */
  readonly key: DhtKey
  readonly host: string
  readonly port: number
}

/** What relays need of the node. */
export interface RelaysOptions {
  readonly env: Env
  readonly dialer: Dialer
  readonly dht: KeyPair
  readonly random: RandomBytes
  /** A packet came. Lent. */
  readonly packet: (packet: Uint8Array, from: RelayPath) => void
  /** A relay is connected, or no longer. */
  readonly changed: () => void
}

/** A relay asks every 30 s whether we are there, and so do we. */
const keepalive = { sendEvery: 30_000, hearWithin: 80_000, arm: 'at-open' } as const

/** Our connections to relays, each kept up for ever. */
export class Relays {
  readonly #options: RelaysOptions
  readonly #lives = new Map<DhtKey, Lifecycle<RelayLink>>()
  readonly #wanted = new Set<DhtKey>()
  readonly #following: { unsubscribe(): void }[] = []

  constructor(options: RelaysOptions, relays: Iterable<RelayInfo>) {
    this.#options = options
    for (const relay of relays) this.#lives.set(relay.key, this.#life(relay))
  }

  /** How many are connected. */
  get connected(): number {
    return [...this.#lives.values()].filter(({ current }) => current !== null).length
  }

  start(): void {
    for (const life of this.#lives.values()) {
      const { changed } = this.#options
      this.#following.push(life.current$.subscribe({ next: changed, error: () => undefined }))
      life.start()
    }
  }

  /** Ways to a node through all relays that are connected. */
  paths(dhtKey: DhtKey): RelayPath[] {
    const paths: RelayPath[] = []
    for (const [key, { current }] of this.#lives) if (current) paths.push(relayPath(key, dhtKey))
    return paths
  }

  /** All ways to nodes that routes are wanted to. */
  wantedPaths(): RelayPath[] {
    return [...this.#wanted].flatMap((dhtKey) => this.paths(dhtKey))
  }

  /** Wants routes to a node, through all relays. Only so many can be had: the oldest wish makes room. */
  want(dhtKey: DhtKey): void {
    if (this.#wanted.has(dhtKey)) return
    for (const oldest of this.#wanted) {
      if (this.#wanted.size < mostRoutes) break
      this.unwant(oldest)
    }
    this.#wanted.add(dhtKey)
    for (const { current } of this.#lives.values()) current?.want(dhtKey)
  }

  /** Wants none any more. */
  unwant(dhtKey: DhtKey): void {
    if (!this.#wanted.delete(dhtKey)) return
    for (const { current } of this.#lives.values()) current?.unwant(dhtKey)
  }

  /** Sends a packet. False if it cannot be, and is lost. */
  send(path: RelayPath, packet: Uint8Array): boolean {
    // Who is greeted will answer by the route, which both have to want.
    if (packet[0] === packetKinds.handshake) this.want(path.dhtKey)
    const link = this.#lives.get(path.relay)?.current
    return link?.sendTo(path.dhtKey, packet, packet[0] !== packetKinds.data) ?? false
  }

  async close(): Promise<void> {
    for (const each of this.#following) each.unsubscribe()
    await Promise.all([...this.#lives.values()].map((life) => life.drain({ within: 500 })))
  }

  #life({ key, host, port }: RelayInfo): Lifecycle<RelayLink> {
    const { env, dialer, dht, random, packet } = this.#options
    const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    return lifecycle<RelayLink>({
      env: { ...env, name: `relay ${at}` },
      dialer,
      endpoints: [{ uri: `tcp://${at}` }],
      keepalive,
      protocol: (scope) =>
        new RelayLink(scope, {
          dht,
          relay: Buffer.from(key, 'hex'),
          random,
          wanted: () => this.#wanted,
          packet: (from, bytes) => packet(bytes, relayPath(key, from)),
        }),
    })
  }
}
