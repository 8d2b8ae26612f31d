import { test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { anyPlainSchedule, anySchedule, PoolRig, type Schedule } from './pool-rig.js'

const runs = { numRuns: 250 }

function performed({ deeds, resends }: Schedule): Promise<PoolRig> {
  return new PoolRig(resends).run({ deeds }).finish()
}

describe('a pool to which anything is done in any order', () => {
  test.prop([anySchedule], runs)('I13: places no session on a link that is going, or gone', async (s) => {
    expect((await performed(s)).broken('I13')).toEqual([])
  })

  test.prop([anySchedule], runs)(
    'I14: leaves nobody on a link that is gone, and releases each session once, last',
    async (s) => {
      expect((await performed(s)).broken('I14')).toEqual([])
    },
  )

  test.prop([anyPlainSchedule], runs)(
    'I14: reports of each link whom it has lost: moved, parked or cut, once',
    async (s) => {
      const rig = await performed(s)
      expect(rig.broken('I14')).toEqual([])
      expect(rig.miscounted).toBe(0)
    },
  )

  test.prop([anySchedule], runs)(
    'I15: moves nobody in the middle of a send, and cuts nobody for it who is not',
    async (s) => {
      expect((await performed(s)).broken('I15')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)(
    'I16: has each session on one link at a time, and its bytes on no other',
    async (s) => {
      expect((await performed(s)).broken('I16')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)('I9: tells every subscriber the same sequence of states', async (s) => {
    const rig = await performed(s)
    expect(rig.broken('I9')).toEqual([])
    expect(rig.told[1]).toEqual(rig.told[0])
    expect(rig.completed).toBe(2)
  })

  test.prop([anySchedule], runs)('I10: harms no session by what the hook of another throws', async (s) => {
    expect((await performed(s)).broken('I10')).toEqual([])
  })

  test.prop([anySchedule], runs)('I4, I11: drains by the deadline, and leaves nothing behind', async (s) => {
    const rig = await performed(s)
    expect([...rig.broken('I4'), ...rig.broken('I11')]).toEqual([])
  })

  test.prop([anySchedule], runs)('and breaks no rule at all', async (s) => {
    expect((await performed(s)).violations).toEqual([])
  })
})
