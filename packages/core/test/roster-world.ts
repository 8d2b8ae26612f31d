import { fc } from '@fast-check/vitest'
import {
  emptyRoster,
  type Member,
  type RosterChange,
  type RosterEvent,
  type RosterMachine,
  type RosterRules,
  type RosterTime,
} from '@holdfast/core'
import type { Exploration } from '@holdfast/core/testing'
import type { StringRosterStep } from './mutants/roster.js'

const freezeAfter = 1
const keepFor = 1

/** What somebody believes of a member who hears of the changes only. */
interface Belief {
  readonly where: 'live' | 'frozen'
  readonly value: string
  /** When it was last active, by both clocks. */
  readonly active: RosterTime
  /** Since when it is frozen. */
  readonly since: number
}

/** A roster, the two clocks, and an observer. */
export interface RosterWorld {
  readonly roster: RosterMachine<string, string>
  readonly now: RosterTime
  readonly max: number
  readonly beliefs: ReadonlyMap<string, Belief>
  /** The first thing the observer could not explain. */
  readonly wrong: string | null
}

export type RosterDeed =
  | { readonly kind: 'join' | 'touch' | 'freeze' | 'thaw' | 'forget' | 'update'; readonly key: string }
  | { readonly kind: 'sweep' | 'restored' }
  /** A while goes by, awake or asleep. */
  | { readonly kind: 'pass' | 'sleep'; readonly ms: number }
  | { readonly kind: 'limit'; readonly max: number }

export const rosterBefore: RosterWorld = {
  roster: emptyRoster(),
  now: { beat: 0, stamp: 0 },
  max: 2,
  beliefs: new Map(),
  wrong: null,
}

const keys = ['a', 'b']

const deeds: readonly RosterDeed[] = [
  ...keys.flatMap((key): RosterDeed[] => [
    { kind: 'join', key },
    { kind: 'touch', key },
    { kind: 'freeze', key },
    { kind: 'thaw', key },
    { kind: 'forget', key },
  ]),
  { kind: 'update', key: 'a' },
  { kind: 'sweep' },
  { kind: 'restored' },
  { kind: 'pass', ms: 1 },
  { kind: 'sleep', ms: 1 },
  { kind: 'limit', max: 0 },
  { kind: 'limit', max: 1 },
]

const anyKey = fc.constantFrom('a', 'b', 'c', 'd', 'e')

/** A deed of a larger world than the explored one. */
export const anyDeed: fc.Arbitrary<RosterDeed> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('join', 'touch', 'freeze', 'thaw', 'forget', 'update'),
    key: anyKey,
  }),
  fc.record({ kind: fc.constantFrom('sweep', 'restored') }),
  fc.record({ kind: fc.constantFrom('pass', 'sleep'), ms: fc.constantFrom(1, 2, 86_400_000) }),
  fc.record({ kind: fc.constant('limit'), max: fc.nat(5) }),
)

/** Every list of deeds for two members, as a graph. */
export function explorationOf(step: StringRosterStep): Exploration<RosterWorld, RosterDeed> {
  return {
    initial: rosterBefore,
    events: () => deeds,
    step: (world, deed) => perform(world, deed, step),
    check: (world, deed) => world.wrong ?? complaint(world, deed),
    key: keyOf,
  }
}

/** Does one deed and lets the observer hear of the changes. */
export function perform(world: RosterWorld, deed: RosterDeed, step: StringRosterStep): RosterWorld {
  switch (deed.kind) {
    case 'pass':
      return { ...world, now: { beat: world.now.beat + deed.ms, stamp: world.now.stamp + deed.ms } }
    case 'sleep':
      return { ...world, now: { beat: world.now.beat, stamp: world.now.stamp + deed.ms } }
    case 'limit':
      return { ...world, max: deed.max }
    case 'join':
    case 'touch':
    case 'freeze':
    case 'thaw':
    case 'forget':
    case 'update':
    case 'sweep':
    case 'restored':
      return observe(world, deed, step)
  }
}

function observe(
  world: RosterWorld,
  deed: Exclude<RosterDeed, { kind: 'pass' | 'sleep' | 'limit' }>,
  step: StringRosterStep,
): RosterWorld {
  const rules: RosterRules<string> = { freezeAfter, keep: { for: keepFor, max: world.max } }
  const next = step(world.roster, eventOf(deed, world.now), rules)
  const beliefs = new Map(world.beliefs)
  const { now } = world
  let wrong = next.state === world.roster && next.effects.length > 0 ? 'changes without a change' : null
  if (deed.kind === 'update') {
    const known = beliefs.get(deed.key)
    if (known) beliefs.set(deed.key, { ...known, value: 'updated' })
  }
  if (deed.kind === 'restored') {
    for (const [key, { value, lastActive, frozen }] of saved(now))
      if (!beliefs.has(key)) {
        const active = { beat: now.beat, stamp: lastActive }
        beliefs.set(key, { where: 'frozen', value, active, since: frozen?.since ?? lastActive })
      }
  }
  for (const change of next.effects) wrong ??= hear(beliefs, change, now)
  if ((deed.kind === 'join' || deed.kind === 'touch') && beliefs.get(deed.key)?.where === 'live') {
    const known = beliefs.get(deed.key)
    if (known) beliefs.set(deed.key, { ...known, active: now })
  }
  return { ...world, roster: next.state, beliefs, wrong }
}

