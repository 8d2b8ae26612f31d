import type { Millis } from '@holdfast/core'
import type { DhtKey, RealKey } from '../wire/identity.js'
import { type Address, addressText } from './dht/address.js'
import type { Dht } from './dht/dht.js'
import type { NodeInfo } from './dht/packed-nodes.js'
import { type Path, udpPath } from './net-crypto/path.js'
import { type ToxEndpoint, toxEndpoint } from './net-crypto/tox-link.js'
import type { Relays } from './relay/relays.js'

/** DHT keys remembered of a peer: it has a new one at each start, and word of an old one may come late. */
const mostKeys = 2
/** Nodes of the local network that are tried for peers whose DHT key nobody told us. */
const mostNeighbours = 32
const neighbourForMs = 60_000
/** How long a DHT key that was told has to lead somewhere. */
const guessAfterMs = 5000

/** What where-abouts are made of. */
export interface WhereaboutsOptions {
  readonly dht: Dht
  readonly relays: Relays
  readonly now: () => Millis
}

interface Sought {
  /** The latest first. */
  keys: readonly DhtKey[]
  /** When the latest was told. */
  toldAt: Millis
  turn: number
  waiting: ((endpoint: ToxEndpoint) => void) | null
}

interface Place {
  readonly dhtKey: DhtKey
  readonly paths: readonly Path[]
  readonly isGuess: boolean
}

/**
 * Where peers may be: by the DHT keys that we were told, looked up, and by those of the local network, which are tried
 * one after another (spec 12.7): a wrong guess cannot be answered.
 */
export class Whereabouts {
  readonly #options: WhereaboutsOptions
  readonly #sought = new Map<RealKey, Sought>()
  readonly #neighbours = new Map<DhtKey, { readonly address: Address; readonly at: Millis }>()
  /** Addresses that somebody gave together with a DHT key. */
  readonly #given = new Map<DhtKey, Address>()

  constructor(options: WhereaboutsOptions) {
    this.#options = options
  }

  /** Somebody told the DHT key of a peer, and perhaps its address. */
  tell(realKey: RealKey, dhtKey: DhtKey, address?: Address): void {
    const sought = this.#entry(realKey)
    const keys = [dhtKey, ...sought.keys.filter((key) => key !== dhtKey)]
    for (const old of keys.slice(mostKeys)) this.#drop(old)
    if (sought.keys[0] !== dhtKey) sought.toldAt = this.#options.now()
    sought.keys = keys.slice(0, mostKeys)
    if (address) this.#given.set(dhtKey, address)
    this.#options.dht.search(dhtKey, this.#options.now())
    this.#options.relays.want(dhtKey)
    this.#settle(realKey, sought)
  }

  /** Waits until a place is known where a peer may be; a later call for the same peer takes the place of this one. */
  locate(realKey: RealKey): Promise<ToxEndpoint> {
    return new Promise((resolve) => {
      const sought = this.#entry(realKey)
      sought.waiting = resolve
      this.#settle(realKey, sought)
    })
  }

  /** A peer is wanted no more. */
  forget(realKey: RealKey): void {
    const sought = this.#sought.get(realKey)
    this.#sought.delete(realKey)
    for (const key of sought?.keys ?? []) this.#drop(key)
  }

  /** Peers that have been said to be this node. */
  who(dhtKey: DhtKey): RealKey[] {
    return [...this.#sought].filter(([, { keys }]) => keys.includes(dhtKey)).map(([realKey]) => realKey)
  }

  /** A node has answered from there. */
  found({ dhtKey, address }: NodeInfo, isLocal: boolean): void {
    if (isLocal) this.#meet(dhtKey, address)
    this.settle()
  }

  /** Something may be known that was not: a node, a relay. */
  settle(): void {
    for (const [realKey, sought] of this.#sought) this.#settle(realKey, sought)
  }

  #settle(realKey: RealKey, sought: Sought): void {
    if (!sought.waiting) return
    const places = [...this.#places(sought)]
    const place = places[sought.turn % places.length]
    if (!place) return
    sought.turn += 1
    const { waiting } = sought
    sought.waiting = null
    waiting({ ...toxEndpoint(realKey, place.dhtKey, place.paths), isGuess: place.isGuess })
  }

  *#places({ keys, toldAt }: Sought): Generator<Place> {
    const { dht, relays, now } = this.#options
    for (const dhtKey of keys) {
      const known = [
        dht.whereIs(dhtKey)?.address,
        this.#given.get(dhtKey),
        this.#neighbours.get(dhtKey)?.address,
      ]
      const direct = new Map(known.flatMap((at) => (at ? [[addressText(at), udpPath(at)] as const] : [])))
      const paths = [...direct.values(), ...relays.paths(dhtKey)]
      if (paths.length > 0) yield { dhtKey, paths, isGuess: false }
    }
    // What was told may be of an earlier run; but first it is looked for.
    if (now() - toldAt < guessAfterMs) return
    for (const [dhtKey, { address, at }] of this.#neighbours) {
      if (now() - at > neighbourForMs) this.#neighbours.delete(dhtKey)
      else if (this.who(dhtKey).length === 0) yield { dhtKey, paths: [udpPath(address)], isGuess: true }
    }
  }

  #meet(dhtKey: DhtKey, address: Address): void {
    this.#neighbours.delete(dhtKey)
    this.#neighbours.set(dhtKey, { address, at: this.#options.now() })
    for (const oldest of this.#neighbours.keys()) {
      if (this.#neighbours.size <= mostNeighbours) break
      this.#neighbours.delete(oldest)
    }
  }

  #entry(realKey: RealKey): Sought {
    const known = this.#sought.get(realKey)
    if (known) return known
    const sought: Sought = { keys: [], toldAt: Number.NEGATIVE_INFINITY, turn: 0, waiting: null }
    this.#sought.set(realKey, sought)
    return sought
  }

  #drop(dhtKey: DhtKey): void {
    if (this.who(dhtKey).length > 0) return
    this.#given.delete(dhtKey)
    this.#options.dht.stopSearch(dhtKey)
    this.#options.relays.unwant(dhtKey)
  }
}
