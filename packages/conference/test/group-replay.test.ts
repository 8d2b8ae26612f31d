import { describe, expect, it } from 'vitest'
import { differences } from './support/deliberate.js'
import { replay } from './support/replay.js'
import { vectors } from './support/vectors.js'

const scenarios = [
  'basic',
  'blip',
  'dup-filter',
  'freeze-rejoin',
  'group-numbers',
  'injected',
  'leave-during-split',
  'lossy',
  'member-invite',
  'quit-and-reload',
  'short-drop',
  'title-setter-quirk',
]
const recorded = scenarios.flatMap((name) => {
  const scenario = vectors(name)
  const real = scenario.peers.filter(({ raw, name: peer }) => raw !== true && scenario.perPeer[peer])
  return real.map((peer) => ({ name, scenario, peer: peer.name }))
})

describe('on the inputs of a real peer', () => {
  it.each(recorded)(
    '$name: does what $peer did, but for the deliberate differences',
    ({ name, scenario, peer }) => {
      const { expected, actual } = replay(scenario, peer)
      const ours = expected.map((theirs) => {
        const difference = differences.find(
          (one) =>
            one.scenario === name && one.peer === peer && one.at === theirs.at && theirs.cause === 'iterate',
        )
        return difference ? difference.ours(theirs) : theirs
      })
      expect(expected.length).toBeGreaterThan(4)
      expect(actual).toEqual(ours)
    },
  )

  it.each(differences)('$rule: $what ($scenario, $peer at $at ms)', ({ scenario, peer, at, ours }) => {
    const { expected, actual } = replay(vectors(scenario), peer)
    const index = expected.findIndex((turnout) => turnout.at === at && turnout.cause === 'iterate')
    const theirs = expected[index]
    expect(theirs).toBeDefined()
    expect(actual[index]).not.toEqual(theirs)
    expect(actual[index]).toEqual(theirs && ours(theirs))
  })
})
