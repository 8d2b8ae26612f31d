import type { Millis } from '../end.js'
import { admission } from './admission.js'
import { systemClock } from './system-clock.js'
import type { Env, Log } from './types.js'

const nothing = (): void => undefined

/** A log that keeps nothing. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Options of {@link systemEnv}. */
export interface SystemEnvOptions extends Partial<Env> {
  /** Milliseconds since the host booted, host sleep included, where the platform tells. */
  readonly bootNow?: () => Millis
}

/**
 * The environment of a program: the host's clock and chance, one admission gate, and a silent log unless one is
 * given. Make one for each process and derive from it, so that all lifecycles share the gate:
 * `{ ...env, name: 'relay a' }`.
 */
export function systemEnv(options: SystemEnvOptions = {}): Env {
  const { bootNow, clock = systemClock(bootNow), ...given } = options
  return {
    random: Math.random,
    log: silentLog,
    name: 'holdfast',
    ...given,
    admission: given.admission ?? admission({ clock }),
    clock,
  }
}
