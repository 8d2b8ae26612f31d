import type { DhtKey, RealKey } from '../wire/identity.js'

/** A member that we want a link to, because it is one of the nearest. */
export interface ClosestPeer {
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
}

/** Four slots: the first two for who comes before us on the ring of keys, the others for who comes after (spec 5, T9). */
export type ClosestPeers = readonly (ClosestPeer | null)[]

/** Nobody yet. */
export const noClosestPeers: ClosestPeers = [null, null, null, null]

/** How many slots there are. */
export const closestWanted = 4

const slotsPerSide = 2

/** The way from key `a` back to key `b` on the ring of the keys' first 64 bits. */
export function ringDistance(a: RealKey, b: RealKey): bigint {
  return BigInt.asUintN(64, BigInt(`0x${a.slice(0, 16)}`) - BigInt(`0x${b.slice(0, 16)}`))
}

/**
 * Offers a member for the slots. It takes a free one, or the place of the one farthest away, which is offered again
 * for the other side (spec 5, T9).
 *
 * @returns the same slots if it is no nearer than who is there, or is already there, or is ourselves
 */
export function offerClosest(slots: ClosestPeers, self: RealKey, peer: ClosestPeer): ClosestPeers {
  if (peer.realKey === self || slots.some((slot) => slot?.realKey === peer.realKey)) return slots
  const free = slots.indexOf(null)
  if (free >= 0) return slots.with(free, peer)
  const index = slotFor(slots, self, peer.realKey)
  const evicted = slots[index]
  if (evicted === undefined || evicted === null) return slots
  return offerClosest(slots.with(index, peer), self, evicted)
}

/** Empties the slot of a member. Returns the same slots if it has none. */
export function removeClosest(slots: ClosestPeers, key: RealKey): ClosestPeers {
  const index = slots.findIndex((slot) => slot?.realKey === key)
  return index < 0 ? slots : slots.with(index, null)
}

/** The slot whose member is farther away than the newcomer, and farthest; -1 if there is none. */
function slotFor(slots: ClosestPeers, self: RealKey, newcomer: RealKey): number {
  let best = -1
  // Not reset between the sides: the second side has to beat the first.
  let farthest = 0n
  for (const [index, slot] of slots.entries()) {
    if (slot === null) continue
    const distance = (key: RealKey): bigint =>
      index < slotsPerSide ? ringDistance(self, key) : ringDistance(key, self)
    const theirs = distance(slot.realKey)
    if (theirs > distance(newcomer) && theirs > farthest) {
      farthest = theirs
      best = index
    }
  }
  return best
}
