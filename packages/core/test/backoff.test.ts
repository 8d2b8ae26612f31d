import { fc, test } from '@fast-check/vitest'
import { type BackoffContext, end, fullJitter, type Millis } from '@holdfast/core'
import { seededRandom } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

function drawn(
  attempt: number,
  random: () => number,
  more: Partial<BackoffContext> = {},
): Millis | 'give-up' {
  const reached = { phase: 'dialing', lasted: 0, sinceReady: null } as const
  return fullJitter({ floor: 100, base: 1000, cap: 30_000 })({
    attempt,
    previous: 0,
    why: end('dial-failed'),
    reached,
    random,
    ...more,
  })
}

describe('full jitter', () => {
  test.prop([fc.nat(2000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })])(
    'I8: a delay is between floor and cap, whatever the attempt and the chance',
    (attempt, chance) => {
      const delay = drawn(attempt, () => chance)
      expect(delay).toBeGreaterThanOrEqual(100)
      expect(delay).toBeLessThanOrEqual(30_000)
    },
  )

  it.each([0, 3, 9])('I8: delays of attempt %i are spread evenly over their whole range', (attempt) => {
    const random = seededRandom(attempt + 1)
    const top = Math.min(1000 * 2 ** attempt, 30_000)
    const tenths = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 10_000; draw += 1) {
      const delay = drawn(attempt, random) as Millis
      const tenth = Math.floor((10 * (delay - 100)) / (top - 100))
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    // Four standard deviations of a fair draw.
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(120)
  })

  it('the top doubles with each attempt up to the cap, and the jitter is drawn after it', () => {
    const tops = [0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => drawn(attempt, () => 0.999_999_999))
    expect(tops.map((top) => Math.round(top as Millis))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ])
  })

  it('with advice now it is between the floor and twice the floor', () => {
    const why = end('closed-by-peer', { advice: { kind: 'now' } })
    expect([0, 0.5, 1].map((chance) => drawn(9, () => chance, { why }))).toEqual([100, 150, 200])
  })

  it.each([
    [{ floor: 0 }, 'backoff.floor'],
    [{ floor: Number.NaN }, 'backoff.floor'],
    [{ floor: 100, base: 99 }, 'backoff.base'],
    [{ base: Number.NaN }, 'backoff.base'],
    [{ base: 1000, cap: 999 }, 'backoff.cap'],
  ])('%o is refused by the name of its field', (options, field) => {
    expect(() => fullJitter(options)).toThrow(expect.objectContaining({ code: 'HF_BAD_OPTION', field }))
  })
})
