/**
 * Closes what was opened, the last first: an `AsyncDisposableStack`, which Node.js 20 has not.
 *
 * @example
 * ```ts
 * import { OpenedThings } from '@holdfast/core/service'
 *
 * const closed: string[] = []
 * const thing = (name: string) => ({ [Symbol.asyncDispose]: async () => void closed.push(name) })
 * const opened = new OpenedThings()
 * opened.add(thing('store'))
 * opened.add(thing('server'))
 * await opened.close()
 * closed // => ['server', 'store']
 * ```
 */
export class OpenedThings {
  readonly #opened: AsyncDisposable[] = []

  /** Has a thing closed with the rest. Returns it. */
  add<T extends AsyncDisposable>(thing: T): T {
    this.#opened.push(thing)
    return thing
  }

  /** Closes what was added, one after the other. Again does nothing. */
  async close(): Promise<void> {
    for (const thing of this.#opened.splice(0).reverse()) await thing[Symbol.asyncDispose]()
  }
}
