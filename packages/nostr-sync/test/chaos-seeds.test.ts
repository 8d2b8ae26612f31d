import { describe, expect, it } from 'vitest'
import { ChaosSimulation } from './support/chaos-simulation.js'

// Many more of them: test/soak/chaos-seeds.ts; on real sockets and disks: test/soak/chaos.ts.
describe('two nodes and a relay that are killed, cut off, stalled and limited, with clocks that are set', () => {
  it.each([8])('have equal stores in the end: seed %i', { timeout: 60_000 }, async (seed) => {
    await using simulation = new ChaosSimulation(seed)
    await simulation.begin()
    await simulation.disturb(20)
    const { promised, faults, flaws } = await simulation.conclude()
    expect(flaws, simulation.history.join('\n')).toEqual([])
    expect(promised).toBeGreaterThan(20)
    expect(faults).toBeGreaterThan(4)
  })
})
