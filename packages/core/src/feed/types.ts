import type { Budget } from '../budget.js'
import type { Env } from '../env/types.js'
import type { LinkScope, WriteResult } from '../link/types.js'

/** Part of a log, in whole batches. */
export interface FeedPage<P, T> {
  readonly items: readonly T[]
  /** The position behind the last item; `upTo` if this page was the last. */
  readonly to: P
}

/** Options of {@link feed}. */
export interface FeedOptions<P, T> {
  readonly env: Env
  /** Orders positions: negative when `a` comes before `b`. */
  readonly compare: (a: P, b: P) => number
  /** The last position of the log, never behind what was published. */
  readonly head: () => P
  /**
   * Reads on after `after`, no further than `upTo`: whole batches, in order, as many as fit `limit`, but at least
   * one even if that alone is larger. `too-old` when the log no longer reaches back to `after`.
   */
  readonly read: (after: P, upTo: P, limit: Budget) => Promise<FeedPage<P, T> | 'too-old'>
  /** Bytes that an item holds, for `live`. */
  readonly sizeOf: (item: T) => number
  /** What a reader asks `read` for at a time. */
  readonly page: Budget
  /**
   * What was published may wait for one reader, while its link is full or its page is being read. Past it the
   * reader falls back to pages: what it missed is read again, not queued. Shared by the readers that wait, so a
   * thousand of them hold it once.
   */
  readonly live: Budget
}

/** Where a reader's items go: as a rule to one link. A member that throws ends that link with `adapter-threw`. */
export interface FeedTarget<P, T> {
  /**
   * Takes what a page or one {@link Feed.publish} holds, never a part of it. After `full` nothing more is sent until
   * {@link FeedReader.writable}; `refused` closes the reader.
   *
   * @param items - empty where the position moved without items
   * @param to - the position behind the last item
   */
  send(items: readonly T[], to: P): WriteResult
  /**
   * Everything up to `at` has been sent, and what follows is live. Called once at the end of each catch-up, before
   * anything live is sent, also while the link is full.
   *
   * @param again - false the first time; true after the reader had fallen back to pages, which the other end need
   * not know
   */
  caughtUp(at: P, again: boolean): void
  /** The reader is closed because the log no longer reaches back, or could not be read. */
  failed(why: 'too-old' | Error): void
}

/** One reader of a log, which gets everything after the position it came with, once and in order. */
export interface FeedReader<P> {
  /** What has been sent, refused or not. */
  readonly at: P
  readonly mode: 'catching-up' | 'live' | 'closed'
  /** The link takes data again; to be called from the protocol's own `writable`. */
  writable(): void
  /** Idempotent; happens by itself when the link ends. */
  close(): void
}

/**
 * Serves a log to many readers, each from its own position: first in pages, then live. Each reader has one pump,
 * and the pump is its only sender.
 *
 * What a reader holds is bounded by `page` and `live`, however slow its link is (I25). It is slow links that fall
 * behind, never the publisher or the other readers.
 */
export interface Feed<P, T> {
  /** How many readers are open. */
  readonly size: number
  /**
   * Hands newly appended items to every live reader. The log must already hold them. Readers at or past `to` are
   * passed over. A call from within a reader's callback takes effect after the present one.
   *
   * @param items - whole batches; may be empty, to tell of a position alone
   */
  publish(items: readonly T[], to: P): void
  /**
   * Starts a reader, which lives as long as the link. From the head or beyond it is live at once: `caughtUp` is
   * then called with the head before `open` returns.
   */
  open(scope: LinkScope, from: P, to: FeedTarget<P, T>): FeedReader<P>
}
