import type { Millis } from '@holdfast/core'

/** What an accepted connection is up to once it has been judged. One at a time. */
export interface Stage {
  /** Bytes of the peer, lent. */
  data(chunk: Uint8Array): void
  /** What was written has been flushed after a `full`. */
  writable(): void
  /** The peer writes no more. `true`: it may still be written to. */
  finished?(): boolean
  /** Now and then, to judge silence. */
  tick(now: Millis): void
  /** Draining has begun: calls `done` once nothing of the peer's is under way any more. */
  settle(done: () => void): void
  /** The connection is over: gives up all that it holds. */
  leave(): void
}

/** What a stage may do with its connection. */
export interface Connection {
  /** Ends it from our side once what was written is flushed, by FIN or RST as the options say. Again does nothing. */
  close(code: string): void
  /** As {@link Connection.close}, and at once: the peer does not take what was written. */
  abort(code: string): void
}
