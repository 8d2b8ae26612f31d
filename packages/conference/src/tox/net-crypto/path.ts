import type { Millis } from '@holdfast/core'
import type { DhtKey } from '../../wire/identity.js'
import { type Address, addressText } from '../dht/address.js'

/** Straight to the address of a node. */
export interface UdpPath {
  readonly kind: 'udp'
  /** Names it among all ways to all nodes. */
  readonly id: string
  readonly address: Address
}

/** Through a relay that we both are connected to. */
export interface RelayPath {
  readonly kind: 'relay'
  /** Names it among all ways to all nodes. */
  readonly id: string
  /** The relay's key. */
  readonly relay: string
  /** The node's. */
  readonly dhtKey: DhtKey
}

/** A way to a node. */
export type Path = UdpPath | RelayPath

/** The way straight to an address. */
export function udpPath(address: Address): UdpPath {
  return { kind: 'udp', id: `udp:${addressText(address)}`, address }
}

/** The way to a node through a relay. */
export function relayPath(relay: string, dhtKey: DhtKey): RelayPath {
  return { kind: 'relay', id: `relay:${relay}/${dhtKey}`, relay, dhtKey }
}

/** A direct way that has been silent for this long has to be helped by another. */
const silentAfterMs = 8000
const mostPaths = 4

interface Known {
  readonly path: Path
  heardAt: Millis | null
}

/** The ways to one node, and which of them are good. */
export class Paths {
  readonly #known = new Map<string, Known>()

  get ids(): Iterable<string> {
    return this.#known.keys()
  }

  has({ id }: Path): boolean {
    return this.#known.has(id)
  }

  /** @returns the way that has to be forgotten for it, or `null` */
  add(path: Path): Path | null {
    if (this.has(path)) return null
    this.#known.set(path.id, { path, heardAt: null })
    if (this.#known.size <= mostPaths) return null
    const [worst] = [...this.#known.values()]
      .filter((known) => known.path !== path)
      .sort((a, b) => (a.heardAt ?? -1) - (b.heardAt ?? -1))
    if (!worst) return null
    this.#known.delete(worst.path.id)
    return worst.path
  }

  /** Something authentic came this way. */
  heard({ id }: Path, now: Millis): void {
    const known = this.#known.get(id)
    if (known) known.heardAt = now
  }

  /** Where to send: the direct way alone while it is good, else each that may be. */
  best(now: Millis): readonly Path[] {
    for (const { path, heardAt } of this.#known.values()) {
      const isGood = heardAt !== null && now - heardAt <= silentAfterMs
      if (path.kind === 'udp' && isGood) return [path]
    }
    return Array.from(this.#known.values(), ({ path }) => path)
  }
}
