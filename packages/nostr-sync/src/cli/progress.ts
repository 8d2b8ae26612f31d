import { systemClock } from '@holdfast/core'

const everyMs = 1000

/** Says on standard error how far a command is, once a second. */
export class Progress implements Disposable {
  readonly #timer: { cancel(): void }
  readonly #describe: () => string

  constructor(describe: () => string) {
    this.#describe = describe
    this.#timer = systemClock().sweep(everyMs, () => this.#say(process.stderr.isTTY ? '\r' : '\n'))
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
    if (process.stderr.isTTY) this.#say('\n')
  }

  #say(end: string): void {
    process.stderr.write(this.#describe() + end)
  }
}
