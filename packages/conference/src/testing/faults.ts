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
