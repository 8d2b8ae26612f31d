import type { Log } from './types.js'

/**
 * Logs that something fails when it begins, and how often it has when it is over: a full disk is not filled by saying so.
 *
 * @example
 * ```ts
 * import { FaultLog, systemEnv } from '@holdfast/core'
 *
 * const faults = new FaultLog(systemEnv({ name: 'keeper' }).log, 'the state could not be saved')
 * faults.failed(new Error('no space left on device')) // an error
 * faults.failed(new Error('no space left on device')) // nothing
 * faults.worked() // a warning: { times: 2 }
 * ```
 */
export class FaultLog {
  readonly #log: Log
  readonly #what: string
  #times = 0

  /**
   * @param log - what it is said in
   * @param what - what fails, in words that begin the line: `the state could not be saved`
   */
  constructor(log: Log, what: string) {
    this.#log = log
    this.#what = what
  }

  /** It has failed, perhaps again. */
  failed(err: unknown): void {
    this.#times += 1
    if (this.#times === 1) this.#log.error({ err }, `${this.#what}; told once until it works again`)
  }

  /** It has worked; does nothing unless it had failed before. */
  worked(): void {
    if (this.#times > 0) this.#log.warn({ times: this.#times }, `${this.#what}: that is over`)
    this.#times = 0
  }
}
