import { HoldfastError } from '@holdfast/core'

/** The source has no stream of that name. Code `HF_REPLICATION_UNKNOWN_STREAM`. */
export class UnknownStreamError extends HoldfastError {
  override readonly name: string = 'UnknownStreamError'
  /** The name that was asked for. */
  readonly stream: string

  constructor(stream: string) {
    super('HF_REPLICATION_UNKNOWN_STREAM', `there is no stream ${JSON.stringify(stream.slice(0, 80))}`)
    this.stream = stream
  }
}

/** A token, or a batch, does not fit where the stream stands. Code `HF_REPLICATION_TOKEN_ORDER`. */
export class TokenOrderError extends HoldfastError {
  override readonly name: string = 'TokenOrderError'
  /** The stream concerned. */
  readonly stream: string
  /** The token that was refused. */
  readonly token: number

  constructor(stream: string, token: number, expected: string) {
    super('HF_REPLICATION_TOKEN_ORDER', `${stream}: token ${token} must be ${expected}`)
    this.stream = stream
    this.token = token
  }
}

/** What can be wrong with the database of an append log. */
export type StoreErrorCode =
  | 'HF_STORE_CORRUPT'
  | 'HF_STORE_FOREIGN'
  | 'HF_STORE_IN_USE'
  | 'HF_STORE_UNAVAILABLE'
  | 'HF_STORE_WRITE_FAILED'
  | 'HF_STORE_CLOSED'

/**
 * The database of an append log cannot be used. Its files are left as they were found.
 *
 * | code | when |
 * | --- | --- |
 * | `HF_STORE_CORRUPT` | the file is cut short or damaged: restore a copy, or start with an empty directory |
 * | `HF_STORE_FOREIGN` | the path holds something else, or the log of a newer version |
 * | `HF_STORE_IN_USE` | a running process, perhaps this one, has it open |
 * | `HF_STORE_UNAVAILABLE` | the directory cannot be made, read or written |
 * | `HF_STORE_WRITE_FAILED` | a commit failed, for example because the disk is full; nothing of it is stored |
 * | `HF_STORE_CLOSED` | the log was closed |
 */
export class StoreError extends HoldfastError {
  override readonly name: string = 'StoreError'
  declare readonly code: StoreErrorCode
  /** Directory of the database. */
  readonly path: string

  constructor(code: StoreErrorCode, path: string, what: string, options?: ErrorOptions) {
    super(code, `${path}: ${what}`, options)
    this.path = path
  }
}
