import { HoldfastError } from '@holdfast/core'

/**
 * A row that cannot be understood: an event for the application, which decides whether to stop the stream or to
 * skip and count (H 13.9). Code `HF_REPLICATION_BAD_ROW`.
 */
export class RowError extends HoldfastError {
  override readonly name: string = 'RowError'
  readonly stream: string
  /**
   * `json`: no JSON; `shape`: not an array, or shorter than any known form; `type`: a kind of row that the stream
   * did not have; `members`: a member has the wrong type.
   */
  readonly reason: 'json' | 'shape' | 'type' | 'members'

  constructor(stream: string, reason: RowError['reason'], detail: string, options?: ErrorOptions) {
    // The row itself stays out of the message: rows of caches can hold access tokens.
    super('HF_REPLICATION_BAD_ROW', `row of ${stream}: ${detail}`, options)
    this.stream = stream
    this.reason = reason
  }
}
