import type { Millis } from '@holdfast/core'

/** What the end of the historic sync depends on (R57). */
export interface SyncEndState {
  readonly pendingBatches: number
  readonly hasFailures: boolean
  /** How long no batch has been pending; 0 while one is. */
  readonly quietFor: Millis
  /** Whether everything stored so far has been through the self-subscriber: it may find more to ask for. */
  readonly selfCaughtUp: boolean
}

/**
 * Whether the historic sync is over (R57): when nothing is pending, for longer than the self-subscriber takes to turn what
 * has just come into new filters.
 *
 * @param batchWindow - the interval of the self-subscriber
 */
export function syncEnd(
  state: SyncEndState,
  batchWindow: Millis = 5000,
): 'syncing' | 'connected' | 'connected-with-failures' {
  const { pendingBatches, hasFailures, quietFor, selfCaughtUp } = state
  if (pendingBatches > 0 || !selfCaughtUp || quietFor < batchWindow + 1000) return 'syncing'
  return hasFailures ? 'connected-with-failures' : 'connected'
}

const longestWaitAfterFailures: Millis = 86_400_000

/**
 * How long to wait before what a relay did not answer, or refused, is asked for again (R57): from ten minutes, twice as long
 * each time, to a day.
 */
export function waitAfterFailures(failuresInRow: number): Millis {
  return Math.min(longestWaitAfterFailures, 600_000 * 2 ** failuresInRow)
}
