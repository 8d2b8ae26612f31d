import type { Millis } from '../index.js'
import { dialTakes, type Reconnect, reconnectingClient } from './herd-client.js'
import { ScriptedDialer } from './scripted-dialer.js'
import { testEnv } from './test-env.js'

/** Options of {@link simulateFlap}. */
export interface FlapOptions {
  /** How long each connection lives before the peer closes it, in milliseconds; 0 for a peer that closes at once. */
  readonly livesFor: Millis
  /**
   * How long the client is watched, in milliseconds.
   *
   * @defaultValue 600000
   */
  readonly watchFor?: Millis
  /** How the client reconnects; by default as a lifecycle does. */
  readonly reconnect?: Reconnect
  /** @defaultValue 1 */
  readonly seed?: number
}

/**
 * Lets one client meet a peer that accepts every connection and closes it again, on a virtual clock.
 *
 * @returns how many connections the client asked for while it was watched
 * @example
 * ```ts
 * import { simulateFlap } from '@holdfast/core/testing'
 *
 * simulateFlap({ livesFor: 0 }) < 70 // => true
 * simulateFlap({ livesFor: 0, reconnect: () => ({ backoff: () => 1000 }) }) // => 572
 * ```
 */
export function simulateFlap(options: FlapOptions): number {
  const { livesFor, watchFor = 600_000, reconnect = () => ({}), seed = 1 } = options
  const env = testEnv({ seed })
  const dialer = new ScriptedDialer(env.clock, [{ openAfter: dialTakes, closeAfter: livesFor }])
  const client = reconnectingClient(env, dialer, reconnect)
  env.clock.advance(watchFor)
  client.close()
  return dialer.links.length
}
