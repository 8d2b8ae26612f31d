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
