import type { CursorMachine } from './state.js'

/**
 * Tells positions that no low watermark forbids from those that wait for one to lift.
 *
 * @param targets - in order
 * @returns the furthest of the free ones, and of the others those that may ever matter, in order
 */
export function belowFloors<P>(
  targets: readonly P[],
  floors: CursorMachine<P>['floors'],
  compare: (a: P, b: P) => number,
): { readonly furthest: P | undefined; readonly held: readonly P[] } {
  const free = targets.filter((to) => floors.every(({ floor }) => compare(to, floor) < 0))
  const waiting = targets.slice(free.length)
  // Of two between which no floor lies only the later can ever matter.
  const held = waiting.filter((to, index) => {
    const later = waiting[index + 1]
    const between = (floor: P): boolean => compare(to, floor) < 0 && compare(floor, later as P) <= 0
    return later === undefined || floors.some(({ floor }) => between(floor))
  })
  return { furthest: free.at(-1), held }
}
