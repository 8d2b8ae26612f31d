import { Buffer } from 'node:buffer'
import type { RowBatch } from '../source/types.js'
import { maxLineBytes } from '../wire/line-decoder.js'

/** Rows as they go onto the wire: made once, shared by all connections. */
export interface EncodedRows {
  readonly bytes: Uint8Array
  /** How many lines the bytes hold. */
  readonly lines: number
}

/**
 * About how much is encoded, and written, at once, in characters. A batch may be larger, and is then several pieces.
 * V8 makes strings of more than about twice as much outside of its young generation, which is slow.
 */
const pieceLength = 64 * 1024

/** A row that cannot be a line: it is too long, or holds a line feed, which JSON on one line never does. */
export interface UnsendableRow {
  readonly stream: string
  readonly token: number
  readonly why: 'oversize' | 'line-feed'
  /** What its line would take, without the line feed. */
  readonly bytes: number
}

/**
 * Writes whole batches as RDATA lines: all rows of a token but the last say `batch` (7.4, H13.3). A row over the
 * limit is left out and reported; the batch goes on without it, and its last row that fits carries the token.
 * Pieces end where lines end, not where batches do.
 *
 * @param instance - the writer's name in D2, `null` in D1
 * @param longest - the bytes that a line may take
 */
export function encodeRows(
  stream: string,
  instance: string | null,
  batches: readonly RowBatch[],
  unsendable: (row: UnsendableRow) => void,
  longest = maxLineBytes,
): EncodedRows[] {
  const pieces: EncodedRows[] = []
  const start = instance === null ? `RDATA ${stream} ` : `RDATA ${stream} ${instance} `
  let text = ''
  let lines = 0
  const cut = (): void => {
    if (lines > 0) pieces.push({ bytes: Buffer.from(text), lines })
    text = ''
    lines = 0
  }
  for (const { token, rows } of batches) {
    const withToken = `${start}${token} `
    let last: string | undefined
    for (const row of rows) {
      const why = whyUnsendable(withToken, row, longest)
      if (why !== null) {
        unsendable({ stream, token, why, bytes: withToken.length + Buffer.byteLength(row) })
        continue
      }
      if (last !== undefined) {
        text += `${start}batch ${last}\n`
        lines += 1
      }
      last = row
      if (text.length >= pieceLength) cut()
    }
    if (last !== undefined) {
      text += `${withToken}${last}\n`
      lines += 1
    }
    if (text.length >= pieceLength) cut()
  }
  cut()
  return pieces
}

function whyUnsendable(withToken: string, row: string, longest: number): UnsendableRow['why'] | null {
  if (row.includes('\n')) return 'line-feed'
  // A character takes at most three bytes, so that most rows need no measuring.
  if (withToken.length + 3 * row.length <= longest) return null
  return withToken.length + Buffer.byteLength(row) > longest ? 'oversize' : null
}
