import type { Millis } from '@holdfast/core'

/** Where saved events go besides the store. Follows the store by itself from when it is made. */
export interface EventSink extends AsyncDisposable {
  /** For logs: a URL or a path. */
  readonly name: string
  readonly stats: SinkStats
  /** Lets what was saved until now go out, no longer than this, and closes. */
  drain(o: { readonly within: Millis }): Promise<void>
}

/** What a sink counts. */
export interface SinkStats {
  /** Events that are there now because of us, or were before. */
  delivered: number
  /** Events that the other side does not want, or that a file did not take. */
  refused: number
}
