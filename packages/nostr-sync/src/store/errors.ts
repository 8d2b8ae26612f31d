import { HoldfastError } from '@holdfast/core'

/** What can be wrong with a store of events. */
export type EventStoreErrorCode =
  | 'HF_STORE_FOREIGN'
  | 'HF_STORE_IN_USE'
  | 'HF_STORE_UNAVAILABLE'
  | 'HF_STORE_WRITE_FAILED'
  | 'HF_STORE_CLOSED'

/**
 * A store of events cannot be used. Its files are left as they were found.
 *
 * | code | when |
 * | --- | --- |
 * | `HF_STORE_FOREIGN` | the path holds something else, or a store of a newer version |
 * | `HF_STORE_IN_USE` | a running process, perhaps this one, has it open |
 * | `HF_STORE_UNAVAILABLE` | the directory cannot be made, read or written |
 * | `HF_STORE_WRITE_FAILED` | a commit failed, for example because the disk is full; nothing of it is stored |
 * | `HF_STORE_CLOSED` | the store was closed |
 */
export class EventStoreError extends HoldfastError {
  override readonly name: string = 'EventStoreError'
  declare readonly code: EventStoreErrorCode
  /** Directory of the store, or `memory`. */
  readonly path: string

  constructor(code: EventStoreErrorCode, path: string, what: string, options?: ErrorOptions) {
    super(code, `${path}: ${what}`, options)
    this.path = path
  }
}
