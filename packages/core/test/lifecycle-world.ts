import {
  type End,
  type Endpoint,
  end,
  idleLifecycle,
  type LifecycleEffect,
  type LifecycleInput,
  type LifecycleMachine,
  type LifecycleRules,
  type LifecycleState,
  type LinkId,
  type lifecycleStep,
} from '@holdfast/core'
import type { Exploration } from '@holdfast/core/testing'

export type LifecycleStep = typeof lifecycleStep

/** Rules small enough that every deadline is a few ticks away and the attempts run out. */
const smallRules: LifecycleRules = {
  dialWithin: 1,
  handshakeWithin: 1,
  stableAfter: 2,
  retryIn: ({ attempt, why }) => {
    if (why.advice.kind === 'now') return 1
    return attempt >= 2 ? 'give-up' : 2
  },
  advise: (why) => why.advice,
}

interface ArmedTimer {
  readonly at: number
  readonly generation: number
}

/** The machine and the part of the world that it commands: timers, an admission gate, a look-up, a link. */
export interface LifecycleWorld {
  readonly m: LifecycleMachine
  readonly now: number
  readonly timer: ArmedTimer | null
  /** A timer that was replaced or dropped, and fires all the same. */
  readonly staleTimer: ArmedTimer | null
  /** Look-ups that have not answered: of this generation or of the one before. */
  readonly lookups: readonly number[]
  readonly admission: 'none' | 'asked' | 'granted'
  readonly link: { readonly generation: number; readonly phase: 'opening' | 'open' | 'retiring' } | null
  /** The last generation whose link or dial was ended, and which may still say something. */
  readonly gone: number | null
  /** What the world remembers by itself, to judge the machine by. */
  readonly readySince: number | null
  readonly notBefore: number
  /** The first effect that could not be carried out. */
  readonly broken: string | null
}

/** What the environment may do; `late` marks what an earlier generation still says. */
export type Move = { readonly kind: 'tick' } | { readonly kind: 'input'; readonly input: Input }
type Input = LifecycleInput extends infer Event
  ? Event extends { readonly at: number }
    ? Omit<Event, 'at'>
    : never
  : never

const endpoint: Endpoint = { uri: 'memory:a' }
const linkOf = (generation: number): LinkId => generation as LinkId
const ends: readonly End[] = [
  end('closed-by-peer'),
  end('closed-by-peer', { advice: { kind: 'now' } }),
  end('handshake-refused', { advice: { kind: 'after', ms: 3 } }),
  end('handshake-refused', { advice: { kind: 'never' } }),
]

/** Which phase may follow which (I9). */
const follows: Record<LifecycleState['phase'], readonly LifecycleState['phase'][]> = {
  idle: ['dialing', 'closed'],
  waiting: ['dialing', 'closed'],
  dialing: ['dialing', 'handshaking', 'waiting', 'closed', 'failed'],
  handshaking: ['dialing', 'ready', 'waiting', 'closed', 'failed'],
  ready: ['dialing', 'draining', 'waiting', 'closed', 'failed'],
  draining: ['waiting', 'closed', 'failed'],
  closed: [],
  failed: [],
}

export function lifecycleExploration(
  step: LifecycleStep,
  maxDepth?: number,
): Exploration<LifecycleWorld, Move> {
  return {
    initial: {
      m: idleLifecycle,
      now: 0,
      timer: null,
      staleTimer: null,
      lookups: [],
      admission: 'none',
      link: null,
      gone: null,
      readySince: null,
      notBefore: 0,
      broken: null,
    },
    events,
    step: (world, move) => moved(step, world, move),
    check,
    key: keyOf,
    ...(maxDepth === undefined ? {} : { maxDepth }),
  }
}

function* events(world: LifecycleWorld): Iterable<Move> {
  for (const input of inputs(world)) yield { kind: 'input', input }
  if (world.timer !== null || world.staleTimer !== null) yield { kind: 'tick' }
}

