import type { Budget, Off } from '@holdfast/core'

/** All rows that share one token of one stream, delivered whole or not at all. */
export interface RowBatch {
  readonly token: number
  /** Each row as JSON text on one line, as it goes onto the wire. */
  readonly rows: readonly string[]
}

/** A part of a stream: whole batches with ascending tokens. */
export interface SourcePage {
  readonly batches: readonly RowBatch[]
  /**
   * How far this page reaches: up to the position asked for, or the head if that is lower, when there is nothing more
   * below it; else to the last batch of the page. Never below where reading began.
   */
  readonly to: number
}

/** Something that happened to a source. */
export type SourceEvent =
  /**
   * The stream's head moved up. `batches` holds everything between `from` and `to` where the source has it at
   * hand; without it the rows are read.
   */
  | {
      readonly kind: 'appended'
      readonly stream: string
      readonly from: number
      readonly to: number
      readonly batches?: readonly RowBatch[]
    }
  /**
   * The stream started over at `to`. Usually that is below where it was: what was above is void, and whoever was
   * there has to be told. After a jump upwards nothing below `to` is held any more.
   */
  | { readonly kind: 'reset'; readonly stream: string; readonly to: number }

/**
 * What a server streams: named logs of rows with ascending integer tokens. Implement it for your own database; the
 * package brings one in memory and one on disk.
 */
export interface ReplicationSource {
  /** The streams, in the order in which they are served. Constant. */
  readonly streams: readonly string[]
  /** The newest position of a stream; 0 when nothing was ever appended. Cheap, called often. */
  head(stream: string): number
  /** The oldest position above which every row is still held. */
  first(stream: string): number
  /**
   * Reads the batches with `after < token ≤ upTo`, in order, about as much as `limit` allows and at least one if
   * there is one. A batch is never split. What was told as `appended` is readable from then on.
   *
   * @returns `too-old` when rows above `after` are no longer held
   */
  read(stream: string, after: number, upTo: number, limit: Budget): Promise<SourcePage | 'too-old'>
  /** Tells of every change, in order. */
  subscribe(listener: (event: SourceEvent) => void): Off
}
