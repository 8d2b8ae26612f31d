/** Closes what was opened, the last first. Node.js 20 has no AsyncDisposableStack. */
export class OpenedThings {
  readonly #opened: AsyncDisposable[] = []

  /** Has a thing closed with the rest. */
  add<T extends AsyncDisposable>(thing: T): T {
    this.#opened.push(thing)
    return thing
  }

  async close(): Promise<void> {
    for (const thing of this.#opened.splice(0).reverse()) await thing[Symbol.asyncDispose]()
  }
}
