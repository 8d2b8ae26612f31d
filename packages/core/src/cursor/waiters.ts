import { HoldfastError } from '../errors.js'

interface Waiter {
  readonly order: number
  readonly resolve: () => void
  readonly reject: (error: HoldfastError) => void
}

/** Those who wait until what came in so far is applied and saved. */
export class Waiters {
  readonly #key: string
  #waiting: Waiter[] = []

  constructor(key: string) {
    this.#key = key
  }

  /** Resolves when everything up to this order is saved. */
  until(order: number): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ order, resolve, reject }))
  }

  /** Everything up to this order is saved. */
  saved(upTo: number): void {
    if (this.#waiting.length === 0) return
    const settled = this.#waiting.filter(({ order }) => order <= upTo)
    this.#waiting = this.#waiting.filter(({ order }) => order > upTo)
    for (const { resolve } of settled) resolve()
  }

  /** Everybody waits in vain. */
  fail(cause: unknown): void {
    const message = `cursor ${this.#key}: not all was applied and saved`
    for (const { reject } of this.#waiting.splice(0))
      reject(new HoldfastError('HF_CURSOR_UNSETTLED', message, { cause }))
  }
}
