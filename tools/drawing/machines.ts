import {
  type CursorEvent,
  cursorStep,
  type ForgottenWhy,
  feedReaderStep,
  gateStep,
  idleCursor,
  type LifecycleInput,
  type LifecycleMachine,
  lifecycleStep,
  listenerStep,
  type PoolEvent,
  type PoolMachine,
  poolStep,
  type RosterMachine,
  rosterStep,
} from '../../packages/core/src/index.js'
import { describeCounterExample, type Exploration, explore } from '../../packages/core/src/testing/index.js'
import { type CursorWorldOptions, cursorWorld } from '../../packages/core/test/cursor-world.js'
import { feedWorld } from '../../packages/core/test/feed-world.js'
import { gateExploration } from '../../packages/core/test/gate-world.js'
import { lifecycleExploration } from '../../packages/core/test/lifecycle-world.js'
import { listenerExploration } from '../../packages/core/test/listener-world.js'
import { explorationOf as poolExploration, smallRules } from '../../packages/core/test/pool-world.js'
import { explorationOf as rosterExploration } from '../../packages/core/test/roster-world.js'
import { Transitions } from './transitions.js'

/** Explores; a machine that breaks a rule, or throws, is not drawn. */
function visit<S, E>(exploration: Exploration<S, E>): void {
  const { counterExample } = explore(exploration)
  if (counterExample !== null) throw new Error(describeCounterExample(counterExample))
}

const phase = ({ phase: name }: { readonly phase: string }): string => name

function lifecycle(): string {
  const seen = new Transitions()
  const labelOf = (event: LifecycleInput, { told }: LifecycleMachine, after: LifecycleMachine): string => {
    if (after.told.phase === 'failed')
      return after.told.why.advice.kind === 'never' ? 'advice never' : 'gave up'
    if (event.kind === 'timer') return timers[told.phase] ?? event.kind
    return event.kind
  }
  const watched = seen.watch(lifecycleStep, ({ told }) => told.phase, labelOf)
  visit(
    lifecycleExploration((state, event, rules) => {
      const result = watched(state, event, rules)
      if (result.state.stable && !state.stable) seen.mark('ready', 'ready', 'stableAfter')
      return result
    }, 10),
  )
  return seen.toMermaid([
    'idle',
    'dialing',
    'handshaking',
    'ready',
    'draining',
    'waiting',
    'failed',
    'closed',
  ])
}

/** What the one timer of a phase is for. */
const timers: Readonly<Partial<Record<string, string>>> = {
  waiting: 'retryAt',
  dialing: 'dialWithin',
  handshaking: 'handshakeWithin',
  draining: 'deadline',
}

function gate(): string {
  const seen = new Transitions()
  visit(
    gateExploration(
      seen.watch(gateStep, phase, (event, before) =>
        event.kind === 'drain' && before.inFlight === event.excused
          ? 'drain (nothing in flight)'
          : event.kind,
      ),
    ),
  )
  return seen.toMermaid(['open', 'draining', 'closed'])
}

function listener(): string {
  const seen = new Transitions()
  visit(listenerExploration(seen.watch(listenerStep, phase)))
  return seen.toMermaid(['listening', 'full', 'draining', 'closed'])
}

const probes: readonly CursorEvent<number>[] = [
  { kind: 'resumed', link: null },
  { kind: 'advanced', to: 99, at: 0 },
  { kind: 'reset', why: 'asked', peer: null, link: null },
  { kind: 'closed' },
]

function cursor(): string {
  const seen = new Transitions()
  const watched = seen.watch(cursorStep<number>, phase)
  const step: typeof watched = (state, event, rules) => {
    // The world is an honest peer; this is what else may be said at any time.
    for (const probe of probes) watched(state, probe, rules)
    return watched(state, event, rules)
  }
  const worlds: readonly CursorWorldOptions[] = [
    { resets: 1, failures: 1 },
    { rules: { savedBy: 'save' }, resets: 1, failures: 1, links: 1 },
  ]
  for (const options of worlds) visit(cursorWorld({ ...options, step, maxDepth: 9 }))
  const rules = {
    compare: (a: number, b: number): number => a - b,
    backlog: { bytes: 1 },
    savedBy: 'save',
    saveEvery: 0,
  } as const
  for (const kind of ['loaded', 'closed'] as const)
    watched(idleCursor(rules), { kind, position: null }, rules)
  return seen.toMermaid(['unloaded', 'unknown', 'continuous', 'resyncing', 'resynced', 'stale', 'closed'])
}

