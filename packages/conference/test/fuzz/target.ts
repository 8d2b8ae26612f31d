/** Something that takes bytes from strangers. */
export interface FuzzTarget {
  readonly name: string
  /** Bytes that it understands, to be damaged. */
  readonly seeds: readonly Uint8Array[]
  /** Gives it some of them. Throws if it breaks, or holds more than it may. */
  run(inputs: readonly Uint8Array[]): void
}
