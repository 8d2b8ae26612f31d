import type { Env, Millis } from '@holdfast/core'

const lines = 100
const within: Millis = 60_000

/** Warnings that a peer can cause: so many in a minute, then one that says how many were left out. */
export class LimitedLog {
  readonly #env: Env
  #since = -Infinity
  #count = 0

  constructor(env: Env) {
    this.#env = env
  }

  warn(fields: object, text: string): void {
    const { clock, log } = this.#env
    const now = clock.now()
    if (now - this.#since >= within) {
      const leftOut = this.#count - lines
      if (leftOut > 0) log.warn(fields, `${leftOut} more warnings were left out`)
      this.#since = now
      this.#count = 0
    }
    this.#count += 1
    if (this.#count <= lines) log.warn(fields, text)
  }
}