function saved(now: RosterTime): readonly (readonly [string, Member<string>])[] {
  return [
    ['a', { value: 'joined', lastActive: now.stamp - 1 }],
    [
      'b',
      { value: 'joined', lastActive: now.stamp - 2, frozen: { since: now.stamp - keepFor - 1, why: 'gone' } },
    ],
  ]
}

function eventOf(
  deed: Exclude<RosterDeed, { kind: 'pass' | 'sleep' | 'limit' }>,
  at: RosterTime,
): RosterEvent<string, string> {
  switch (deed.kind) {
    case 'join':
      return { kind: 'join', key: deed.key, value: 'joined', at }
    case 'touch':
    case 'thaw':
      return { kind: deed.kind, key: deed.key, at }
    case 'freeze':
      return { kind: 'freeze', key: deed.key, why: 'left', at }
    case 'forget':
      return { kind: 'forget', key: deed.key }
    case 'update':
      return { kind: 'update', key: deed.key, value: 'updated' }
    case 'sweep':
      return { kind: 'sweep', at }
    case 'restored':
      return { kind: 'restored', members: saved(at), at }
  }
}

/** Follows one change, or says why it cannot be. */
function hear(
  beliefs: Map<string, Belief>,
  change: RosterChange<string, string>,
  now: RosterTime,
): string | null {
  const known = beliefs.get(change.key)
  switch (change.kind) {
    case 'joined':
      if (known) return `I23: ${change.key} joined while ${known.where}`
      beliefs.set(change.key, { where: 'live', value: change.value, active: now, since: 0 })
      return null
    case 'frozen':
      if (known?.where !== 'live') return `I22: ${change.key} froze without being live`
      if (change.why === 'silent' && now.beat - known.active.beat < freezeAfter)
        return `I24: ${change.key} froze before it was silent for long enough`
      beliefs.set(change.key, { ...known, where: 'frozen', since: now.stamp })
      return null
    case 'thawed':
      if (known?.where !== 'frozen') return `I23: ${change.key} thawed without being frozen`
      if (now.stamp - known.since > keepFor) return `I24: ${change.key} thawed after its time`
      if (change.value !== known.value) return `I23: ${change.key} thawed with another value`
      if (change.frozenFor !== now.stamp - known.since)
        return `I24: ${change.key} was frozen for another time`
      beliefs.set(change.key, { ...known, where: 'live', active: now })
      return null
    case 'forgotten':
      if (!known) return `I22: ${change.key} was forgotten without being known`
      if (change.why === 'expired' && now.stamp - known.since <= keepFor)
        return `I24: ${change.key} was forgotten before its time`
      if (change.why === 'evicted' && isYounger(beliefs, change.key, known))
        return `I22: ${change.key} was evicted before a member less active`
      beliefs.delete(change.key)
      return null
  }
}

function isYounger(beliefs: ReadonlyMap<string, Belief>, key: string, evicted: Belief): boolean {
  return [...beliefs].some(
    ([other, { where, active }]) =>
      other !== key && where === 'frozen' && active.stamp < evicted.active.stamp,
  )
}

/** What is wrong with the roster as it is now, if anything is. */
function complaint({ roster, now, max, beliefs }: RosterWorld, deed: RosterDeed): string | null {
  const { live, frozen } = roster
  if (live.size + frozen.size !== beliefs.size) return 'I22: the changes told do not add up to the roster'
  for (const [key, belief] of beliefs) {
    const member = (belief.where === 'live' ? live : frozen).get(key)
    if (member === undefined) return `I22: ${key} is not ${belief.where}`
    if (member.value !== belief.value) return `I23: the value of ${key} has changed`
    if (member.lastActive !== belief.active.stamp) return `I24: the activity of ${key} is of another time`
  }
  if (deed.kind !== 'limit' && deed.kind !== 'pass' && deed.kind !== 'sleep' && frozen.size > max)
    return `I22: ${frozen.size} are frozen where ${max} are kept`
  if (deed.kind !== 'sweep') return null
  for (const [key, { where, active, since }] of beliefs) {
    if (where === 'live' && now.beat - active.beat >= freezeAfter)
      return `I24: ${key} outlived a sweep, silent`
    if (where === 'frozen' && now.stamp - since > keepFor) return `I22: ${key} outlived a sweep, expired`
  }
  return null
}

/** Worlds that differ only in what the clocks say, or in ages beyond every limit, are the same. */
function keyOf({ roster, now, max, beliefs }: RosterWorld): string {
  const age = (stamp: number, current: number): number => Math.min(current - stamp, keepFor + 1)
  const live = [...roster.live].map(([key, m]) => [
    key,
    m.value,
    age(m.lastActive, now.stamp),
    age(m.beat, now.beat),
  ])
  const frozen = [...roster.frozen].map(([key, m]) => [
    key,
    m.value,
    age(m.lastActive, now.stamp),
    age(m.frozen.since, now.stamp),
  ])
  return JSON.stringify([live, frozen, max, [...beliefs.keys()]])
}
