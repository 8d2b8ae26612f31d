import type {
  Backoff,
  Budget,
  Dialer,
  Endpoint,
  Env,
  Keepalive,
  Millis,
  PositionStore,
  ResetWhy,
} from '@holdfast/core'
import type { RowReading } from '../streams/decode-row.js'
import type { RowError } from '../streams/row-error.js'
import type { Dialect } from '../wire/commands.js'
import type { StreamUpdates } from './stream-updates.js'

/** One whole batch of a stream: every row of one token. */
export interface ReceivedBatch {
  readonly stream: string
  /** The token of the rows. During a catch-up tokens may come in any order, and more than once (9.3). */
  readonly token: number
  /** The rows, in the order in which they came; empty where {@link FollowedStream.unread} is set. */
  readonly rows: readonly RowReading[]
  /** The rows' JSON, as it was on the wire; the same order. */
  readonly texts: readonly string[]
  /**
   * Where to resume from once this batch is applied; `null` during a catch-up, whose position comes with its end. Where
   * the effect is stored in a transaction, store this in the same one (H8.5). A catch-up that is cut off begins anew, and
   * its batches come again: store them by token and content (9.3).
   */
  readonly position: number | null
}

/** A stream that a client follows. */
export interface FollowedStream {
  readonly stream: string
  /**
   * Where to begin when there is no stored position: `NOW` for none of the past.
   *
   * @defaultValue 'NOW'
   */
  readonly from?: number | 'NOW'
  /**
   * Takes one batch; the next one waits until it has settled, and the resume position moves with it. If it fails,
   * the link ends and the batch comes again. With a store that has no `save`, it is also called without rows, to
   * store a position that came alone.
   */
  apply(batch: ReceivedBatch): void | Promise<void>
  /**
   * The state that was built from this stream is worthless: load it anew, from `position` on. Called the first time,
   * when positions went backwards, and when the server has lost the rows in between. Nothing is applied meanwhile.
   */
  reset?(why: ResetWhy, position: number | null): void | Promise<void>
  /** Keeps the position across restarts; in memory by default. */
  readonly store?: PositionStore<number>
  /**
   * What a row does that cannot be understood: `skip` reports it and goes on, `stop` reports it and follows the
   * stream no further (H13.9).
   *
   * @defaultValue 'skip'
   */
  readonly badRows?: 'skip' | 'stop'
  /**
   * Leave rows as text, for those who only pass them on; nothing can then be found wrong with one.
   *
   * @defaultValue false
   */
  readonly unread?: boolean
  /**
   * A server without this stream is no failure: the stream is reported as `not-served` and left out. It is asked for
   * again after a link that had been ready is lost, because the server may have restarted with it.
   *
   * @defaultValue false
   */
  readonly optional?: boolean
}

/** Options of {@link replicationClient}. */
export interface ReplicationClientOptions {
  readonly env: Env
  readonly dialer: Dialer
  /** Tried in turn; or a function that is asked before each dial. */
  readonly endpoints: readonly Endpoint[] | (() => Endpoint | Promise<Endpoint>)
  /** What the server calls this client in its logs; one line. */
  readonly name: string
  readonly streams: readonly FollowedStream[]
  /**
   * The server's name. Another one is refused and tried again later (8.2). Without it, the first name seen is kept,
   * and a change of it stops the client (H13.10).
   */
  readonly serverName?: string
  /**
   * Whether the server must begin with its name.
   *
   * @defaultValue false
   */
  readonly requireServerName?: boolean
  /** @defaultValue 'lenient' */
  readonly mode?: 'strict' | 'lenient'
  /**
   * `auto` begins as D1 and follows what the server speaks (14.5).
   *
   * @defaultValue 'auto'
   */
  readonly dialect?: Dialect | 'auto'
  /** D2 only: where missed rows are fetched. Without it a missed row is a reset with `peer-cannot`. */
  readonly updates?: StreamUpdates
  /**
   * Bound of the commands that wait for a connection.
   *
   * @defaultValue 1 MiB, 10,000 commands
   */
  readonly queue?: Budget
  /**
   * Bound of a batch that is coming in, and of batches that wait to be applied, for each stream. Past the first the
   * link ends, past the second reading pauses.
   *
   * @defaultValue 16 MiB and 4 MiB
   */
  readonly buffers?: { readonly staging?: Budget; readonly backlog?: Budget }
  /**
   * How long a server may send neither row nor position before every stream has had its position, in milliseconds.
   *
   * @defaultValue 60000
   */
  readonly catchUpStalledAfter?: Millis
  readonly keepalive?: Pick<Keepalive, 'sendEvery' | 'hearWithin'>
  /** @defaultValue full jitter from 0.1 s to 5 s, or to 30 s after links that were lost before they were ready (8.8) */
  readonly backoff?: Backoff
  readonly stableAfter?: Millis
}

/** Something that the application should know of. */
export type ClientProblem =
  | {
      readonly kind: 'bad-row'
      readonly stream: string
      /** `batch` where the number had not come yet. */
      readonly token: number | 'batch'
      readonly error: RowError
      readonly stopped: boolean
    }
  | { readonly kind: 'unknown-stream'; readonly stream: string }
  /** The server does not have an optional stream. */
  | { readonly kind: 'not-served'; readonly stream: string }
  | { readonly kind: 'unknown-command'; readonly command: string }
  /** On a channel: somebody said what nobody can understand, and it was passed over. */
  | { readonly kind: 'bad-line'; readonly command: string; readonly text: string }
  /** The state of a stream had to be loaded anew. The first time is no problem. */
  | {
      readonly kind: 'reset'
      readonly stream: string
      readonly why: Exclude<ResetWhy, 'first-time'>
      readonly position: number | null
    }
  /** A buffer was full, so that the link ended; a batch larger than it comes again and again: see `buffers`. */
  | { readonly kind: 'overflow'; readonly detail: string }
  /** The server reports an error; it usually closes next. */
  | { readonly kind: 'server-error'; readonly text: string }
