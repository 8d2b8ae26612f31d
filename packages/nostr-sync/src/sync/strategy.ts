import type { UnixSeconds } from '../wire/event.js'

/** What a relay's earlier sessions have left for the next one. */
export interface ResumeState {
  /** When a link was last ready; null if none ever was. */
  readonly lastConnected: UnixSeconds | null
  /** When the last link ended. */
  readonly disconnectedAt: UnixSeconds | null
  /** Whether all announcements were fetched once (R43). */
  readonly announcementsSynced: boolean
  /** Everything that the relay stored before, and that matches what is confirmed, was fetched (R45). */
  readonly watermark: UnixSeconds | null
}

/** How to catch up with a relay that is connected again (R40). */
export type Strategy =
  | {
      readonly kind: 'fresh-start'
      readonly why: 'first-time' | 'too-long-away' | 'nothing-to-resume' | 'clock-was-set'
    }
  | {
      readonly kind: 'quick-reconnect'
      /** For layer 1; null for all of it (R43). */
      readonly announcementsSince: UnixSeconds | null
      /** For layers 2 and 3. */
      readonly itemsSince: UnixSeconds
    }

/** Options of {@link chooseStrategy}, in seconds. */
export interface StrategyOptions {
  /**
   * Away for no longer than this is a short reconnect.
   *
   * @defaultValue 900
   */
  readonly window?: number
  /**
   * How much earlier than the watermark a catch-up begins, for authors whose clocks are behind (R44).
   *
   * @defaultValue 900
   */
  readonly buffer?: number
}

/**
 * Chooses between a fresh start and a quick reconnect (R40), and since when the latter asks (R43 to R45). What counts is
 * how long the relay was away, not how long it had been there.
 *
 * @example
 * ```ts
 * import { chooseStrategy } from '@holdfast/nostr-sync'
 *
 * const state = { lastConnected: 5000, disconnectedAt: 9000, announcementsSynced: true, watermark: 8000 }
 * chooseStrategy(state, 9010) // => { kind: 'quick-reconnect', announcementsSince: 7100, itemsSince: 7100 }
 * chooseStrategy(state, 9901) // => { kind: 'fresh-start', why: 'too-long-away' }
 * ```
 */
export function chooseStrategy(
  state: ResumeState,
  now: UnixSeconds,
  options: StrategyOptions = {},
): Strategy {
  const { window = 900, buffer = 900 } = options
  const { lastConnected, disconnectedAt, announcementsSynced, watermark } = state
  if (lastConnected === null || disconnectedAt === null) return { kind: 'fresh-start', why: 'first-time' }
  if (now - disconnectedAt > window) return { kind: 'fresh-start', why: 'too-long-away' }
  if (watermark === null) return { kind: 'fresh-start', why: 'nothing-to-resume' }
  const since = Math.max(0, Math.min(watermark, disconnectedAt) - buffer)
  return {
    kind: 'quick-reconnect',
    announcementsSince: announcementsSynced ? since : null,
    itemsSince: since,
  }
}

/** One thing to do after connecting. */
export type StrategyStep =
  | 'clear-pending'
  | 'clear-confirmed'
  | 'announcements-live'
  | 'announcements-historic'
  | 'confirmed-live'
  | 'confirmed-historic'
  /** The diff, and for what it finds live subscriptions and then history. */
  | 'compute-actions'
  /** In the background, once the rest is confirmed: what authors dated before the gap (R46). */
  | 'reconcile'

const freshSteps: readonly StrategyStep[] = [
  'clear-pending',
  'clear-confirmed',
  'announcements-live',
  'announcements-historic',
  'compute-actions',
]
const quickSteps: readonly StrategyStep[] = [
  'clear-pending',
  'announcements-live',
  'announcements-historic',
  'confirmed-live',
  'confirmed-historic',
  'compute-actions',
  'reconcile',
]

/** What a strategy does, in this order (R41, R42): live subscriptions always before history, so that nothing falls between. */
export function strategySteps(strategy: Strategy): readonly StrategyStep[] {
  return strategy.kind === 'fresh-start' ? freshSteps : quickSteps
}
