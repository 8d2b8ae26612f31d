/** Times of items: 32 bits each, unless there is one that does not fit; then 64. */
export type TimeColumn = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** Whether a time can be held in 32 bits: those until 2106 can. */
export function fits(timestamp: number): boolean {
  return timestamp >>> 0 === timestamp
}

/** A column that begins as another one does. */
export function copiedTimes(from: TimeColumn, length: number, isWide: boolean): TimeColumn {
  const times = isWide ? new Float64Array(length) : new Uint32Array(length)
  times.set(from.length > length ? from.subarray(0, length) : from)
  return times
}

/** Whether a column can hold any time. */
export function isWide(times: TimeColumn): boolean {
  return times instanceof Float64Array
}
