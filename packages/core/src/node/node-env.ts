import { type Channel, channel } from 'node:diagnostics_channel'
import { uptime } from 'node:os'
import type { Env, TraceChannel } from '../index.js'
import { systemEnv } from '../index.js'

/** Options of {@link nodeEnv}: any part of the {@link Env} that shall be another. */
export interface NodeEnvOptions extends Partial<Env> {
  /** Names the owner in logs and traces. */
  readonly name: string
}

const names: readonly TraceChannel[] = ['link', 'lifecycle', 'move', 'drain', 'cursor', 'roster', 'noun']

const channels = Object.fromEntries(names.map((name) => [name, channel(`holdfast:${name}`)])) as Readonly<
  Record<TraceChannel, Channel>
>

/**
 * The environment of a Node program: the host's clocks, with sleep told from its uptime, and a trace that is
 * published on `node:diagnostics_channel` as `holdfast:link`, `holdfast:lifecycle`, `holdfast:move`,
 * `holdfast:drain`, `holdfast:cursor`, `holdfast:roster` and `holdfast:noun`. A channel without subscribers costs one
 * comparison.
 *
 * Make one for each process and derive from it: `{ ...env, name: 'relay a' }`. The log is silent unless one is
 * given; pino's loggers fit.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel'
 * import { nodeEnv } from '@holdfast/core/node'
 *
 * const seen: unknown[] = []
 * subscribe('holdfast:drain', (record) => seen.push(record))
 * nodeEnv({ name: 'example' }).trace?.('drain', { inFlight: 3 })
 * seen // => [{ inFlight: 3 }]
 * ```
 */
export function nodeEnv(options: NodeEnvOptions): Env {
  const trace = (name: TraceChannel, record: object): void => {
    const to = channels[name]
    if (to.hasSubscribers) to.publish(record)
  }
  return systemEnv({ bootNow: () => uptime() * 1000, trace, ...options })
}
