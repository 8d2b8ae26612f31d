import type { Clock, FaultLog, Timer } from '@holdfast/core'

/** How long nothing is written after a write, in milliseconds. */
const restMs = { afterSuccess: 100, afterFailure: 1000 }

/** Options of {@link Autosave}. */
export interface AutosaveOptions {
  readonly clock: Clock
  /** Writes everything as it is when it is called. */
  readonly write: () => Promise<void>
  /** Is told when a write fails, and when one has worked. */
  readonly faults: FaultLog
}

/**
 * Writes what has changed: one write at a time, and a rest after each, so that whoever talks without end has us write now and
 * then. What could not be written is tried again.
 */
export class Autosave {
  readonly #options: AutosaveOptions
  #isDirty = false
  #writing: Promise<void> | null = null
  #rest: Timer | null = null
  #isStopped = false

  constructor(options: AutosaveOptions) {
    this.#options = options
  }

  /** Something has changed: it is written at once, or after the rest. */
  soon(): void {
    this.#isDirty = true
    if (this.#writing === null && this.#rest === null && !this.#isStopped) void this.#begin()
  }

  /** Writes without a rest. Settles when what has changed until now is written, or could not be. */
  async now(): Promise<void> {
    this.#isDirty = true
    // What is being written may be older.
    await this.#writing
    if (!this.#isStopped) await (this.#writing ?? this.#begin())
  }

  /** Begins no write any more. Settles when the last one is over. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#endRest()
    await this.#writing
  }

  #begin(): Promise<void> {
    this.#endRest()
    this.#isDirty = false
    this.#writing = this.#write().then((isWritten) => this.#wrote(isWritten))
    return this.#writing
  }

  async #write(): Promise<boolean> {
    const { write, faults } = this.#options
    try {
      await write()
      faults.worked()
      return true
    } catch (failure) {
      faults.failed(failure)
      return false
    }
  }

  #wrote(isWritten: boolean): void {
    this.#writing = null
    if (!isWritten) this.#isDirty = true
    if (this.#isStopped) return
    const rest = isWritten ? restMs.afterSuccess : restMs.afterFailure
    this.#rest = this.#options.clock.after(rest, () => {
      this.#rest = null
      if (this.#isDirty) void this.#begin()
    })
  }

  #endRest(): void {
    this.#rest?.cancel()
    this.#rest = null
  }
}
