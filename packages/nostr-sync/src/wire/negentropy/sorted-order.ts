import type { Buffer } from 'node:buffer'
import type { TimeColumn } from './time-column.js'

const idBytes = 32
const digitValues = 65_536

/**
 * In which order items have to be taken to be sorted by time and id; `null` if they are.
 *
 * By digits of 16 bits rather than by comparing: strangers choose times and ids, and no choice of theirs may make a
 * large set hold up the loop.
 */
export function sortedOrder(times: TimeColumn, ids: Buffer, size: number): Uint32Array | null {
  const compare = (a: number, b: number): number => {
    const byTime = (times[a] ?? 0) - (times[b] ?? 0)
    return byTime === 0
      ? ids.compare(ids, b * idBytes, (b + 1) * idBytes, a * idBytes, (a + 1) * idBytes)
      : byTime
  }
  if (isSorted(size, compare)) return null
  let least = Infinity
  let most = 0
  for (let index = 0; index < size; index++) {
    const time = times[index] ?? 0
    least = Math.min(least, time)
    most = Math.max(most, time)
  }
  let order = Uint32Array.from({ length: size }, (_, index) => index)
  order = byDigit(order, (item) => digitOfId(ids, item * idBytes + 2))
  order = byDigit(order, (item) => digitOfId(ids, item * idBytes))
  for (let scale = 1; scale <= most - least; scale *= digitValues)
    order = byDigit(order, (item) => Math.floor(((times[item] ?? 0) - least) / scale) % digitValues)
  settleTies(order, times, ids, compare)
  return order
}

function isSorted(size: number, compare: (a: number, b: number) => number): boolean {
  for (let index = 1; index < size; index++) if (compare(index - 1, index) > 0) return false
  return true
}

/** One pass of a radix sort: stable. */
function byDigit(
  order: Uint32Array<ArrayBuffer>,
  digitOf: (item: number) => number,
): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(digitValues + 1)
  for (const item of order) starts[digitOf(item) + 1] = (starts[digitOf(item) + 1] ?? 0) + 1
  for (let digit = 1; digit <= digitValues; digit++)
    starts[digit] = (starts[digit] ?? 0) + (starts[digit - 1] ?? 0)
  const sorted = new Uint32Array(order.length)
  for (const item of order) {
    const digit = digitOf(item)
    const place = starts[digit] ?? 0
    sorted[place] = item
    starts[digit] = place + 1
  }
  return sorted
}

function digitOfId(ids: Buffer, at: number): number {
  return ((ids[at] ?? 0) << 8) | (ids[at + 1] ?? 0)
}

/** What has time and four bytes in common is rare, and compared. */
function settleTies(
  order: Uint32Array,
  times: TimeColumn,
  ids: Buffer,
  compare: (a: number, b: number) => number,
): void {
  const isTie = (a: number, b: number): boolean =>
    times[a] === times[b] &&
    digitOfId(ids, a * idBytes) === digitOfId(ids, b * idBytes) &&
    digitOfId(ids, a * idBytes + 2) === digitOfId(ids, b * idBytes + 2)
  for (let start = 0; start < order.length; ) {
    let end = start + 1
    while (end < order.length && isTie(order[start] ?? 0, order[end] ?? 0)) end++
    if (end - start > 1) order.subarray(start, end).sort(compare)
    start = end
  }
}
