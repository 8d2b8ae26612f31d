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

/** Growth that faults and chance make: so much, and a tenth. */
const noise: Readonly<Record<Measure, number>> = { heap: 8, handles: 24, lag: 250 }

/** The first part is warm-up: code is compiled, buffers and caches fill. */
const warmUp = 1 / 3

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
  return { from, to, isGrowing: to - from > noise[measure] + Math.max(0, from) / 10 }
}

/** The one in the middle; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
