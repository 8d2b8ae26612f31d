import type { RosterChange, RosterEvent, RosterMachine, RosterRules, Step } from '@holdfast/core'
import { rosterStep } from '@holdfast/core'

export type StringRosterStep = (
  state: RosterMachine<string, string>,
  event: RosterEvent<string, string>,
  rules: RosterRules<string>,
) => Step<RosterMachine<string, string>, RosterChange<string, string>>

/** The roster machine with one rule broken in each. */
export const rosterMutants: Readonly<Record<string, StringRosterStep>> = {
  'leaves a thawed member among the frozen': (state, event, rules) => {
    const next = rosterStep(state, event, rules)
    let { frozen } = next.state
    for (const change of next.effects) {
      const was = change.kind === 'thawed' ? state.frozen.get(change.key) : undefined
      if (was) frozen = frozen.set(change.key, was)
    }
    return { state: { ...next.state, frozen }, effects: next.effects }
  },

  'keeps as many frozen as there are': (state, event, rules) =>
    rosterStep(state, event, { ...rules, keep: { for: rules.keep?.for ?? Infinity } }),

  'forgets who has been frozen for exactly as long as is kept': (state, event, rules) =>
    rosterStep(state, event, { ...rules, keep: { ...rules.keep, for: (rules.keep?.for ?? Infinity) - 1 } }),

  'counts time asleep as silence': (state, event, rules) =>
    rosterStep(
      state,
      'at' in event ? { ...event, at: { beat: event.at.stamp, stamp: event.at.stamp } } : event,
      rules,
    ),

  'stops retention while the host sleeps': (state, event, rules) =>
    rosterStep(
      state,
      'at' in event ? { ...event, at: { beat: event.at.beat, stamp: event.at.beat } } : event,
      rules,
    ),

  'thaws whom only a sweep would have forgotten': (state, event, rules) =>
    event.kind === 'sweep'
      ? rosterStep(state, event, rules)
      : rosterStep(state, event, { ...rules, keep: { max: rules.keep?.max ?? Infinity } }),

  'tells of a thaw twice': (state, event, rules) => {
    const next = rosterStep(state, event, rules)
    const thaws = next.effects.filter(({ kind }) => kind === 'thawed')
    return { state: next.state, effects: [...next.effects, ...thaws] }
  },

  'takes the newcomer’s value for who comes back': (state, event, rules) => {
    const next = rosterStep(state, event, rules)
    const back = event.kind === 'join' && state.frozen.has(event.key) ? event : null
    const member = back ? next.state.live.get(back.key) : undefined
    if (back === null || member === undefined) return next
    const live = next.state.live.set(back.key, { ...member, value: back.value })
    return { state: { ...next.state, live }, effects: next.effects }
  },

  'restores members as they were': (state, event, rules) => {
    const next = rosterStep(state, event, rules)
    if (event.kind !== 'restored') return next
    let { live, frozen } = next.state
    for (const [key, { value, lastActive, frozen: wasFrozen }] of event.members) {
      if (wasFrozen || state.live.has(key) || !frozen.has(key)) continue
      frozen = frozen.delete(key)
      live = live.set(key, { value, lastActive, beat: event.at.beat })
    }
    return { state: { live, frozen }, effects: next.effects }
  },

  'evicts who was active last': (state, event, rules) =>
    rosterStep(state, event, { ...rules, evictFirst: (a, b) => b.lastActive - a.lastActive }),
}