function* inputs({
  m,
  now,
  timer,
  staleTimer,
  lookups,
  admission,
  link,
  gone,
}: LifecycleWorld): Iterable<Input> {
  const { generation } = m
  yield { kind: 'start' }
  yield { kind: 'nudge' }
  yield { kind: 'close', why: end('closed-by-us', { advice: { kind: 'never' } }) }
  yield { kind: 'restart', why: end('protocol-error') }
  for (const within of [0, 2]) yield { kind: 'drain', within, inFlight: 1 }
  yield { kind: 'adopt', prefer: 'current' }
  yield { kind: 'adopt', prefer: 'incoming' }
  for (const asked of lookups) {
    yield { kind: 'located', generation: asked }
    yield { kind: 'ended', generation: asked, why: end('dial-failed') }
  }
  if (admission === 'asked') yield { kind: 'admitted', generation }
  if (link?.phase === 'opening') yield { kind: 'opened', generation: link.generation }
  if (link !== null) for (const why of ends) yield { kind: 'ended', generation: link.generation, why }
  if (link?.phase === 'open') {
    yield { kind: 'ready', generation: link.generation }
    yield { kind: 'peer-drains', generation: link.generation, within: 1, inFlight: 1 }
    yield { kind: 'in-flight', generation: link.generation, inFlight: 0 }
    yield { kind: 'emptied', generation: link.generation }
  }
  if (gone !== null) {
    for (const kind of ['located', 'admitted', 'opened', 'ready', 'emptied'] as const) {
      yield { kind, generation: gone }
    }
    yield { kind: 'ended', generation: gone, why: end('reset-by-peer') }
    yield { kind: 'peer-drains', generation: gone, within: 1, inFlight: 1 }
  }
  if (timer !== null && now >= timer.at) yield { kind: 'timer', generation: timer.generation }
  if (staleTimer !== null) yield { kind: 'timer', generation: staleTimer.generation }
}

function moved(step: LifecycleStep, world: LifecycleWorld, move: Move): LifecycleWorld {
  if (move.kind === 'tick') return { ...world, now: world.now + 1 }
  const { input } = move
  const event = { ...input, at: world.now } as LifecycleInput
  const before = happened(world, input)
  const { state, effects } = step(world.m, event, smallRules)
  if (state === world.m && effects.length === 0) return before
  const after = effects.reduce(carriedOut, { ...before, m: state })
  return remembered(after, world)
}

/** What the event itself changes in the world. */
function happened(world: LifecycleWorld, input: Input): LifecycleWorld {
  switch (input.kind) {
    case 'located':
      if (!world.lookups.includes(input.generation)) return world
      return { ...world, lookups: world.lookups.filter((asked) => asked !== input.generation) }
    case 'admitted':
      return input.generation === world.m.generation ? { ...world, admission: 'granted' } : world
    case 'opened':
      return input.generation === world.link?.generation
        ? { ...world, link: { ...world.link, phase: 'open' } }
        : world
    case 'ended': {
      const isLookup = world.lookups.includes(input.generation)
      if (!isLookup && input.generation !== world.link?.generation) return world
      const lookups = world.lookups.filter((asked) => asked !== input.generation)
      if (input.generation !== world.link?.generation) return { ...world, lookups }
      return { ...world, lookups, link: null, gone: input.generation }
    }
    case 'timer': {
      const { timer, staleTimer, now } = world
      const isDue = timer !== null && timer.generation === input.generation && now >= timer.at
      if (isDue) return { ...world, timer: null }
      return staleTimer?.generation === input.generation ? { ...world, staleTimer: null } : world
    }
    default:
      return world
  }
}

