/** Collects what was promised and seen, and prints each as it comes. */
export class Scorecard {
  kept = 0
  broken = 0
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  /** Waits for what was promised to come about, and says how long it took. */
  async promise<T>(promise: string, seen: Promise<T>): Promise<T> {
    const since = performance.now()
    try {
      const value = await seen
      this.kept += 1
      this.#print(`  kept   ${promise} (${Math.round(performance.now() - since)} ms)`)
      return value
    } catch (error) {
      this.#print(`  BROKEN ${promise}`)
      throw error
    }
  }

  /** A scenario could not go on. */
  failed(error: unknown): void {
    this.broken += 1
    this.#print(`  BROKEN ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
}
