import type { Backoff, Millis } from '@holdfast/core'

/** Options of {@link relayBackoff}. */
export interface RelayBackoffOptions {
  /** @defaultValue 5000 */
  readonly base?: Millis
  /** @defaultValue 3600000 */
  readonly cap?: Millis
  /**
   * After so long without success a relay is dead.
   *
   * @defaultValue 24 hours
   */
  readonly deadAfter?: Millis
  /**
   * How often a dead relay is tried.
   *
   * @defaultValue 24 hours
   */
  readonly deadRetry?: Millis
}

const hour: Millis = 3_600_000

/**
 * The wait before dialing a relay again: doubles from `base` to `cap` (R79), by a fifth more or less; once a day for a dead
 * one (R80). A lifecycle with `stableAfter` of a minute starts it anew only after the relay has stayed (R82).
 */
export function relayBackoff(options: RelayBackoffOptions = {}): Backoff {
  const { base = 5000, cap = hour, deadAfter = 24 * hour, deadRetry = 24 * hour } = options
  return (context) => {
    const { attempt, reached } = context
    const failingFor = reached.sinceReady ?? waited(attempt, base, cap)
    const delay = failingFor > deadAfter ? deadRetry : delayAfter(attempt + 1, base, cap)
    return delay * (0.8 + 0.4 * context.random())
  }
}

/** The wait after so many failures in a row, without jitter (R79). */
export function delayAfter(failures: number, base: Millis, cap: Millis): Millis {
  return Math.min(base * 2 ** (failures - 1), cap)
}

/** How long a relay that was never reached has been tried for. */
function waited(attempts: number, base: Millis, cap: Millis): Millis {
  let total = 0
  for (let failures = 1; failures <= attempts && total <= 100 * 24 * hour; failures++)
    total += delayAfter(failures, base, cap)
  return total
}
