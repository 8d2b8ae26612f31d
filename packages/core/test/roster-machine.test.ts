import { fc, test } from '@fast-check/vitest'
import {
  emptyRoster,
  type Member,
  type RosterChange,
  type RosterEvent,
  type RosterMachine,
  type RosterRules,
  type RosterTime,
  rosterStep,
} from '@holdfast/core'
import { describeCounterExample, explore, VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { rosterMutants } from './mutants/roster.js'
import { anyDeed, explorationOf, perform, rosterBefore } from './roster-world.js'

type Machine = RosterMachine<string, string>

/** A roster that remembers nothing but its state. */
class Probe {
  state: Machine = emptyRoster()
  rules: RosterRules<string>

  constructor(rules: RosterRules<string> = {}) {
    this.rules = rules
  }

  send(event: RosterEvent<string, string>): readonly RosterChange<string, string>[] {
    const { state, effects } = rosterStep(this.state, event, this.rules)
    this.state = state
    return effects
  }

  join(key: string, at: RosterTime): void {
    this.send({ kind: 'join', key, value: `value of ${key}`, at })
  }

  freeze(key: string, at: RosterTime): readonly RosterChange<string, string>[] {
    return this.send({ kind: 'freeze', key, why: 'left', at })
  }
}

/** A moment of a process that was never asleep. */
const at = (ms: number): RosterTime => ({ beat: ms, stamp: 1_000_000 + ms })

describe('the roster machine, explored', () => {
  it('I22, I23, I24: hold in every state that two members can reach', () => {
    const result = explore(explorationOf(rosterStep))
    console.log(`roster: ${result.states} states, ${result.steps} steps`)
    expect(result.counterExample).toBeNull()
  })

  it.each(Object.entries(rosterMutants))('a machine that %s is found out', (_name, step) => {
    const { counterExample } = explore(explorationOf(step))
    if (counterExample === null) throw new Error('nothing was found')
    console.log(describeCounterExample(counterExample))
    expect(counterExample.events.length).toBeLessThanOrEqual(8)
  })
})

describe('the roster machine, whatever happens to it', () => {
  const exploration = explorationOf(rosterStep)

  test.prop([fc.array(anyDeed, { maxLength: 60 })])(
    'I22, I23, I24: live and frozen are disjoint, values are kept, and each clock judges its own',
    (deeds) => {
      let world = rosterBefore
      for (const deed of deeds) {
        const before = world
        world = perform(world, deed, rosterStep)
        expect(exploration.check(world, deed, before)).toBeNull()
      }
    },
  )

  test.prop([fc.array(anyDeed, { maxLength: 40 })])('a state is never changed by a step from it', (deeds) => {
    const worlds = [rosterBefore]
    const texts = [JSON.stringify(rosterBefore.roster)]
    for (const deed of deeds) {
      const world = perform(worlds.at(-1)!, deed, rosterStep)
      worlds.push(world)
      texts.push(JSON.stringify(world.roster))
    }
    expect(worlds.map(({ roster }) => JSON.stringify(roster))).toEqual(texts)
  })
})

describe('a frozen member', () => {
  it('I22: is forgotten by a sweep when it has been frozen for longer than is kept, not for exactly as long', () => {
    const roster = new Probe({ keep: { for: 900_000 } })
    roster.join('ann', at(0))
    roster.freeze('ann', at(10))
    expect(roster.send({ kind: 'sweep', at: at(900_010) })).toEqual([])
    expect(roster.send({ kind: 'sweep', at: at(900_011) })).toEqual([
      { kind: 'forgotten', key: 'ann', value: 'value of ann', why: 'expired' },
    ])
  })

  it('I22: does not thaw after its time, even if nothing was swept', () => {
    const roster = new Probe({ keep: { for: 900_000 } })
    roster.join('ann', at(0))
    roster.freeze('ann', at(0))
    expect(roster.send({ kind: 'join', key: 'ann', value: 'new', at: at(900_001) })).toEqual([
      { kind: 'forgotten', key: 'ann', value: 'value of ann', why: 'expired' },
      { kind: 'joined', key: 'ann', value: 'new' },
    ])
  })

  it('I22: makes room for a later one, oldest activity first, in the step that exceeds the limit', () => {
    const roster = new Probe({ keep: { max: 1 } })
    roster.join('ann', at(0))
    roster.join('bob', at(1))
    roster.freeze('bob', at(2))
    expect(roster.freeze('ann', at(3))).toEqual([
      { kind: 'frozen', key: 'ann', value: 'value of ann', why: 'left' },
      { kind: 'forgotten', key: 'ann', value: 'value of ann', why: 'evicted' },
    ])
    expect([...roster.state.frozen.keys()]).toEqual(['bob'])
  })

  it('I22: is evicted in the order asked for, and the limit is read anew at each step', () => {
    const friends = new Set(['value of ann'])
    const isFriend = ({ value }: Member<string>): number => Number(friends.has(value))
    const evictFirst = (a: Member<string>, b: Member<string>): number => isFriend(a) - isFriend(b)
    const roster = new Probe({ keep: { max: 3 }, evictFirst })
    for (const [ms, key] of ['ann', 'bob', 'cid'].entries()) {
      roster.join(key, at(ms))
      roster.freeze(key, at(ms))
    }
    roster.rules = { keep: { max: 1 }, evictFirst }
    expect(roster.send({ kind: 'sweep', at: at(10) }).map(({ key }) => key)).toEqual(['bob', 'cid'])
    expect([...roster.state.frozen.keys()]).toEqual(['ann'])
  })

  it('I22: is not kept at all with a limit of 0', () => {
    const roster = new Probe({ keep: { max: 0 } })
    roster.join('ann', at(0))
    expect(roster.freeze('ann', at(1)).map(({ kind }) => kind)).toEqual(['frozen', 'forgotten'])
    expect(roster.state).toEqual(emptyRoster())
  })

  it('I23: comes back with the value it had, whoever brings it back', () => {
    for (const kind of ['join', 'touch', 'thaw'] as const) {
      const roster = new Probe()
      roster.join('ann', at(0))
      roster.freeze('ann', at(1))
      expect(roster.send({ kind, key: 'ann', value: 'other', at: at(5) })).toEqual([
        { kind: 'thawed', key: 'ann', value: 'value of ann', frozenFor: 4 },
      ])
      expect(roster.state.live.get('ann')).toEqual({
        value: 'value of ann',
        lastActive: at(5).stamp,
        beat: 5,
      })
      expect(roster.send({ kind: 'touch', key: 'ann', at: at(5) })).toEqual([])
    }
  })

  it('I23: can be given another value and stays frozen', () => {
    const roster = new Probe()
    roster.join('ann', at(0))
    roster.freeze('ann', at(1))
    expect(roster.send({ kind: 'update', key: 'ann', value: 'newer' })).toEqual([])
    expect(roster.state.frozen.get('ann')?.value).toBe('newer')
  })
})

describe('members restored from an earlier process', () => {
  it('I23: are frozen, since they were or else since their last activity', () => {
    const roster = new Probe({ keep: { for: 1000 } })
    const { stamp } = at(0)
    const members: (readonly [string, Member<string>])[] = [
      ['frozen', { value: 'f', lastActive: stamp - 900, frozen: { since: stamp - 800, why: 'left' } }],
      ['live', { value: 'l', lastActive: stamp - 700 }],
      ['ahead', { value: 'a', lastActive: stamp + 86_400_000 }],
      ['old', { value: 'o', lastActive: stamp - 1001 }],
    ]
    const changes = roster.send({ kind: 'restored', members, at: at(0) })
    expect(changes).toEqual([{ kind: 'forgotten', key: 'old', value: 'o', why: 'expired' }])
    expect(roster.state.live.size).toBe(0)
    expect([...roster.state.frozen].map(([key, { frozen }]) => [key, frozen])).toEqual([
      ['ahead', { since: stamp, why: 'restored' }],
      ['frozen', { since: stamp - 800, why: 'left' }],
      ['live', { since: stamp - 700, why: 'restored' }],
    ])
  })

  it('I23: do not replace who is known already', () => {
    const roster = new Probe()
    roster.join('ann', at(0))
    const before = roster.state
    roster.send({ kind: 'restored', members: [['ann', { value: 'saved', lastActive: 0 }]], at: at(1) })
    expect(roster.state).toBe(before)
  })
})

describe('time in a roster', () => {
  /** As the shell reads it: what the process began with, and what has passed since, asleep or not. */
  function timeOf(clock: VirtualClock): () => RosterTime {
    const [wall, mark] = [clock.wall(), clock.mark()]
    return () => ({ beat: clock.now(), stamp: wall + clock.since(mark) })
  }

  it('I24: asleep counts for retention and is no silence', () => {
    const clock = new VirtualClock()
    const time = timeOf(clock)
    const roster = new Probe({ freezeAfter: 60_000, keep: { for: 900_000 } })
    roster.join('ann', time())
    roster.join('bob', time())
    roster.freeze('bob', time())
    clock.sleep(3_600_000)
    expect(roster.send({ kind: 'sweep', at: time() })).toEqual([
      { kind: 'forgotten', key: 'bob', value: 'value of bob', why: 'expired' },
    ])
    clock.advance(59_999)
    expect(roster.send({ kind: 'sweep', at: time() })).toEqual([])
    clock.advance(1)
    expect(roster.send({ kind: 'sweep', at: time() })).toEqual([
      { kind: 'frozen', key: 'ann', value: 'value of ann', why: 'silent' },
    ])
  })

  it('I24: a wall clock set by a day in either direction changes nothing', () => {
    for (const day of [86_400_000, -86_400_000]) {
      const clock = new VirtualClock()
      const time = timeOf(clock)
      const roster = new Probe({ freezeAfter: 60_000, keep: { for: 900_000 } })
      roster.join('ann', time())
      roster.join('bob', time())
      roster.freeze('bob', time())
      clock.stepWall(day)
      expect(roster.send({ kind: 'sweep', at: time() })).toEqual([])
      clock.advance(1000)
      expect(roster.send({ kind: 'thaw', key: 'bob', at: time() })).toEqual([
        { kind: 'thawed', key: 'bob', value: 'value of bob', frozenFor: 1000 },
      ])
    }
  })

  it('I24: what arrives before a sweep, at the same moment, is activity', () => {
    const roster = new Probe({ freezeAfter: 60_000 })
    roster.join('ann', at(0))
    roster.send({ kind: 'touch', key: 'ann', at: at(60_000) })
    expect(roster.send({ kind: 'sweep', at: at(60_000) })).toEqual([])
  })
})

describe('an event that means nothing', () => {
  it('leaves the very same state', () => {
    const roster = new Probe({ freezeAfter: 60_000, keep: { for: 900_000, max: 3 } })
    roster.join('ann', at(0))
    roster.join('bob', at(0))
    roster.freeze('bob', at(0))
    const before = roster.state
    const idle: readonly RosterEvent<string, string>[] = [
      { kind: 'join', key: 'ann', value: 'other', at: at(0) },
      { kind: 'touch', key: 'cid', at: at(0) },
      { kind: 'thaw', key: 'ann', at: at(0) },
      { kind: 'freeze', key: 'bob', why: 'again', at: at(5) },
      { kind: 'freeze', key: 'cid', why: 'unknown', at: at(5) },
      { kind: 'forget', key: 'cid' },
      { kind: 'update', key: 'bob', value: 'value of bob' },
      { kind: 'sweep', at: at(59_999) },
    ]
    for (const event of idle) expect(roster.send(event)).toEqual([])
    expect(roster.state).toBe(before)
  })
})
