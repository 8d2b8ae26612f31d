import type { Registry } from 'prom-client'
import type { Log } from '../index.js'
import { collectMetrics, type MetricsSource, serveMetrics } from './metrics.js'
import type { OpenedThings } from './opened-things.js'

let registry: Registry | null = null

/**
 * The metrics of this program, one registry for all that show them: what core traces is counted in it, and what the program itself
 * counts belongs there, too. {@link collectMetrics} begins with the first call, and goes on as long as the process.
 */
export function programRegistry(): Registry {
  registry ??= collectMetrics().registry
  return registry
}

/**
 * The {@link programRegistry}, if anybody is to see it: by `--metrics`, by the inspector of `runProgram`, or wherever else the
 * program serves it. To be asked before there is anything to count.
 *
 * @param at - where the caller will serve it, if it will
 * @returns `null` as long as nobody is to see it: then nothing need be counted
 */
export function watchedRegistry(at: string | null | undefined): Registry | null {
  return at === undefined || at === null ? registry : programRegistry()
}

/** Options of {@link serveWatched}. */
export interface WatchedOptions {
  /** Is told where they are served. */
  readonly log: Log
  /** Closes the endpoint with the rest. */
  readonly opened: OpenedThings
  /**
   * Of whoever gathers the metrics of several processes.
   *
   * @defaultValue the {@link programRegistry}
   */
  readonly metrics?: MetricsSource
}

/**
 * Serves the metrics of this program where `--metrics` says, as {@link serveMetrics} does.
 *
 * @returns their URI; `undefined` if `--metrics` was not given
 * @throws a `HoldfastError` `HF_LISTEN_FAILED` when the address cannot be bound
 *
 * @example
 * ```ts
 * import { nodeEnv } from '@holdfast/core/node'
 * import { MetricSet, OpenedThings, serveWatched, watchedRegistry } from '@holdfast/core/service'
 *
 * const env = nodeEnv({ name: 'pump' })
 * const at = '127.0.0.1:0'
 * const registry = watchedRegistry(at)
 * const opened = new OpenedThings()
 * if (registry !== null) new MetricSet(registry).gauge({ name: 'pump_strokes', help: 'Strokes' }, () => 3)
 * const uri = await serveWatched(at, { log: env.log, opened })
 * const text = await (await fetch(uri ?? '')).text()
 * await opened.close()
 * text.includes('pump_strokes 3') // => true
 * ```
 */
export async function serveWatched(
  at: string | null | undefined,
  { log, opened, metrics }: WatchedOptions,
): Promise<string | undefined> {
  if (at === undefined || at === null) return undefined
  const { uri } = opened.add(await serveMetrics({ at, registry: metrics ?? programRegistry() }))
  log.info({ uri }, 'serving metrics')
  return uri
}
