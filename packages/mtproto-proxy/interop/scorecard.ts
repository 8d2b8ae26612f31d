/** Collects what was promised and counted, and prints each as it comes. */
export class Scorecard {
  kept = 0
  broken = 0
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  note(text: string): void {
    this.#print(`  ${text}`)
  }

  promise(promise: string, isKept: boolean, counted: string): void {
    this.#count(isKept)
    this.#print(`  ${isKept ? 'kept  ' : 'BROKEN'} ${promise}: ${counted}`)
  }

  /** A scenario could not go on. */
  failed(error: unknown): void {
    this.#count(false)
    this.#print(`  BROKEN ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  #count(isKept: boolean): void {
    if (isKept) this.kept += 1
    else this.broken += 1
  }
}
