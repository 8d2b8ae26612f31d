import type { DhtKey } from '../../wire/identity.js'

/** Which of two keys is nearer to a third by XOR: negative if `a` is. */
export function compareDistance(to: DhtKey, a: DhtKey, b: DhtKey): number {
  // Only the first digit in which they differ decides.
  for (let at = 0; at < to.length; at += 1) {
    if (a[at] === b[at]) continue
    return (digit(a, at) ^ digit(to, at)) - (digit(b, at) ^ digit(to, at))
  }
  return 0
}

/** How many leading bits two keys share, 0 to 256. */
export function sharedBits(a: DhtKey, b: DhtKey): number {
  for (let at = 0; at < a.length; at += 1) {
    const difference = digit(a, at) ^ digit(b, at)
    if (difference !== 0) return 4 * at + Math.clz32(difference) - 28
  }
  return 4 * a.length
}

function digit(key: DhtKey, at: number): number {
  return Number.parseInt(key.charAt(at), 16)
}
