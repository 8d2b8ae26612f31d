import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline'

/** Lines above, and a line below in which the user types. Works without a terminal, too: then it only reads and writes. */
export class Screen {
  readonly #out: NodeJS.WriteStream
  readonly #lines: Interface
  #isClosed = false

  constructor(input: NodeJS.ReadStream, out: NodeJS.WriteStream) {
    this.#out = out
    this.#lines = createInterface({ input, output: out, terminal: out.isTTY, historySize: 200, prompt: '> ' })
  }

  /** Lines that were typed, until the end of the input or {@link close}. */
  async *typed(): AsyncGenerator<string> {
    this.#prompt()
    for await (const line of this.#lines) {
      if (line.trim() !== '') yield line
      this.#prompt()
    }
  }

  /** What Ctrl-C does. */
  onInterrupt(act: () => void): void {
    this.#lines.on('SIGINT', act)
  }

  /** Prints above what is being typed. */
  print(...lines: readonly string[]): void {
    if (this.#out.isTTY && !this.#isClosed) {
      cursorTo(this.#out, 0)
      clearLine(this.#out, 0)
    }
    for (const line of lines) this.#out.write(`${line}\n`)
    this.#prompt()
  }

  /** Another prompt from now on. */
  ask(prompt: string): void {
    this.#lines.setPrompt(prompt)
    this.#prompt()
  }

  close(): void {
    this.#isClosed = true
    this.#lines.close()
  }

  #prompt(): void {
    if (this.#out.isTTY && !this.#isClosed) this.#lines.prompt(true)
  }
}
