import {
  type LifecycleEffect,
  type LifecycleInput,
  type LifecycleMachine,
  lifecycleStep,
} from '@holdfast/core'
import type { LifecycleStep } from '../lifecycle-world.js'

/** The lifecycle machine with one rule broken in each. */
export const lifecycleMutants: Readonly<Record<string, LifecycleStep>> = {
  'listens to earlier generations': (m, event, rules) =>
    lifecycleStep(m, 'generation' in event ? { ...event, generation: m.generation } : event, rules),

  'leaves the dial behind when it is closed': (m, event, rules) =>
    event.kind === 'close' ? without('destroy', m, event, rules) : lifecycleStep(m, event, rules),

  'leaves the dial behind when it adopts': (m, event, rules) =>
    event.kind === 'adopt' ? without('destroy', m, event, rules) : lifecycleStep(m, event, rules),

  'takes any timer of the generation for the one that is due': (m, event, rules) =>
    lifecycleStep(
      m,
      event.kind === 'timer' && m.timerAt !== null ? { ...event, at: Math.max(event.at, m.timerAt) } : event,
      rules,
    ),

  'forgets to leave the admission gate when the link opens': (m, event, rules) =>
    event.kind === 'opened' ? without('leave', m, event, rules) : lifecycleStep(m, event, rules),

  'forgets to withdraw from the admission gate when it is closed': (m, event, rules) =>
    event.kind === 'close' ? without('leave', m, event, rules) : lifecycleStep(m, event, rules),

  'counts attempts from 0 as soon as it is ready': (m, event, rules) => {
    const next = lifecycleStep(m, event, rules)
    const isReady = event.kind === 'ready' && next.state !== m
    return isReady ? { ...next, state: { ...next.state, attempt: 0 } } : next
  },

  'honours now from a link that was not stable': (m, event, rules) =>
    lifecycleStep(isLoss(m, event) ? { ...m, stable: true } : m, event, rules),

  'waits without a timer': (m, event, rules) => {
    const next = lifecycleStep(m, event, rules)
    if (next.state.told.phase !== 'waiting') return next
    return { ...next, effects: next.effects.filter((effect) => effect.kind !== 'arm') }
  },

  'lets a nudge undercut a given delay': (m, event, rules) =>
    lifecycleStep(
      event.kind === 'nudge' && m.told.phase === 'waiting' ? { ...m, notBefore: 0 } : m,
      event,
      rules,
    ),

  'keeps the later of two drain deadlines': (m, event, rules) => {
    const next = lifecycleStep(m, event, rules)
    const { told } = next.state
    if (m.told.phase !== 'draining' || told.phase !== 'draining') return next
    return without('arm', m, event, rules)
  },
}

function isLoss(m: LifecycleMachine, event: LifecycleInput): boolean {
  return event.kind === 'ended' && event.generation === m.generation && m.told.phase === 'ready'
}

function without(
  kind: LifecycleEffect['kind'],
  ...call: Parameters<LifecycleStep>
): ReturnType<LifecycleStep> {
  const next = lifecycleStep(...call)
  return { ...next, effects: next.effects.filter((effect) => effect.kind !== kind) }
}
