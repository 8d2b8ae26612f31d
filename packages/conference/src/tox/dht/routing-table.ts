import type { Millis } from '@holdfast/core'
import type { DhtKey } from '../../wire/identity.js'
import type { Address } from './address.js'
import { keepNearest, sharedBits } from './nearest.js'
import type { NodeInfo } from './packed-nodes.js'

/** A node that has answered us. */
export interface KnownNode extends NodeInfo {
  /** When it last answered. */
  readonly answeredAt: Millis
}

/** Nodes kept for each number of leading bits shared with us: many far away, all of the nearest. */
const bucketSize = 8
/** A node that has been silent for this long is forgotten. */
const forgetAfterMs = 122_000

/** The nodes that we know and tell others of: only such as have answered us from where they are said to be. */
export class RoutingTable {
  readonly #self: DhtKey
  readonly #nodes = new Map<DhtKey, KnownNode>()
  readonly #counts = new Map<number, number>()

  constructor(self: DhtKey) {
    this.#self = self
  }

  get size(): number {
    return this.#nodes.size
  }

  get(dhtKey: DhtKey): KnownNode | undefined {
    return this.#nodes.get(dhtKey)
  }

  all(): Iterable<KnownNode> {
    return this.#nodes.values()
  }

  /** Whether a node that is not known would be kept. */
  hasRoom(dhtKey: DhtKey): boolean {
    if (dhtKey === this.#self || this.#nodes.has(dhtKey)) return false
    return (this.#counts.get(sharedBits(this.#self, dhtKey)) ?? 0) < bucketSize
  }

  /** It answered from there. */
  answered(dhtKey: DhtKey, address: Address, now: Millis): void {
    if (this.hasRoom(dhtKey)) this.#count(dhtKey, 1)
    else if (!this.#nodes.has(dhtKey)) return
    this.#nodes.set(dhtKey, { dhtKey, address, answeredAt: now })
  }

  /** The `count` nodes that are nearest to a key. */
  nearest(to: DhtKey, count: number): KnownNode[] {
    const nearest: KnownNode[] = []
    for (const node of this.#nodes.values()) keepNearest(to, nearest, node, count)
    return nearest
  }

  /** Forgets whoever has been silent for too long. */
  sweep(now: Millis): void {
    for (const { dhtKey, answeredAt } of [...this.#nodes.values()]) {
      if (now - answeredAt < forgetAfterMs) continue
      this.#nodes.delete(dhtKey)
      this.#count(dhtKey, -1)
    }
  }

  #count(dhtKey: DhtKey, by: number): void {
    const bits = sharedBits(this.#self, dhtKey)
    this.#counts.set(bits, (this.#counts.get(bits) ?? 0) + by)
  }
}
