import type { Millis } from '@holdfast/core'

/** When a {@link SyncManager} does what. */
export interface SyncOptions {
  /** Our own domains, each `host` or `host:port`: what a repository has to name, and no target (R5). */
  readonly domains: readonly string[]
  /** Relays that are connected to whatever is stored, and never let go (R34). */
  readonly bootstrapRelays: readonly string[]
  /**
   * A relay that was away for no longer is caught up with, not synced anew (R40), in seconds.
   *
   * @defaultValue 900
   */
  readonly quickReconnectWindowSecs: number
  /**
   * How much earlier than the watermark a catch-up begins (R44), in seconds.
   *
   * @defaultValue 900
   */
  readonly sinceBufferSecs: number
  /** How often what was stored is looked at for new targets (R66). */
  readonly batchWindow: Millis
  /** How often to look for relays that are of no use any more (R33); one has to be idle for as long. */
  readonly disconnectCheck: Millis
  /** A full sync of each relay comes after a time between these (R47), in hours. */
  readonly dailySyncHours: readonly [least: number, most: number]
  /** Values of a list in a filter (R59, R60). */
  readonly tagChunk: number
  /** State events of all repositories in layer 1 (R58). */
  readonly stateEventsInLayer1: boolean
  readonly maxRelays: number
  readonly maxRelaysPerRepo: number
  /** How often the state is saved (R88). */
  readonly saveEvery: Millis
}

/** What applies where nothing else was said (spec 10). */
export const defaultSyncOptions: Omit<SyncOptions, 'domains'> = {
  bootstrapRelays: [],
  quickReconnectWindowSecs: 900,
  sinceBufferSecs: 900,
  batchWindow: 5000,
  disconnectCheck: 60_000,
  dailySyncHours: [23, 25],
  tagChunk: 100,
  stateEventsInLayer1: false,
  maxRelays: 500,
  maxRelaysPerRepo: 20,
  saveEvery: 10_000,
}
