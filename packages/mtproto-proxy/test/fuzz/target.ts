import type { Buffer } from 'node:buffer'

/** Something that takes bytes from strangers. */
export interface FuzzTarget {
  readonly name: string
  /** Bytes that it understands, to be damaged. */
  readonly seeds: readonly Buffer[]
  /**
   * Gives it an input in pieces. Must not throw, whatever the input: what is thrown on purpose is caught here.
   *
   * @param pieces - each has memory of its own, and is overwritten afterwards
   * @returns the most bytes that it held at any time, and what came of it, to be compared between ways of cutting
   */
  run(pieces: readonly Buffer[]): { readonly held: number; readonly outcome: string }
  /** Most bytes that it may hold, for an input of so many. */
  bound(inputBytes: number): number
}
