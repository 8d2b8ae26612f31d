import type { ReceivedBatch } from '../../client/options.js'

/** What one follower got, against what was acknowledged. */
export interface Tally {
  readonly batches: number
  readonly rows: number
  /** Batches that came again after an outage. */
  readonly repeated: number
  /** Tokens that were passed over. */
  readonly gaps: number
  /** Acknowledged batches that have not come, or not whole. */
  readonly missing: number
}

/** Knows what the server has acknowledged, and checks what a follower is given against it. */
export class Oracle {
  readonly #acknowledged = new Map<string, Map<number, string>>()
  rows = 0

  /** The server has acknowledged a batch. */
  acknowledge(stream: string, token: number, rows: readonly string[]): void {
    const batches = this.#acknowledged.get(stream) ?? new Map<number, string>()
    this.#acknowledged.set(stream, batches)
    batches.set(token, rows.join('\n'))
    this.rows += rows.length
  }

  /** Batches acknowledged so far. */
  get batches(): number {
    return [...this.#acknowledged.values()].reduce((sum, batches) => sum + batches.size, 0)
  }

  /** The newest token acknowledged of each stream. */
  get heads(): Map<string, number> {
    return new Map([...this.#acknowledged].map(([stream, batches]) => [stream, Math.max(...batches.keys())]))
  }

  /** A witness for one follower. */
  witness(): Witness {
    return new Witness(this.#acknowledged)
  }
}

/** Sees what one follower applies. The streams of the demonstration are dense: every token is used. */
export class Witness {
  readonly #acknowledged: ReadonlyMap<string, ReadonlyMap<number, string>>
  readonly #seen = new Map<string, Map<number, string>>()
  readonly #highest = new Map<string, number>()
  #rows = 0
  #repeated = 0
  #gaps = 0

  constructor(acknowledged: ReadonlyMap<string, ReadonlyMap<number, string>>) {
    this.#acknowledged = acknowledged
  }

  /** The follower has applied a batch. */
  applied({ stream, token, texts }: ReceivedBatch): void {
    const highest = this.#highest.get(stream) ?? 0
    const seen = this.#seen.get(stream) ?? new Map<number, string>()
    this.#seen.set(stream, seen)
    if (seen.has(token)) this.#repeated += 1
    else if (token > highest + 1) this.#gaps += token - highest - 1
    seen.set(token, texts.join('\n'))
    this.#rows += texts.length
    this.#highest.set(stream, Math.max(highest, token))
  }

  /** The newest token applied of a stream. */
  at(stream: string): number {
    return this.#highest.get(stream) ?? 0
  }

  tally(): Tally {
    let missing = 0
    for (const [stream, batches] of this.#acknowledged) {
      for (const [token, rows] of batches) if (this.#seen.get(stream)?.get(token) !== rows) missing += 1
    }
    const batches = [...this.#seen.values()].reduce((sum, seen) => sum + seen.size, 0)
    return { batches, rows: this.#rows, repeated: this.#repeated, gaps: this.#gaps, missing }
  }
}
