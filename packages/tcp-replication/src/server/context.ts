import type { Env, Millis } from '@holdfast/core'
import type { ReplicationSource } from '../source/types.js'
import type { Dialect } from '../wire/commands.js'
import type { Publisher } from './publisher.js'
import type { ServerCounters } from './stats.js'
import type { UpstreamHandlers } from './upstream.js'

/** When a connection that does not keep up is cut off: both bounds must be passed. */
export interface SlowReaderLimits {
  /**
   * Bytes that wait to be sent.
   *
   * @defaultValue 65536
   */
  readonly bytes: number
  /**
   * How long they have not been sent, in milliseconds.
   *
   * @defaultValue 60000
   */
  readonly within: Millis
}

/** What the connections of a server share. */
export interface ServerContext {
  readonly env: Env
  readonly serverName: string
  readonly dialect: Dialect
  readonly instance: string
  readonly mode: 'strict' | 'lenient'
  readonly source: ReplicationSource
  readonly publishers: ReadonlyMap<string, Publisher>
  readonly upstream: UpstreamHandlers
  readonly counters: ServerCounters
  readonly slow: SlowReaderLimits
  /** The source failed a subscription, which goes on when the source next says something. */
  retryLater(publisher: Publisher): void
}
