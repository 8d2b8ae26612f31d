/** One thing that was promised, and what was counted. */
export interface Promised {
  readonly scenario: string
  readonly promise: string
  readonly wanted: string
  readonly counted: string
  readonly kept: boolean
}

/** Collects what was promised and counted, and prints each as it comes. */
export class Scorecard {
  readonly promises: Promised[] = []
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  /** The part of one scenario. */
  of(scenario: string): ScenarioScore {
    return {
      note: (text) => this.#print(`  ${text}`),
      promise: (promise, wanted, counted, kept = wanted === counted) => {
        this.promises.push({ scenario, promise, wanted: String(wanted), counted: String(counted), kept })
        this.#print(`  ${kept ? 'kept  ' : 'BROKEN'} ${promise}: ${wanted} promised, ${counted} counted`)
      },
      broken: (error) => {
        this.promises.push({
          ...{ scenario, promise: 'runs to its end', wanted: 'yes', counted: 'no', kept: false },
        })
        this.#print(`  BROKEN ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      },
    }
  }

  get allKept(): boolean {
    return this.promises.every(({ kept }) => kept)
  }

  /** Everything as a table. */
  table(): string {
    const head = ['scenario', 'promise', 'promised', 'counted', '']
    const rows = this.promises.map(({ scenario, promise, wanted, counted, kept }) => {
      return [scenario, promise, wanted, counted, kept ? 'kept' : 'BROKEN']
    })
    const widths = head.map((_, column) =>
      Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
    )
    return [head, ...rows]
      .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
      .join('\n')
  }
}

/** Where one scenario tells what it found. */
export interface ScenarioScore {
  note(text: string): void
  /** `kept` unless told: what was counted is what was promised. */
  promise(promise: string, wanted: number | string, counted: number | string, kept?: boolean): void
  /** The scenario could not go on. */
  broken(error: unknown): void
}
