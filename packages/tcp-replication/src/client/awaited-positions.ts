import type { LinkScope, Millis, Timer } from '@holdfast/core'

/** D2: positions come in one go, so that after so long without one there are no more. */
const settleMs: Millis = 1000

/** What is told of positions that a link waits for. */
export interface AwaitedEvents {
  /** Every stream has had its position. Called once. */
  all(): void
  /** Nothing has come for a whole period, and these still wait. */
  stalled(streams: readonly string[]): void
  /** Positions have come, and none of these will. */
  missing(streams: readonly string[]): void
}

/** The streams that have had no position on a link. It is ready when all have (8.4). */
export class AwaitedPositions {
  readonly #scope: LinkScope
  readonly #events: AwaitedEvents
  readonly #streams: Set<string>
  #progressed = true
  #settling: Timer | null = null
  #isOver = false

  constructor(scope: LinkScope, streams: Iterable<string>, events: AwaitedEvents) {
    this.#scope = scope
    this.#streams = new Set(streams)
    this.#events = events
  }

  /** Those that wait, in the order in which they are followed. */
  get streams(): readonly string[] {
    return [...this.#streams]
  }

  /** Whether every stream has had its position. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Begins to wait, and to watch that something comes at least every so often. */
  begin(stalledAfter: Millis): void {
    if (this.#streams.size === 0) this.#finish()
    else this.#scope.sweep(stalledAfter, () => this.#check())
  }

  /** A row or a position came. */
  progress(): void {
    this.#progressed = true
  }

  /**
   * A stream has had its position, or needs none.
   *
   * @returns whether it was awaited
   */
  positioned(stream: string): boolean {
    if (!this.#streams.delete(stream)) return false
    if (this.#streams.size === 0) this.#finish()
    return true
  }

  /**
   * D2, where nobody says that a stream is unknown: those left are missing unless another position comes soon. One of a
   * stream that nobody awaits postpones nothing: there may be many of those.
   */
  settle({ postpones }: { readonly postpones: boolean }): void {
    if (this.#settling !== null && !postpones) return
    this.#settling?.cancel()
    this.#settling = this.#scope.after(settleMs, () => this.#events.missing(this.streams))
  }

  #finish(): void {
    this.#isOver = true
    this.#settling?.cancel()
    this.#events.all()
  }

  #check(): void {
    if (!this.#isOver && !this.#progressed) this.#events.stalled(this.streams)
    this.#progressed = false
  }
}
