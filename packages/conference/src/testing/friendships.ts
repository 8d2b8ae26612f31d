import type { SimulatedPeer } from './simulated-peer.js'

/** Who are friends in a {@link Simulation}. */
export type Friendships = 'all' | 'sparse' | 'chain'

/** Makes friends of peers so that a chain of friends connects them all. */
export function makeFriends(
  peers: readonly SimulatedPeer[],
  friends: Friendships,
  random: () => number,
): void {
  for (const [index, peer] of peers.entries()) {
    const earlier = peers.slice(0, index)
    const first = friends === 'chain' ? earlier.at(-1) : pick(earlier, random)
    for (const other of earlier) {
      const isChance = friends === 'sparse' && random() < 0.3
      if (friends === 'all' || other === first || isChance) peer.befriend(other)
    }
  }
}

/** One of them, by chance. */
export function pick<T>(from: readonly T[], random: () => number): T | undefined {
  return from[Math.floor(random() * from.length)]
}
