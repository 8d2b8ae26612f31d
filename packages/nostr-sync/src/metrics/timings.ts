import type { Millis } from '@holdfast/core'
import { MetricSet } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import type { CaughtUp } from '../manager/status.js'
import { metricPrefix } from './metric-prefix.js'

/** How long things took: to be handed to those who do them. */
export interface Timings {
  /** For `startVerifier`: an event has its verdict. */
  readonly onChecked: (took: Millis) => void
  /** For `nostrMirror`: all was fetched from a relay. */
  readonly onCaughtUp: (what: CaughtUp) => void
}

/**
 * Adds what has to be noted when it happens to a registry (R104).
 *
 * | name | labels | what it is |
 * | --- | --- | --- |
 * | `holdfast_nostr_verify_seconds` | – | from when an event is submitted to its verdict |
 * | `holdfast_nostr_catchup_seconds` | `strategy` | from when a relay is connected until all of it that is wanted is stored: `fresh-start`, `quick-reconnect` or `daily-sync` |
 *
 * @example
 * ```ts no-run
 * import { collectMetrics } from '@holdfast/core/service'
 * import { nodeEnv } from '@holdfast/core/node'
 * import { registerTimings, startVerifier } from '@holdfast/nostr-sync'
 *
 * const { registry } = collectMetrics()
 * const { onChecked } = registerTimings(registry)
 * await using verifier = await startVerifier({ env: nodeEnv({ name: 'mirror' }), onChecked })
 * console.log(verifier.backend)
 * ```
 */
export function registerTimings(registry: Registry): Timings {
  const metrics = new MetricSet(registry, metricPrefix)
  const verify = metrics.distributions(
    { name: 'verify_seconds', help: 'From when an event is submitted to its verdict' },
    [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
  )()
  const catchUp = metrics.distributions(
    {
      name: 'catchup_seconds',
      help: 'From when a relay is connected until all that is wanted of it is stored',
      labels: ['strategy'],
    },
    [0.1, 0.5, 2, 10, 60, 300, 1800],
  )
  return {
    onChecked: (took) => verify.observe(took / 1000),
    onCaughtUp: ({ strategy, took }) => catchUp(strategy).observe(took / 1000),
  }
}
