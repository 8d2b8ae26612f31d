import { HoldfastError } from '@holdfast/core'

/** What can be wrong with the database of a message log. */
export type MessageLogErrorCode =
  | 'HF_STORE_FOREIGN'
  | 'HF_STORE_IN_USE'
  | 'HF_STORE_UNAVAILABLE'
  | 'HF_STORE_WRITE_FAILED'
  | 'HF_STORE_CLOSED'

/**
 * The database of a message log cannot be used. Its files are left as they were found.
 *
 * | code | when |
 * | --- | --- |
 * | `HF_STORE_FOREIGN` | the directory holds something else, or a log of another version |
 * | `HF_STORE_IN_USE` | a running process, perhaps this one, has it open |
 * | `HF_STORE_UNAVAILABLE` | the directory cannot be made, read or written |
 * | `HF_STORE_WRITE_FAILED` | a commit failed, for example because the disk is full; nothing of it is stored |
 * | `HF_STORE_CLOSED` | the log was closed |
 */
export class MessageLogError extends HoldfastError {
  override readonly name: string = 'MessageLogError'
  declare readonly code: MessageLogErrorCode
  /** Directory of the database. */
  readonly path: string

  constructor(code: MessageLogErrorCode, path: string, what: string, options?: ErrorOptions) {
    super(code, `${path}: ${what}`, options)
    this.path = path
  }
}
