import { describeCounterExample, explore } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

const upAndDown = {
  initial: 0,
  events: () => [1, -1, 3],
  step: (at: number, by: number) => Math.max(0, Math.min(20, at + by)),
}

describe('the explorer', () => {
  it('visits every state once, and says that it has', () => {
    expect(explore({ ...upAndDown, check: () => null })).toEqual({
      states: 21,
      steps: 63,
      complete: true,
      counterExample: null,
    })
  })

  it('finds a shortest list of events', () => {
    const { counterExample, complete } = explore({ ...upAndDown, check: (at) => (at === 7 ? 'seven' : null) })
    expect(counterExample?.events).toEqual([1, 3, 3])
    expect(complete).toBe(false)
    expect(counterExample && describeCounterExample(counterExample)).toBe(
      'seven, after 3 events:\n  1. 1\n  2. 3\n  3. 3',
    )
  })

  it('takes a step that throws for a violation', () => {
    const step = (at: number): number => {
      if (at > 0) throw new Error('broken')
      return 1
    }
    const { counterExample } = explore({ ...upAndDown, step, check: () => null })
    expect(counterExample).toEqual({ violated: 'the step threw Error: broken', events: [1, 1] })
  })

  it('says when a bound cut something off', () => {
    expect(explore({ ...upAndDown, maxDepth: 2, check: () => null })).toMatchObject({ complete: false })
  })

  it('takes states with the same key for one', () => {
    expect(explore({ ...upAndDown, key: (at) => `${at % 2}`, check: () => null })).toMatchObject({
      states: 2,
    })
  })
})
