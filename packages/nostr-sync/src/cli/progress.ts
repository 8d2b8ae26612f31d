import { systemClock } from '@holdfast/core'

const onTerminalEvery = 1000
const inLogEvery = 30_000

/** Says on standard error how far a command is, once a second to a person, seldom to a file. */
export class Progress implements Disposable {
  readonly #timer: { cancel(): void }
  readonly #describe: () => string

  constructor(describe: () => string) {
    this.#describe = describe
    const { isTTY } = process.stderr
    this.#timer = systemClock().sweep(isTTY ? onTerminalEvery : inLogEvery, () =>
      this.#say(isTTY ? '\r' : '\n'),
    )
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
    if (process.stderr.isTTY) this.#say('\n')
  }

  #say(end: string): void {
    process.stderr.write(this.#describe() + end)
  }
}