function carriedOut(world: LifecycleWorld, effect: LifecycleEffect): LifecycleWorld {
  const broken = (text: string): LifecycleWorld => ({ ...world, broken: world.broken ?? text })
  switch (effect.kind) {
    case 'locate':
      return { ...world, lookups: [...world.lookups, effect.generation].slice(-2) }
    case 'admit':
      if (world.admission !== 'none') return broken('I6: an admission is asked for while one is held')
      return { ...world, admission: 'asked' }
    case 'leave':
      if (world.admission === 'none') return broken('I6: an admission is left twice')
      return { ...world, admission: 'none' }
    case 'dial':
      if (world.admission !== 'granted') return broken('I6: a dial without an admission')
      return connected(world, effect.generation)
    case 'take':
      return connected(world, effect.generation)
    case 'arm':
      return {
        ...world,
        timer: { at: effect.at, generation: effect.generation },
        staleTimer: world.timer ?? world.staleTimer,
      }
    case 'disarm':
      return { ...world, timer: null, staleTimer: world.timer ?? world.staleTimer }
    case 'retire':
      return world.link?.phase === 'opening' || world.link === null
        ? broken('a link retires unopened')
        : world
    case 'end':
      if (world.link === null) return broken('a link is ended that is not there')
      return { ...world, link: { ...world.link, phase: 'retiring' } }
    case 'destroy':
      return { ...world, link: null, gone: world.link?.generation ?? world.gone }
  }
}

/** A dial or an adopted link: the machine is told its id before anything else of it. */
function connected(world: LifecycleWorld, generation: number): LifecycleWorld {
  if (world.link !== null) return { ...world, broken: 'I1: a second link while one has not ended' }
  const { m } = world
  const told = m.told.phase === 'dialing' ? { ...m.told, link: linkOf(generation), endpoint } : m.told
  return { ...world, m: { ...m, told }, link: { generation, phase: 'opening' } }
}

function remembered(world: LifecycleWorld, before: LifecycleWorld): LifecycleWorld {
  const { told } = world.m
  const wasReady = before.m.told.phase === 'ready'
  const readySince = told.phase === 'ready' && !wasReady ? world.now : world.readySince
  const isNewWait = told.phase === 'waiting' && before.m.told.phase !== 'waiting'
  if (!isNewWait) return { ...world, readySince }
  const { advice } = told.why
  return { ...world, readySince, notBefore: advice.kind === 'after' ? world.now + advice.ms : 0 }
}

const checks: readonly ((after: LifecycleWorld, move: Move, before: LifecycleWorld) => string | null)[] = [
  (after) => after.broken,
  quietPhases,
  busyPhases,
  lateWords,
  attempts,
  delays,
  transitions,
]

function check(after: LifecycleWorld, move: Move, before: LifecycleWorld): string | null {
  for (const each of checks) {
    const violated = each(after, move, before)
    if (violated !== null) return violated
  }
  return null
}

function quietPhases({ m, timer, link, admission }: LifecycleWorld): string | null {
  const { told } = m
  const isQuiet = ['idle', 'waiting', 'closed', 'failed'].includes(told.phase)
  if (isQuiet && link !== null) return `I3: a link in ${told.phase}`
  if (isQuiet && admission !== 'none') return `I6: an admission is held in ${told.phase}`
  if (told.phase === 'waiting') {
    return timer?.at === told.retryAt && timer.generation === m.generation
      ? null
      : 'I3: waiting without a timer for retryAt'
  }
  return isQuiet && timer !== null ? `I3: a timer in ${told.phase}` : null
}

function busyPhases({ m, timer, link, admission, now }: LifecycleWorld, move: Move): string | null {
  const { told } = m
  const isFired = move.kind === 'input' && move.input.kind === 'timer'
  const mayHang = told.phase === 'handshaking' || (told.phase === 'dialing' && m.dial !== 'admission')
  if (mayHang && timer === null && !isFired) return `nothing ends a ${told.phase} that hangs`
  if ('link' in told && told.link !== null && told.link !== link?.generation) {
    return `I2: ${told.phase} with a link that has ended`
  }
  if (told.phase !== 'dialing' && admission !== 'none') return `I6: an admission is held in ${told.phase}`
  if (told.phase !== 'draining') return null
  if (timer?.at !== told.deadline) return 'I11: draining without a timer for the deadline'
  return told.deadline > now + 2 ? 'I11: the deadline is later than any that was given' : null
}

