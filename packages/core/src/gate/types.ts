import type { Millis } from '../end.js'

/** One piece of work in flight. */
export interface Ticket {
  readonly label: string
  /** The work is finished. Again, or after a cut, does nothing. */
  done(): void
  /** True once a drain has given up waiting for this work, or its link has ended. */
  readonly cut: boolean
}

/** What became of the work that was in flight when a drain began. */
export interface DrainReport {
  readonly finished: number
  /** Labels of the work that did not finish. */
  readonly cut: readonly string[]
  readonly took: Millis
  readonly timedOut: boolean
}

/** Counts work in flight by tickets. */
export interface Gate {
  readonly state: 'open' | 'draining' | 'closed'
  readonly inFlight: number
  /** `null` means refused: the gate is no longer open. */
  enter(label: string): Ticket | null
  /**
   * Refuses new work and resolves when what is in flight has finished, or at the deadline. Called again it joins
   * the drain under way, and the earlier deadline holds.
   *
   * @param o.except - a ticket whose holder awaits this drain, and which it therefore does not wait for
   */
  drain(o: { readonly within: Millis; readonly except?: Ticket }): Promise<DrainReport>
}