function feedReader(): string {
  const seen = new Transitions()
  const watched = seen.watch(feedReaderStep, phase)
  const step: typeof watched = (state, event) => {
    for (const kind of ['closed', 'refused'] as const) watched(state, { kind })
    return watched(state, event)
  }
  visit(feedWorld({ step, rows: 5 }))
  return seen.toMermaid(['new', 'reading', 'paging', 'waiting', 'flushing', 'live', 'held', 'closed'])
}

/** Explores a pool, and shows each of its steps to `see`. */
function explorePool(see: (before: PoolMachine, after: PoolMachine, event: PoolEvent) => void): void {
  const watched: typeof poolStep = (state, event, rules) => {
    const result = poolStep(state, event, rules)
    see(state, result.state, event)
    return result
  }
  visit(poolExploration(watched, smallRules, { sessions: 2 }))
}

function binding(): string {
  const seen = new Transitions()
  explorePool((before, after, { kind }) => {
    for (const id of new Set([...before.bindings.keys(), ...after.bindings.keys()])) {
      const was = before.bindings.get(id)
      const is = after.bindings.get(id)
      const isMoved = was?.phase === 'bound' && is?.phase === 'bound' && was.slot !== is.slot
      if (isMoved) seen.mark('bound', 'bound', boundCauses[kind] ?? kind)
      const cause = was?.phase === 'parked' ? parkedCauses[kind] : boundCauses[kind]
      const gone = was === undefined ? 'new' : 'released'
      seen.note(was?.phase ?? 'new', is?.phase ?? gone, cause ?? kind)
    }
  })
  return seen.toMermaid(['new', 'bound', 'parked', 'released'])
}

type Causes = Readonly<Partial<Record<PoolEvent['kind'], string>>>

const boundCauses: Causes = {
  opening: 'link ended',
  waiting: 'link ended',
  draining: 'peer drains',
  ready: 'another link ready',
  tick: 'deadline',
}
const parkedCauses: Causes = {
  ready: 'link ready',
  waiting: 'no prospect',
  failed: 'no prospect',
  tick: 'park expired',
}

function slot(): string {
  const seen = new Transitions()
  explorePool((before, after, event) => {
    for (const id of new Set([...before.slots.keys(), ...after.slots.keys()])) {
      const was = before.slots.get(id)?.phase ?? 'absent'
      const is = after.slots.get(id)?.phase ?? 'gone'
      const isOwn = 'slot' in event && event.slot === id
      seen.note(was, is, slotCause(was, is, event.kind, isOwn))
    }
  })
  return seen.toMermaid(['absent', 'opening', 'ready', 'retiring', 'waiting', 'failed', 'gone'])
}

function slotCause(was: string, is: string, kind: PoolEvent['kind'], isOwn: boolean): string {
  if (was === 'absent') return 'too few'
  if (kind === 'close') return kind
  const hadLink = was === 'ready' || was === 'retiring'
  if (hadLink && isOwn && (kind === 'opening' || kind === 'waiting')) return 'link ended'
  if (is === 'gone') return kind === 'tick' ? 'deadline' : 'emptied'
  return kind === 'draining' ? 'peer drains' : kind
}

function member(): string {
  const seen = new Transitions()
  visit(
    rosterExploration((state, event, rules) => {
      const result = rosterStep(state, event, rules)
      for (const change of result.effects) {
        const was = whereIs(state, change.key)
        switch (change.kind) {
          case 'joined':
            seen.note('absent', 'live', 'join')
            break
          case 'frozen':
            seen.note('live', 'frozen', change.why === 'silent' ? 'silent' : 'freeze')
            break
          case 'thawed':
            seen.note('frozen', 'live', event.kind)
            break
          case 'forgotten':
            // Who is forgotten for want of room was frozen first, if only in this step.
            seen.note(change.why === 'asked' ? was : 'frozen', 'absent', causes[change.why])
        }
      }
      if (event.kind === 'restored')
        for (const key of result.state.frozen.keys()) seen.note(whereIs(state, key), 'frozen', 'restored')
      return result
    }),
  )
  return seen.toMermaid(['absent', 'live', 'frozen'])
}

const causes: Readonly<Record<ForgottenWhy, string>> = {
  asked: 'forget',
  expired: 'keep.for',
  evicted: 'keep.max',
}

function whereIs({ live, frozen }: RosterMachine<string, string>, key: string): string {
  return live.has(key) ? 'live' : frozen.has(key) ? 'frozen' : 'absent'
}

/** Every machine that is drawn, by the name of its diagram. */
export const machines: Readonly<Record<string, () => string>> = {
  lifecycle,
  listener,
  gate,
  cursor,
  'feed-reader': feedReader,
  binding,
  slot,
  member,
}
