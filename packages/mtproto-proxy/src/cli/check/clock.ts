import type { AttemptResult } from './attempt.js'

/** What is known of the clocks; times are in seconds. */
export type ClockFinding =
  /** They differ by more than is taken; by how much was not found. */
  | { readonly kind: 'off' }
  /** The proxy takes stamps between `from` and `to` from our time; by how much its clock is `ahead`, if its window is usual. */
  | { readonly kind: 'window'; readonly from: number; readonly to: number; readonly ahead: number | null }

/** The usual window: so far may a client's clock be behind, and so far ahead (spec 3.4). */
const usual = { past: 600, future: 1200 } as const
/** Farthest that is looked for: a day, which no mistaken time zone exceeds. */
const farthest = 86_400
/** Steps of the search: narrower than the usual window. */
const stride = 1500
/** A hello stamped less than 1000 days tells how long a client without a clock has been up: it is always in time. */
const uptime = 3600

/**
 * Finds out whether a fake-TLS hello was not taken because of its time: with a stamp that is always in time it is, then.
 * If so, looks for the stamps that are taken.
 *
 * @param now - our time, in Unix seconds
 * @param takes - tries a hello with this stamp
 * @returns `null` when it is not about time
 */
export async function findClock(
  now: number,
  takes: (timestamp: number) => Promise<AttemptResult>,
): Promise<ClockFinding | null> {
  const isTaken = async (timestamp: number): Promise<boolean> => (await takes(timestamp)).kind === 'worked'
  if (!(await isTaken(uptime))) return null
  const isTakenAt = (offset: number): Promise<boolean> => isTaken(now + offset)
  for (let distance = stride; distance <= farthest; distance += stride) {
    for (const inside of [distance, -distance]) {
      if (!(await isTakenAt(inside))) continue
      const [from, to] = [await edge(inside, -1, isTakenAt), await edge(inside, 1, isTakenAt)]
      const isUsual = Math.abs(to - from - usual.past - usual.future) <= 5
      return { kind: 'window', from, to, ahead: isUsual ? from + usual.past : null }
    }
  }
  return { kind: 'off' }
}

/** The last offset that is taken, from one that is, toward the past or the future. */
async function edge(
  inside: number,
  sign: 1 | -1,
  isTaken: (offset: number) => Promise<boolean>,
): Promise<number> {
  let taken = inside
  let refused = inside + sign * stride
  while (Math.abs(refused) <= farthest && (await isTaken(refused))) {
    taken = refused
    refused += sign * stride
  }
  while (Math.abs(taken - refused) > 1) {
    const middle = Math.round((taken + refused) / 2)
    if (await isTaken(middle)) taken = middle
    else refused = middle
  }
  return taken
}
