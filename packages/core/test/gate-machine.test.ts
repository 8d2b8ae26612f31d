import { gateStep } from '@holdfast/core'
import { describeCounterExample, explore } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { gateExploration } from './gate-world.js'
import { gateMutants } from './mutants/gate.js'

describe('the gate machine, explored', () => {
  it('I11, I12: hold in every schedule of three tickets and any number of drains', () => {
    const result = explore(gateExploration(gateStep))
    console.log(`gate: ${result.states} states, ${result.steps} steps`)
    if (result.counterExample) console.log(describeCounterExample(result.counterExample))
    expect(result).toMatchObject({ counterExample: null, complete: true })
  })

  it.each(Object.entries(gateMutants))('a machine that %s is found out', (_name, step) => {
    const { counterExample } = explore(gateExploration(step))
    if (counterExample === null) throw new Error('nothing was found')
    console.log(describeCounterExample(counterExample))
    expect(counterExample.events.length).toBeLessThanOrEqual(8)
  })
})
