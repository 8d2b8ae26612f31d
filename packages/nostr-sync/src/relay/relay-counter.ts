import type { Strategy } from '../sync/strategy.js'
import type { ExchangeOutcome } from './negentropy-exchange.js'

/** What the work with a relay took, since the start of the process. */
export interface RelayCounts {
  /** Attempts to connect, by how they ended. */
  readonly attempts: Readonly<Record<'success' | 'failure', number>>
  /** Sessions after the first, by how they were begun (R40). */
  readonly reconnects: Readonly<Record<Strategy['kind'], number>>
  /** Pages of stored events. */
  readonly pages: number
  /** Reconciliations, by how they ended. */
  readonly negentropy: Readonly<Record<ExchangeOutcome['kind'], number>>
  /** Answers of the relay in reconciliations. */
  readonly negentropyRounds: number
  /** Bytes of their messages. */
  readonly negentropyBytes: Readonly<Record<'in' | 'out', number>>
}

/** Counts what the work with one relay takes (R104). */
export class RelayCounter {
  readonly #attempts = { success: 0, failure: 0 }
  readonly #reconnects = { 'fresh-start': 0, 'quick-reconnect': 0 }
  readonly #negentropy = { reconciled: 0, unsupported: 0, 'too-large': 0, failed: 0 }
  readonly #negentropyBytes = { in: 0, out: 0 }
  #pages = 0
  #rounds = 0

  /** What there is so far. */
  get counts(): RelayCounts {
    return {
      attempts: { ...this.#attempts },
      reconnects: { ...this.#reconnects },
      pages: this.#pages,
      negentropy: { ...this.#negentropy },
      negentropyRounds: this.#rounds,
      negentropyBytes: { ...this.#negentropyBytes },
    }
  }

  /** A dial began. */
  attempted(result: 'success' | 'failure'): void {
    this.#attempts[result]++
  }

  /** A link is there again. */
  reconnected(strategy: Strategy['kind']): void {
    this.#reconnects[strategy]++
  }

  /** A page was asked for. */
  paged(): void {
    this.#pages++
  }

  /** A reconciliation ended so. */
  reconciled(how: ExchangeOutcome['kind']): void {
    this.#negentropy[how]++
  }

  /** A message of a reconciliation was sent (`out`) or came (`in`), with its length in bytes. */
  negentropyMessage(direction: 'in' | 'out', bytes: number): void {
    if (direction === 'in') this.#rounds++
    this.#negentropyBytes[direction] += bytes
  }
}
