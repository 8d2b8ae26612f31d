import { lifecycleStep } from '@holdfast/core'
import { describeCounterExample, explore } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { lifecycleExploration } from './lifecycle-world.js'
import { lifecycleMutants } from './mutants/lifecycle.js'

describe('the lifecycle machine, explored with late timers, late links and stale words', () => {
  it('I1, I2, I3, I4, I5, I6, I7, I8, I9, I11: hold in every state that it can reach', {
    timeout: 30_000,
  }, () => {
    const result = explore(lifecycleExploration(lifecycleStep))
    console.log(`lifecycle: ${result.states} states, ${result.steps} steps`)
    if (result.counterExample) console.log(describeCounterExample(result.counterExample))
    expect(result).toMatchObject({ counterExample: null, complete: true })
  })

  it.each(Object.entries(lifecycleMutants))('a machine that %s is found out', (_name, step) => {
    const { counterExample } = explore(lifecycleExploration(step))
    if (counterExample === null) throw new Error('nothing was found')
    console.log(describeCounterExample(counterExample))
    expect(counterExample.events.length).toBeLessThanOrEqual(8)
  })
})
