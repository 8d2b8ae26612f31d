import { HoldfastError } from './errors.js'

/**
 * Keeps one value across restarts.
 *
 * `save` replaces the old value atomically: after a crash `load` finds either the old one or the new one, whole.
 */
export interface Store<T> {
  /** `undefined` where nothing was ever saved. A value that cannot be read is an error, never `undefined`. */
  load(): Promise<T | undefined>
  /** Resolves once the value would survive a crash. */
  save(value: T): Promise<void>
}

/** What can be wrong with something that is kept on a disk. */
export type StoreErrorCode =
  | 'HF_STORE_CORRUPT'
  | 'HF_STORE_FOREIGN'
  | 'HF_STORE_IN_USE'
  | 'HF_STORE_UNAVAILABLE'
  | 'HF_STORE_UNREADABLE'
  | 'HF_STORE_UNWRITABLE'
  | 'HF_STORE_WRITE_FAILED'
  | 'HF_STORE_CLOSED'

/**
 * Something that is kept on a disk cannot be used. What is there is left as it was found.
 *
 * | code | when |
 * | --- | --- |
 * | `HF_STORE_CORRUPT` | it is cut short or damaged: restore a copy, or start with nothing |
 * | `HF_STORE_FOREIGN` | the path holds something else, or what another version wrote |
 * | `HF_STORE_IN_USE` | a running process, perhaps this one, has the database open, or has taken the value over |
 * | `HF_STORE_UNAVAILABLE` | the folder of the database cannot be made, read or written |
 * | `HF_STORE_UNREADABLE` | the file exists and cannot be read |
 * | `HF_STORE_UNWRITABLE` | the file cannot be written; it holds what it held |
 * | `HF_STORE_WRITE_FAILED` | a commit failed, for example because the disk is full; nothing of it is stored |
 * | `HF_STORE_CLOSED` | the database was closed |
 */
export class StoreError extends HoldfastError {
  override readonly name: string = 'StoreError'
  declare readonly code: StoreErrorCode
  /** The file, the folder of the database, or the key in Redis. */
  readonly path: string

  /** @param what - what is wrong with what is at the path, and what to do */
  constructor(code: StoreErrorCode, path: string, what: string, options?: ErrorOptions) {
    super(code, `${path}: ${what}`, options)
    this.path = path
  }
}
