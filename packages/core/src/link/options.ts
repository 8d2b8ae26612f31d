import type { Budget } from '../budget.js'
import { callable, checkBudget, positive } from '../budget.js'
import type { Millis } from '../end.js'
import { checkEnv } from '../env/check-env.js'
import type { Env } from '../env/types.js'
import { OptionError } from '../errors.js'
import type { Keepalive, LinkProtocol, LinkScope } from './types.js'

/** What dialing and accepting have in common. */
export interface LinkOptions<P extends LinkProtocol> {
  readonly env: Env
  /** Makes the protocol's object, once for each link, when the link opens. */
  readonly protocol: (scope: LinkScope) => P
  readonly keepalive?: Keepalive
  /**
   * How long a link may take from open to {@link LinkScope.ready}; `Infinity` for no limit.
   *
   * @defaultValue 10000
   */
  readonly handshakeWithin?: Millis
  /**
   * How long a drain waits for work in flight, unless the call says otherwise.
   *
   * @defaultValue 5000
   */
  readonly drainWithin?: Millis
  /**
   * What may wait to be taken by the kernel. Past `bytes` a write is refused, and after `age` without having
   * been flushed the link is given up; either way it ends as `overflow`. `count` does not apply.
   *
   * @defaultValue 16 MiB, any age
   */
  readonly outbound?: Omit<Budget, 'count'>
}

export const defaultHandshakeWithin: Millis = 10_000
export const defaultDrainWithin: Millis = 5_000
export const defaultOutbound: Budget = { bytes: 16 * 1024 * 1024 }

/** @throws an `OptionError` that names the first field that cannot be used */
export function checkLinkOptions<P extends LinkProtocol>(options: LinkOptions<P>): void {
  checkEnv(options.env)
  callable('protocol', options.protocol)
  for (const field of ['handshakeWithin', 'drainWithin'] as const) {
    if (options[field] !== undefined) positive(field, options[field])
  }
  if (options.outbound !== undefined) checkBudget('outbound', options.outbound)
  const { keepalive } = options
  if (keepalive === undefined) return
  for (const field of ['sendEvery', 'hearWithin'] as const) {
    if (keepalive[field] !== undefined) positive(`keepalive.${field}`, keepalive[field])
  }
  const { arm } = keepalive as { arm: unknown }
  if (arm !== 'at-open' && arm !== 'manual')
    throw new OptionError('keepalive.arm', "'at-open' or 'manual'", arm)
}
