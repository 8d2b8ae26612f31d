import type { Millis } from '@holdfast/core'
import type { ConnectionStatus } from './compute-actions.js'
import { countItems, type SyncItems } from './items.js'

/** What decides whether a relay is still of use (R33). */
export interface RelayUse {
  readonly isBootstrap: boolean
  readonly status: ConnectionStatus
  /** Whether its first historic sync has come to an end; before that nothing can be said. */
  readonly hasSynced: boolean
  readonly target: SyncItems
  readonly pendingBatches: number
  readonly confirmed: SyncItems
}

/** Whether there is nothing to sync with a relay now. Never of a bootstrap relay (R34), nor of one that is just connecting. */
export function isIdle(use: RelayUse): boolean {
  if (use.isBootstrap || countItems(use.target) > 0) return false
  if (use.status === 'connecting' || use.status === 'disconnecting') return false
  if (use.status === 'disconnected') return true
  return use.hasSynced && use.pendingBatches === 0 && countItems(use.confirmed) === 0
}

/**
 * Whether to disconnect from a relay and forget it (R33): nothing to sync, for as long as `grace`.
 *
 * @param idleFor - for how long {@link isIdle} has held without a break
 */
export function shouldForget(use: RelayUse, idleFor: Millis, grace: Millis = 60_000): boolean {
  return isIdle(use) && idleFor >= grace
}