function lateWords(after: LifecycleWorld, move: Move, before: LifecycleWorld): string | null {
  if (after.m === before.m || move.kind === 'tick') return null
  const { input } = move
  if (before.m.told.phase === 'closed' || before.m.told.phase === 'failed') return 'I4: life after the end'
  if ('generation' in input && input.generation !== before.m.generation) {
    return `I5: ${input.kind} of an earlier generation is acted upon`
  }
  const isEarly = input.kind === 'timer' && before.now < (before.timer?.at ?? Infinity)
  return isEarly ? 'I2: a timer that was dropped is acted upon' : null
}

function attempts(after: LifecycleWorld, move: Move, before: LifecycleWorld): string | null {
  const { told } = before.m
  const readyFor = before.readySince === null ? 0 : before.now - before.readySince
  const wasUp = told.phase === 'ready' || told.phase === 'draining'
  const wasStable = wasUp && readyFor >= smallRules.stableAfter
  if (after.m.attempt < before.m.attempt && !wasStable) return 'I7: attempts start again before it was stable'
  const { told: now } = after.m
  const isNewWait = now.phase === 'waiting' && told.phase !== 'waiting'
  if (isNewWait && now.why.advice.kind === 'now' && !wasStable)
    return 'I7: now is honoured before it was stable'
  return move.kind === 'tick' && after.m !== before.m ? 'time alone changed the machine' : null
}

function delays({ m, now, notBefore }: LifecycleWorld, _move: Move, before: LifecycleWorld): string | null {
  if (m.told.phase === 'waiting' && m.told.retryAt < notBefore) return 'I8: a given after is undercut'
  const isDial = m.told.phase === 'dialing' && before.m.told.phase === 'waiting' && m.dial === 'endpoint'
  return isDial && now < notBefore ? 'I8: a dial before a given after' : null
}

function transitions(after: LifecycleWorld, _move: Move, { m: before }: LifecycleWorld): string | null {
  const { told } = after.m
  if (told === before.told) return null
  const from = before.told.phase
  const isSame = from === told.phase && from !== 'closed' && from !== 'failed'
  if (!isSame && !follows[from].includes(told.phase)) return `I9: ${from} → ${told.phase}`
  const isClosing = before.told.phase === 'draining' && before.afterDrain === 'close'
  return isClosing && !['draining', 'closed'].includes(told.phase)
    ? `I11: our drain ends ${told.phase}`
    : null
}

/** Two worlds that differ only in what time and which generation it is are one. */
function keyOf(world: LifecycleWorld): string {
  const { m, now, timer, staleTimer, lookups, admission, link, gone, readySince, notBefore } = world
  const age = (at: number | null): number | null =>
    at === null ? null : Math.min(now - at, smallRules.stableAfter)
  const back = (generation: number): number => Math.min(m.generation - generation, 2)
  const due = (at: number): number => Math.max(at - now, -1)
  const of = (t: ArmedTimer | null): unknown => t && [due(t.at), back(t.generation)]
  const { told } = m
  return JSON.stringify([
    told.phase,
    'retryAt' in told && due(told.retryAt),
    'deadline' in told && [due(told.deadline), told.inFlight],
    'link' in told && told.link !== null && back(told.link),
    'stable' in told && told.stable,
    'why' in told && told.why.advice.kind,
    [m.dial, m.attempt, Math.max(m.notBefore - now, 0), m.timerAt === null ? null : due(m.timerAt)],
    [m.stable, m.afterDrain, of(timer), of(staleTimer), lookups.map(back), admission],
    link && [back(link.generation), link.phase],
    gone === null ? null : back(gone),
    age(told.phase === 'ready' || told.phase === 'draining' ? readySince : null),
    Math.max(notBefore - now, 0),
    world.broken,
  ])
}
