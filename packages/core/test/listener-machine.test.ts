import { listenerStep } from '@holdfast/core'
import { describeCounterExample, explore } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { listenerExploration } from './listener-world.js'
import { listenerMutants } from './mutants/listener.js'

describe('the listener machine, explored', () => {
  it('I4, I11, I25: hold in every state that links from two addresses can reach', () => {
    const result = explore(listenerExploration(listenerStep))
    console.log(`listener: ${result.states} states, ${result.steps} steps`)
    if (result.counterExample) console.log(describeCounterExample(result.counterExample))
    expect(result).toMatchObject({ counterExample: null, complete: true })
  })

  it.each(Object.entries(listenerMutants))('a machine that %s is found out', (_name, step) => {
    const { counterExample } = explore(listenerExploration(step))
    if (counterExample === null) throw new Error('nothing was found')
    console.log(describeCounterExample(counterExample))
    expect(counterExample.events.length).toBeLessThanOrEqual(8)
  })
})
