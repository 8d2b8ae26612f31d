import { simulateFlap } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

const seeds = Array.from({ length: 10 }, (_, seed) => seed)

describe('a client of a peer that does not stay', () => {
  it.each([0, 9000, 11_000])(
    'I7: connects at most 70 times in ten minutes when the peer closes after %i ms',
    (livesFor) => {
      for (const seed of seeds) expect(simulateFlap({ livesFor, seed })).toBeLessThanOrEqual(70)
    },
  )

  it('I7: connects at most 70 times in ten minutes when the peer closes at once and asks to come back now', () => {
    const reconnect = () => ({ advise: () => ({ kind: 'now' }) as const })
    for (const seed of seeds) expect(simulateFlap({ livesFor: 0, seed, reconnect })).toBeLessThanOrEqual(70)
  })

  it('I7: comes back soon to a peer that stayed for a minute', () => {
    expect(simulateFlap({ livesFor: 60_000 })).toBe(10)
  })

  it('I7: forgets its failures each time when stability is not asked for', () => {
    const forgetful = () => ({ stableAfter: 0.001 })
    expect(simulateFlap({ livesFor: 1, reconnect: forgetful })).toBeGreaterThan(500)
  })

  it('is watched for as long as is asked', () => {
    const reconnect = () => ({ backoff: () => 1000 })
    expect(simulateFlap({ livesFor: 0, watchFor: 10_000, reconnect })).toBe(10)
  })
})
