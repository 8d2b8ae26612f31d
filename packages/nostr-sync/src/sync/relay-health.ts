import type { WallStamp } from '@holdfast/core'

/** How well a relay does (R81). The values that metrics show are 1 healthy to 5 rate-limited, in the order of {@link healthValues}. */
export type RelayHealth = 'healthy' | 'disconnected' | 'degraded' | 'dead' | 'rate-limited'

/** What health is judged by; stamps of civil time, so that it can be saved. */
export interface HealthRecord {
  readonly isConnected: boolean
  readonly failuresInRow: number
  /** When the failures in a row began; null without any. */
  readonly failingSince: WallStamp | null
  /** When the last run of failures ended; null if there was none. */
  readonly recoveredAt: WallStamp | null
  /** Until when the relay wants quiet. */
  readonly limitedUntil: WallStamp | null
}

/** What metrics show for each state of health. */
export const healthValues: Readonly<Record<RelayHealth, number>> = {
  healthy: 1,
  disconnected: 2,
  degraded: 3,
  dead: 4,
  'rate-limited': 5,
}

const second = 1000
const day = 86_400 * second

/** Judges a relay (R81); the first that applies. `stability` is for how long a relay that recovered is still watched. */
export function relayHealth(
  record: HealthRecord,
  now: WallStamp,
  { deadAfter = day, stability = 300 * second }: { deadAfter?: number; stability?: number } = {},
): RelayHealth {
  const { isConnected, failuresInRow, failingSince, recoveredAt, limitedUntil } = record
  if (limitedUntil !== null && now < limitedUntil) return 'rate-limited'
  if (failingSince !== null && now - failingSince > deadAfter) return 'dead'
  if (failuresInRow > 0 || (recoveredAt !== null && now - recoveredAt < stability)) return 'degraded'
  return isConnected ? 'healthy' : 'disconnected'
}

/** A dial, or a link before it was stable, has failed (R29). */
export function afterFailure(record: HealthRecord, now: WallStamp): HealthRecord {
  const { failuresInRow, failingSince } = record
  return {
    ...record,
    isConnected: false,
    failuresInRow: failuresInRow + 1,
    failingSince: failingSince ?? now,
  }
}

/** A link has been stable (R82): only that ends a run of failures, and when it ended is remembered. */
export function afterSuccess(record: HealthRecord, now: WallStamp): HealthRecord {
  const recoveredAt = record.failuresInRow > 0 ? now : record.recoveredAt
  return { ...record, isConnected: true, failuresInRow: 0, failingSince: null, recoveredAt }
}
