import type { SimulatedPeer } from './simulated-peer.js'

/**
 * Who does not see whom, or under another number, among members that a chain of friends connects who remember each
 * other.
 */
export function disagreementsOf(members: readonly SimulatedPeer[]): string[] {
  return componentsOf(members).flatMap((component) =>
    component.flatMap((a) => component.flatMap((b) => disagreement(a, b))),
  )
}

/** Friends who do not remember each other, pair by pair. */
export function forgottenOf(members: readonly SimulatedPeer[]): [SimulatedPeer, SimulatedPeer][] {
  return members.flatMap((one, index) =>
    members
      .slice(index + 1)
      .filter((other) => one.isFriendOf(other) && !remember(one, other))
      .map((other): [SimulatedPeer, SimulatedPeer] => [one, other]),
  )
}

/** Members in groups, in each of which a chain of friends who remember each other connects everybody. */
export function componentsOf(members: readonly SimulatedPeer[]): SimulatedPeer[][] {
  const left = new Set(members)
  const components: SimulatedPeer[][] = []
  for (const first of left) {
    const component = [first]
    left.delete(first)
    for (const one of component) {
      for (const other of left) {
        if (!one.isFriendOf(other) || !remember(one, other)) continue
        left.delete(other)
        component.push(other)
      }
    }
    components.push(component)
  }
  return components
}

function remember(one: SimulatedPeer, other: SimulatedPeer): boolean {
  return one.remembers(other) && other.remembers(one)
}

function disagreement(a: SimulatedPeer, b: SimulatedPeer): string[] {
  if (a === b || !a.conference || !b.conference) return []
  const number = a.conference.numbers.get(b.realKey)
  const isSeen = number !== undefined && a.conference.roster.live.has(number)
  if (!isSeen) return [`${a.name} does not see ${b.name}`]
  return number === b.conference.selfNumber ? [] : [`${a.name} knows ${b.name} under another number`]
}
