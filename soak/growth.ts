import type { Sample } from './world.js'

/** What is looked at for growth. */
export const measures = ['heap', 'handles', 'lag'] as const

/** One of {@link measures}. */
export type Measure = (typeof measures)[number]

/** What became of a measure between warm-up and end. */
export interface Growth {
  /** The median at the start, and what it has grown to by the robust slope. */
  readonly from: number
  readonly to: number
  readonly isGrowing: boolean
}

/**
 * Growth that faults and chance make, as seen in runs without a leak: so much, and such a share of the start. Heaps swing by 2 MB
 * between faults, handles by 20 as connections come and go, which the slope evens out; lag is mostly that of the other systems on
 * the same cores.
 */
const noise: Readonly<Record<Measure, { readonly flat: number; readonly share: number }>> = {
  heap: { flat: 4, share: 0.04 },
  handles: { flat: 10, share: 0.04 },
  lag: { flat: 150, share: 0.5 },
}

/** The first part is warm-up: code is compiled, buffers, caches and what is retained by count fill. */
const warmUp = 1 / 3

/** Fewer samples than these show chance alone. */
export const fewestSamples = 12

/** How long no work may be done, in seconds: longer than any fault and the delay before the next attempt. */
const longestStall = 45

/** The samples that count. */
export function afterWarmUp(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.floor(samples.length * warmUp))
}

/** Judges by the median of the slopes between all pairs (Theil and Sen), which a fault in the wrong moment does not move. */
export function growthOf(samples: readonly Sample[], measure: Measure): Growth {
  const slopes = samples.flatMap((one, index) =>
    samples.slice(index + 1).map((other) => (other[measure] - one[measure]) / (other.at - one.at)),
  )
  const slope = median(slopes)
  const [first, last] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0]
  const middle = median(samples.map((sample) => sample[measure]))
  const half = (slope * (last - first)) / 2
  const [from, to] = [middle - half, middle + half]
  const { flat, share } = noise[measure]
  return { from, to, isGrowing: to - from > flat + Math.max(0, from) * share }
}

/** How long no work was done at a stretch, in seconds, if that is longer than any fault takes; otherwise `null`. */
export function stallOf(samples: readonly Sample[]): number | null {
  let [worked, longest] = [samples[0]?.at ?? 0, 0]
  for (const { at, rate } of samples) {
    if (rate > 0) worked = at
    longest = Math.max(longest, at - worked)
  }
  return longest > longestStall ? longest : null
}

/** The one in the middle; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
