/** What the database says of a stream. Written in the same transaction as the rows that it speaks of. */
export interface StreamRecord {
  /** Stands for the stream in the keys of its batches. */
  readonly id: number
  /** Reading from here on is complete. */
  readonly first: number
  /** Newest visible position. */
  readonly head: number
  /** Newest token stored: above the head while rows are staged. */
  readonly top: number
  /** Rows stored, staged ones included. */
  readonly rows: number
  /** Their bytes. */
  readonly bytes: number
  /** Batches above this are void and still have to be removed. */
  readonly voidAbove: number | null
  /** Batches up to this are void and still have to be removed. */
  readonly voidUpTo: number | null
}

const counters = ['id', 'first', 'head', 'top', 'rows', 'bytes'] as const
const marks = ['voidAbove', 'voidUpTo'] as const

/** A stream of which nothing is known. */
export function newRecord(id: number): StreamRecord {
  return { id, first: 0, head: 0, top: 0, rows: 0, bytes: 0, voidAbove: null, voidUpTo: null }
}

/** Whether there are batches yet to be removed. */
export function hasVoid({ voidAbove, voidUpTo }: Partial<StreamRecord>): boolean {
  return (voidAbove ?? voidUpTo ?? null) !== null
}

/** Writes a record as a value. */
export function encodeRecord(record: StreamRecord): Buffer {
  return Buffer.from(JSON.stringify(record))
}

/** Reads a record; `null` if it is none. */
export function decodeRecord(value: Buffer): StreamRecord | null {
  try {
    const record = JSON.parse(value.toString()) as Record<string, unknown>
    const isWhole =
      counters.every((field) => Number.isSafeInteger(record[field])) &&
      marks.every((field) => record[field] === null || Number.isSafeInteger(record[field]))
    return isWhole ? (record as unknown as StreamRecord) : null
  } catch {
    // Not JSON: the caller says what that means.
    return null
  }
}
