import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline'
import { linesOf } from '@holdfast/core/program'

/** Characters of a line that is not typed but piped. */
const longestLine = 65_536

/** Lines above, and a line below in which the user types. Works without a terminal, too: then it only reads and writes. */
export class Screen {
  readonly #input: NodeJS.ReadStream
  readonly #out: NodeJS.WriteStream
  /** Somebody sits at both ends. */
  readonly #terminal: Interface | null
  #isClosed = false

  constructor(input: NodeJS.ReadStream, out: NodeJS.WriteStream) {
    this.#input = input
    this.#out = out
    const isTerminal = input.isTTY && out.isTTY
    this.#terminal = isTerminal
      ? createInterface({ input, output: out, historySize: 200, prompt: '> ' })
      : null
  }

  /** Lines that were typed, until the end of the input or {@link close}. */
  async *typed(): AsyncGenerator<string> {
    this.#prompt()
    for await (const line of this.#terminal ?? linesOf(this.#input, { longest: longestLine })) {
      if (line.trim() !== '') yield line
      this.#prompt()
    }
  }

  /** What Ctrl-C does. */
  onInterrupt(act: () => void): void {
    this.#terminal?.on('SIGINT', act)
  }

  /** Prints above what is being typed. */
  print(...lines: readonly string[]): void {
    if (this.#isPrompting) {
      cursorTo(this.#out, 0)
      clearLine(this.#out, 0)
    }
    for (const line of lines) this.#out.write(`${line}\n`)
    this.#prompt()
  }

  /** Another prompt from now on. */
  ask(prompt: string): void {
    this.#terminal?.setPrompt(prompt)
    this.#prompt()
  }

  close(): void {
    this.#isClosed = true
    this.#terminal?.close()
  }

  get #isPrompting(): boolean {
    return this.#terminal !== null && !this.#isClosed
  }

  #prompt(): void {
    if (this.#isPrompting) this.#terminal?.prompt(true)
  }
}
