import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../packages/core/src/testing/seeded-random.js'
import { afterWarmUp, growthOf, measures, median, stallOf } from '../growth.js'
import type { Sample } from '../world.js'

interface Run {
  readonly minutes?: number
  /** What is kept for ever, in MB and in handles, a minute. */
  readonly leak?: { readonly heap?: number; readonly handles?: number; readonly lag?: number }
  readonly seed?: number
}

/** Samples as a system gives them under faults: it swings, it warms up, and once in a while the loop stands still. */
function samplesOf({ minutes = 6, leak = {}, seed = 1 }: Run): Sample[] {
  const random = seededRandom(seed)
  const swing = (by: number): number => (random() - 0.5) * 2 * by
  return Array.from({ length: minutes * 12 }, (_, index) => {
    const at = (index + 1) * 5
    const { heap = 0, handles = 0, lag = 0 } = leak
    return {
      at,
      heap: 58 - 12 * Math.exp(-at / 40) + swing(1.5) + (heap * at) / 60,
      handles: Math.round(66 + swing(11) + (handles * at) / 60),
      lag: random() < 0.05 ? 900 : 100 + swing(60) + (lag * at) / 60,
      rate: 30 + swing(25),
    }
  })
}

const growing = (run: Run): string[] => {
  const counting = afterWarmUp(samplesOf(run))
  return measures.filter((measure) => growthOf(counting, measure).isGrowing)
}

const seeds = Array.from({ length: 5 }, (_, seed) => seed + 1)

describe('growth in a soak', () => {
  it('is not seen where faults and warm-up make things swing', () => {
    for (const seed of seeds) {
      expect(growing({ seed })).toEqual([])
      expect(growing({ seed, minutes: 20 })).toEqual([])
    }
  })

  it('is seen where something is kept for ever: 2 MB a minute in a short run, 0.6 in one of 20', () => {
    for (const seed of seeds) {
      expect(growing({ seed, leak: { heap: 2 } })).toEqual(['heap'])
      expect(growing({ seed, minutes: 20, leak: { heap: 0.6 } })).toEqual(['heap'])
    }
  })

  it('is seen where a timer or socket is left with every tenth fault, or the loop is busier and busier', () => {
    for (const seed of seeds) {
      expect(growing({ seed, minutes: 20, leak: { handles: 2 } })).toEqual(['handles'])
      expect(growing({ seed, minutes: 20, leak: { lag: 25 } })).toEqual(['lag'])
    }
  })

  it('is told as what it was after the warm-up and what it came to', () => {
    const straight = Array.from({ length: 31 }, (_, index) => index * 10)
    const samples = straight.map((at): Sample => ({ at, heap: at / 10, handles: 7, lag: 20, rate: 1 }))
    expect(growthOf(afterWarmUp(samples), 'heap')).toEqual({ from: 10, to: 30, isGrowing: true })
    expect(growthOf(samples, 'handles')).toEqual({ from: 7, to: 7, isGrowing: false })
    expect(growthOf([], 'heap')).toEqual({ from: 0, to: 0, isGrowing: false })
    expect(afterWarmUp(samples)[0]?.at).toBe(100)
  })
})

describe('work in a soak', () => {
  const working = (rates: readonly number[]): Sample[] =>
    rates.map((rate, index) => ({ at: (index + 1) * 5, heap: 50, handles: 50, lag: 10, rate }))

  it('may pause for a fault', () => {
    expect(stallOf(working([20, 0, 0, 0, 0, 0, 20, 0, 0]))).toBeNull()
  })

  it('may not cease, at the end either', () => {
    const nothing = Array.from({ length: 12 }, () => 0)
    expect(stallOf(working([20, ...nothing, 20]))).toBe(60)
    expect(stallOf(working([20, ...nothing]))).toBe(60)
    expect(stallOf(working([...nothing, 20]))).toBe(55)
  })

  it('has a median', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([])).toBe(0)
  })
})
