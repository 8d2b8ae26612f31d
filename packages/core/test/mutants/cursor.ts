import { cursorStep } from '@holdfast/core'
import type { CursorWorldOptions, NumberCursorStep } from '../cursor-world.js'

/** The cursor machine with one rule broken in each, and the world in which that shows. */
export const cursorMutants: Readonly<Record<string, { step: NumberCursorStep; world: CursorWorldOptions }>> =
  {
    'I18: keeps what is queued when its link ends': {
      world: {},
      step: (state, event, rules) => {
        const next = cursorStep(state, event, rules)
        return event.kind === 'link-ended' ? { ...next, state: { ...next.state, queue: state.queue } } : next
      },
    },

    'I19: keeps what is open when its link ends, and seals it': {
      world: {},
      step: (state, event, rules) => {
        if (event.kind !== 'link-ended') return cursorStep(state, event, rules)
        return state.open.reduce<ReturnType<NumberCursorStep>>(
          (step, { batch }) => {
            const sealed = { kind: 'sealed', batch, to: null, bytes: 1, count: 1, at: 0 } as const
            const next = cursorStep(step.state, sealed, rules)
            return { state: next.state, effects: [...step.effects, ...next.effects] }
          },
          { state, effects: [] },
        )
      },
    },

    'I17: moves on although apply failed': {
      world: { failures: 1 },
      step: (state, event, rules) =>
        cursorStep(state, event.kind === 'apply-failed' ? { kind: 'applied', at: 0 } : event, rules),
    },

    'I18: applies the next batch before the one before has settled': {
      world: {},
      step: (state, event, rules) => {
        const next = cursorStep(state, event, rules)
        const waiting = event.kind === 'sealed' ? next.state.queue.front?.item : undefined
        if (waiting === undefined) return next
        return { ...next, effects: [...next.effects, { kind: 'apply', batch: waiting.batch, to: null }] }
      },
    },

    'I20: an advance overtakes what was sealed before it': {
      world: {},
      step: (state, event, rules) => {
        const next = cursorStep(state, event, rules)
        if (event.kind !== 'advanced' || next.state === state) return next
        return { ...next, state: { ...next.state, applied: { at: event.to } } }
      },
    },

    'I21: does not wait for the batch that is being applied': {
      world: { resets: 1 },
      step: (state, event, rules) => {
        const next = cursorStep(state, event, rules)
        if (event.kind !== 'reset' || state.applying === null) return next
        return { ...next, effects: [...next.effects, { kind: 'resync', why: event.why, peer: event.peer }] }
      },
    },

    'I21: applies during a resync': {
      world: { resets: 1 },
      step: (state, event, rules) => {
        if (event.kind !== 'sealed' || state.phase !== 'resyncing') return cursorStep(state, event, rules)
        return cursorStep({ ...state, phase: 'unknown', verdict: null }, event, rules)
      },
    },

    'forgets a floor when its batch is sealed, not when it is applied': {
      world: { floors: true },
      step: (state, event, rules) => {
        const next = cursorStep(state, event, rules)
        if (event.kind !== 'sealed') return next
        return {
          ...next,
          state: { ...next.state, floors: state.floors.filter((f) => f.batch !== event.batch) },
        }
      },
    },

    'has no floors': {
      world: { floors: true },
      step: (state, event, rules) => {
        if (event.kind !== 'opened') return cursorStep(state, event, rules)
        return cursorStep(state, { kind: 'opened', batch: event.batch, link: event.link }, rules)
      },
    },

    'I17: saves what was received, not what was applied': {
      world: { rules: { savedBy: 'save' } },
      step: (state, event, rules) => {
        const { state: after, effects } = cursorStep(state, event, rules)
        return {
          state: after,
          effects: effects.map((effect) =>
            effect.kind === 'save' ? { kind: 'save', to: after.received } : effect,
          ),
        }
      },
    },
  }
