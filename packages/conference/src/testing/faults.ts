import type { SimulatedPeer } from './simulated-peer.js'

/** One thing that goes wrong, or is done by somebody. */
export type FaultKind =
  | 'split'
  | 'merge'
  | 'crash'
  | 'quit'
  | 'start'
  | 'sleep'
  | 'wake'
  | 'loss'
  | 'clock-step'
  | 'say'
  | 'rename'
  | 'title'
  | 'leave'
  | 'invite'

/** How often each happens, as shares of the whole. */
const shares: Readonly<Record<FaultKind, number>> = {
  split: 12,
  merge: 12,
  crash: 5,
  quit: 4,
  start: 14,
  sleep: 4,
  wake: 8,
  loss: 4,
  'clock-step': 3,
  say: 40,
  rename: 4,
  title: 4,
  leave: 1,
  invite: 3,
}

/** One of them, by chance. */
export function pickFault(random: () => number): FaultKind {
  const kinds = Object.entries(shares) as [FaultKind, number][]
  let at = random() * kinds.reduce((sum, [, share]) => sum + share, 0)
  return kinds.find(([, share]) => (at -= share) < 0)?.[0] ?? 'say'
}

/** To whom it can happen. */
export function candidatesFor(
  kind: FaultKind,
  peers: readonly SimulatedPeer[],
  members: readonly SimulatedPeer[],
): readonly SimulatedPeer[] {
  if (kind === 'start') return peers.filter(({ isRunning }) => !isRunning)
  if (kind === 'wake') return peers.filter(({ isAsleep }) => isAsleep)
  if (kind === 'invite') return peers.filter(({ conference, isAwake }) => conference === null && isAwake)
  return kind === 'leave' && members.length < 4 ? [] : members.filter(({ isAwake }) => isAwake)
}

/** What happens to one peer alone. */
export type OwnFault = Exclude<FaultKind, 'split' | 'merge' | 'loss' | 'say' | 'invite'>

/** Lets it happen. */
export function happenTo(peer: SimulatedPeer, kind: OwnFault, random: () => number, now: number): void {
  const conference = peer.conference?.number ?? 0
  switch (kind) {
    case 'crash':
    case 'quit':
    case 'start':
    case 'sleep':
    case 'wake': {
      peer[kind]()
      return
    }
    case 'clock-step':
      peer.wallOffset += (random() - 0.5) * 172_800_000
      return
    case 'rename':
      return void peer.do({ kind: 'set-name', name: `${peer.name} at ${now}` })
    case 'title':
      return void peer.do({ kind: 'set-title', conference, title: `title at ${now}` })
    case 'leave':
      peer.do({ kind: 'leave', conference })
      peer.save()
      return
  }
}
