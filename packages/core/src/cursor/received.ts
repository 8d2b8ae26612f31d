import type { CursorDraft } from './state.js'
import type { Position } from './types.js'

/** A position in the history that the applied one is of. */
export function place<P>({ applied }: CursorDraft<P>, at: P): Position<P> {
  const epoch = applied?.epoch
  return epoch === undefined ? { at } : { at, epoch }
}

/** What was received reaches at least so far. */
export function receive<P>(s: CursorDraft<P>, to: Position<P>, compare: (a: P, b: P) => number): void {
  if (s.received === null || compare(to.at, s.received.at) > 0) s.received = to
}
