import { fullJitter } from '@holdfast/core'
import { type Reconnect, simulateHerd } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

const every =
  (ms: number): Reconnect =>
  () => ({ backoff: () => ms })

describe('a herd of clients whose server was away', () => {
  it('arrives within one second when nothing spreads it', () => {
    const herd = simulateHerd({ clients: 200, capacity: 50, reconnect: every(10_000) })
    expect(herd.peak).toBe(200)
  })

  it('is let in one after the other, at the pace of the capacity', () => {
    const herd = simulateHerd({ clients: 100, capacity: 20, downFor: 60_000, reconnect: every(10_000) })
    // Five refusals of 50 ms each: the sixth dial of everybody arrives 300 ms after the return.
    expect(herd).toEqual({ peak: 100, backAfter: 300 + 99 * 50, dialsEach: 6 })
  })

  it('comes again when its connections are not established in time', () => {
    const reconnect = () => ({ backoff: () => 10_000, dialWithin: 1000 })
    const herd = simulateHerd({ clients: 100, capacity: 20, reconnect })
    // 20 are let in at each arrival; those that have given up cost the server nothing.
    expect(herd.backAfter).toBeGreaterThan(4 * 11_000)
    expect(herd.dialsEach).toBeGreaterThan(8)
  })

  it('I8: is back within the cap, well spread, with the backoff of a lifecycle', () => {
    const cap = 10_000
    const capacity = 1000 / 5
    const reconnect = () => ({ backoff: fullJitter({ cap }) })
    const herd = simulateHerd({ clients: 1000, capacity, reconnect })
    expect(herd.backAfter).toBeLessThanOrEqual(cap + 2000)
    expect(herd.peak).toBeLessThanOrEqual(1.3 * capacity)
  })

  it('I6: meets the server no faster than its admission gate allows when it lives in one process', () => {
    const apart = simulateHerd({ clients: 2000, capacity: 10_000, reconnect: every(5000) })
    const together = simulateHerd({
      clients: 2000,
      capacity: 10_000,
      reconnect: every(5000),
      oneProcess: true,
    })
    expect(apart.peak).toBe(2000)
    expect(together.peak).toBeLessThanOrEqual(550)
    expect(together.backAfter).toBeLessThan(10_000)
  })

  it('is reported as never back when its clients have given up', () => {
    const reconnect = () => ({ backoff: () => 'give-up' as const })
    expect(simulateHerd({ clients: 3, capacity: 1, reconnect }).backAfter).toBe(Infinity)
  })

  it('does the same again with the same seed, and something else with another', () => {
    const [one, again, other] = [7, 7, 8].map((seed) => simulateHerd({ clients: 50, capacity: 10, seed }))
    expect(again).toEqual(one)
    expect(other).not.toEqual(one)
  })
})
