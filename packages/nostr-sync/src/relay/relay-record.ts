import type { UnixSeconds } from '../wire/event.js'
import { type HealthMemory, newHealth } from './health-tracker.js'
import { type CapabilityMemory, noCapabilities } from './relay-capabilities.js'

/** What outlives the process (R88). Plain data. */
export interface RelayRecord extends HealthMemory, CapabilityMemory {
  readonly lastConnected: UnixSeconds | null
  readonly disconnectedAt: UnixSeconds | null
  readonly watermark: UnixSeconds | null
  /** When all was last asked for, whatever was confirmed (R47). */
  readonly lastFullSync: UnixSeconds | null
}

/** Of a relay that nothing is known of. */
export const newRecord: RelayRecord = {
  ...newHealth,
  ...noCapabilities,
  lastConnected: null,
  disconnectedAt: null,
  watermark: null,
  lastFullSync: null,
}
