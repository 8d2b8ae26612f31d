import { describe, expect, it } from 'vitest'
import type { DemoAct } from '../../packages/core/src/service/index.js'
import { Rendezvous } from '../rendezvous.js'

const players = ['proxy', 'mirror', 'conference']

function troupe() {
  const told: string[] = []
  const together = new Rendezvous(players, (act) => told.push(act))
  const reach = (player: string, act: DemoAct): void =>
    void together.reach(player, act).then(() => told.push(`${player} plays ${act}`))
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return { told, together, reach, settled }
}

describe('a rendezvous of the players of the demonstration', () => {
  it('begins an act when nobody is in an earlier one any more', async () => {
    const { told, reach, settled } = troupe()
    reach('proxy', 'quiet')
    reach('mirror', 'quiet')
    await settled()
    expect(told).toEqual([])
    reach('conference', 'quiet')
    await settled()
    expect(told).toEqual(['quiet', ...players.map((player) => `${player} plays quiet`)])
  })

  it('lets players leave acts out: they are waited for in the next that they have', async () => {
    const { told, reach, settled } = troupe()
    for (const player of players) reach(player, 'quiet')
    await settled()
    told.length = 0
    reach('proxy', 'kill')
    reach('mirror', 'partition')
    reach('conference', 'sleep')
    await settled()
    expect(told).toEqual(['kill', 'proxy plays kill'])
    reach('proxy', 'goodbye')
    await settled()
    expect(told.slice(2)).toEqual(['partition', 'mirror plays partition'])
  })

  it('tells of an act once, whatever its players play in it', async () => {
    const { told, reach, settled } = troupe()
    for (const player of players) reach(player, 'quiet')
    await settled()
    for (const player of players) reach(player, 'quiet')
    await settled()
    expect(told.filter((each) => each === 'quiet')).toHaveLength(1)
    expect(told.filter((each) => each === 'proxy plays quiet')).toHaveLength(2)
  })

  it('waits no more for whoever has left', async () => {
    const { told, together, reach, settled } = troupe()
    reach('proxy', 'kill')
    reach('mirror', 'kill')
    await settled()
    expect(told).toEqual([])
    together.leave('conference')
    await settled()
    expect(told).toEqual(['kill', 'proxy plays kill', 'mirror plays kill'])
    together.leave('proxy')
    together.leave('mirror')
    await settled()
    expect(told).toHaveLength(3)
  })
})
