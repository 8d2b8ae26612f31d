/**
 * Chance that repeats: the same seed gives the same numbers, uniform in [0, 1) (the generator is mulberry32).
 *
 * @example
 * ```ts
 * import { seededRandom } from '@holdfast/core/testing'
 *
 * seededRandom(7)() === seededRandom(7)() // => true
 * ```
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
