/** Keeps every complete line of what comes in. For tests: it has no bound. */
export class LineKeeper {
  readonly all: string[] = []
  readonly #decoder = new TextDecoder()
  #rest = ''

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n')
    this.#rest = lines.pop() ?? ''
    this.all.push(...lines)
  }
}
