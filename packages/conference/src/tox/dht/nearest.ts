import type { DhtKey } from '../../wire/identity.js'

/**
 * Which of two keys is nearer to a third by XOR: negative if `a` is.
 *
 * @internal
 */
export function compareDistance(to: DhtKey, a: DhtKey, b: DhtKey): number {
  // Only the first digit in which they differ decides.
  for (let at = 0; at < to.length; at += 1) {
    const [digitOfA, digitOfB] = [digit(a, at), digit(b, at)]
    if (digitOfA !== digitOfB) return (digitOfA ^ digit(to, at)) - (digitOfB ^ digit(to, at))
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

/** Adds one to those that are nearest to a key, which are in order, as long as it belongs to them. */
export function keepNearest<T extends { readonly dhtKey: DhtKey }>(
  to: DhtKey,
  nearest: T[],
  one: T,
  count: number,
): void {
  let at = nearest.length
  while (at > 0 && isNearer(to, one, nearest[at - 1])) at -= 1
  if (at === count) return
  nearest.splice(at, 0, one)
  if (nearest.length > count) nearest.pop()
}

function isNearer(
  to: DhtKey,
  one: { readonly dhtKey: DhtKey },
  other: { readonly dhtKey: DhtKey } | undefined,
): boolean {
  return other !== undefined && compareDistance(to, one.dhtKey, other.dhtKey) < 0
}

/** Of lower-case hexadecimal; whoever asks us for nodes has this done thousands of times. */
function digit(key: DhtKey, at: number): number {
  const code = key.charCodeAt(at)
  return code < 58 ? code - 48 : code - 87
}
