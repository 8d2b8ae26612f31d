import type { WallStamp } from '@holdfast/core'

/**
 * What the database holds under a token: when it was stored (8 bytes), how many rows (4 bytes), then the rows with
 * line feeds between them. A row's JSON has none.
 */
const atRowCount = 8
const headerBytes = 12

/** Writes the rows of one token as a value. */
export function encodeBatch(rows: readonly string[], at: WallStamp): Buffer {
  const text = rows.join('\n')
  const value = Buffer.allocUnsafe(headerBytes + Buffer.byteLength(text))
  value.writeDoubleBE(at, 0)
  value.writeUInt32BE(rows.length, atRowCount)
  value.write(text, headerBytes)
  return value
}

/** Adds rows to those that are there. */
export function extendBatch(value: Buffer, rows: readonly string[]): Buffer {
  const longer = Buffer.concat([value, Buffer.from(`\n${rows.join('\n')}`)])
  longer.writeUInt32BE(rowCountOf(value) + rows.length, atRowCount)
  return longer
}

/** When the value was stored. */
export function storedAt(value: Buffer): WallStamp {
  return value.readDoubleBE(0)
}

export function rowCountOf(value: Buffer): number {
  return value.readUInt32BE(atRowCount)
}

export function rowsOf(value: Buffer): string[] {
  return value.toString('utf8', headerBytes).split('\n')
}

/** Size of a batch in bytes as the budgets count it: each row with its line feed. */
export function storedBytes(value: Buffer): number {
  return value.length - headerBytes + 1
}
