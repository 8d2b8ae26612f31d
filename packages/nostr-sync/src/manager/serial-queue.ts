/** Runs what it is given one after the other, whatever one of them sets off: the single writer of the indexes (R36). */
export class SerialQueue {
  readonly #waiting: (() => void)[] = []
  #isRunning = false

  run(task: () => void): void {
    this.#waiting.push(task)
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next()
    } finally {
      this.#isRunning = false
    }
  }
}
