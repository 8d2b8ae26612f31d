import type { WallStamp } from '@holdfast/core'

/** What the database holds under a token: when it was stored, how many rows, then a line for each row. */
export interface StoredBatch {
  readonly at: WallStamp
  readonly rowCount: number
  /** The rows, without line feed after the last. */
  readonly text: Buffer
}

const headerBytes = 12

/** Size of a batch in bytes as the budgets count it: each row with its line feed. */
export function storedBytes(value: Uint8Array): number {
  return value.length - headerBytes + 1
}

/** Writes the rows of one token as a value. */
export function encodeBatch(rows: readonly string[], at: WallStamp): Buffer {
  return encode(Buffer.from(rows.join('\n')), rows.length, at)
}

/** Adds rows to those that are there. */
export function extendBatch(value: Uint8Array, rows: readonly string[]): Buffer {
  const { at, rowCount, text } = decodeBatch(value)
  return encode(Buffer.concat([text, Buffer.from(`\n${rows.join('\n')}`)]), rowCount + rows.length, at)
}

/** Reads a value without cutting it into rows. */
export function decodeBatch(value: Uint8Array): StoredBatch {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return { at: bytes.readDoubleBE(0), rowCount: bytes.readUInt32BE(8), text: bytes.subarray(headerBytes) }
}

/** The rows of a value. */
export function rowsOf(value: Uint8Array): string[] {
  return decodeBatch(value).text.toString().split('\n')
}

function encode(text: Buffer, rowCount: number, at: WallStamp): Buffer {
  const value = Buffer.allocUnsafe(headerBytes + text.length)
  value.writeDoubleBE(at, 0)
  value.writeUInt32BE(rowCount, 8)
  text.copy(value, headerBytes)
  return value
}
