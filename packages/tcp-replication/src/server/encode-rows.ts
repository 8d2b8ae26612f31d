import { Buffer } from 'node:buffer'
import type { RowBatch } from '../source/types.js'
import { maxLineBytes } from '../wire/line-decoder.js'

/** Rows as they go onto the wire: made once, shared by all connections. */
export interface EncodedRows {
  readonly bytes: Uint8Array
  /** How many lines the bytes hold. */
  readonly lines: number
}

/** A row that does not fit into a line. */
export interface OversizeRow {
  readonly stream: string
  readonly token: number
  /** What its line would take, without the line feed. */
  readonly bytes: number
}

/**
 * Writes whole batches as RDATA lines: all rows of a token but the last say `batch` (7.4, H13.3). A row over the
 * limit is left out and reported; the batch goes on without it, and its last row that fits carries the token.
 *
 * @param instance - the writer's name in D2, `null` in D1
 */
export function encodeRows(
  stream: string,
  instance: string | null,
  batches: readonly RowBatch[],
  oversize: (row: OversizeRow) => void,
): EncodedRows {
  const start = instance === null ? `RDATA ${stream} ` : `RDATA ${stream} ${instance} `
  let text = ''
  let lines = 0
  for (const { token, rows } of batches) {
    const withToken = `${start}${token} `
    let last: string | undefined
    for (const row of rows) {
      // A character takes at most three bytes, so that most rows need no measuring.
      if (withToken.length + 3 * row.length > maxLineBytes) {
        const bytes = withToken.length + Buffer.byteLength(row)
        if (bytes > maxLineBytes) {
          oversize({ stream, token, bytes })
          continue
        }
      }
      if (last !== undefined) text += `${start}batch ${last}\n`
      last = row
      lines += 1
    }
    if (last !== undefined) text += `${withToken}${last}\n`
  }
  return { bytes: Buffer.from(text), lines }
}
