import type { Acceptor, Clock, Dialer, Millis } from '../index.js'
import { OptionError, systemClock } from '../index.js'
import type { WireOptions } from './wired-link.js'

/** Opens links of one kind and accepts them. */
export interface Transport extends Dialer, Acceptor {}

/** Options that all transports of Node share. */
export interface TransportOptions {
  /**
   * Times the deadline of a graceful end.
   *
   * @defaultValue the host's clock
   */
  readonly clock?: Clock
  /**
   * How long a graceful end may take: flushing what was accepted, and the peer's goodbye. After that the
   * connection is dropped. In milliseconds.
   *
   * @defaultValue 5000
   */
  readonly flushWithin?: Millis
}

/** Bytes not yet with the kernel above which a write answers `full`. */
const highWater = 65_536

/** @throws an {@link OptionError} when `flushWithin` is not a number above 0 */
export function wireOptions({ clock = systemClock(), flushWithin = 5000 }: TransportOptions): WireOptions {
  if (!(flushWithin > 0))
    throw new OptionError('flushWithin', 'a number of milliseconds above 0', flushWithin)
  return { clock, flushWithin, highWater }
}
