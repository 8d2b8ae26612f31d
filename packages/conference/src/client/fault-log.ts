import type { Log } from '@holdfast/core'

/** Logs that something fails when it begins, and how often it has when it is over: a full disk is not filled by saying so. */
export class FaultLog {
  readonly #log: Log
  readonly #what: string
  #times = 0

  /** @param what - what fails, for the log */
  constructor(log: Log, what: string) {
    this.#log = log
    this.#what = what
  }

  failed(err: unknown): void {
    this.#times += 1
    if (this.#times === 1) this.#log.error({ err }, `${this.#what}; told once until it works again`)
  }

  worked(): void {
    if (this.#times > 0) this.#log.warn({ times: this.#times }, `${this.#what}: that is over`)
    this.#times = 0
  }
}
