import { wait } from '../budget.js'
import { type End, end, type Millis, type Reached } from '../end.js'
import type { Step } from '../interpreter.js'
import type { LifecycleEffect, LifecycleInput, LifecycleMachine, LifecycleRules } from './model.js'
import type { LifecycleState } from './types.js'

type LifecycleStep = Step<LifecycleMachine, LifecycleEffect>
type Told<Phase> = LifecycleState & { readonly phase: Phase }

/**
 * idle → dialing → handshaking → ready → (stable) → waiting → dialing …, draining, closed, failed: the pure part of
 * a {@link Lifecycle}. Each phase has at most one timer, and that timer the phase's generation.
 */
export function lifecycleStep(
  m: LifecycleMachine,
  event: LifecycleInput,
  rules: LifecycleRules,
): Step<LifecycleMachine, LifecycleEffect> {
  const { told } = m
  if (told.phase === 'closed' || told.phase === 'failed') return same(m)
  if ('generation' in event && event.generation !== m.generation) return same(m)
  switch (event.kind) {
    case 'start':
      return told.phase === 'idle' ? dial(m, event.at, rules) : same(m)
    case 'located':
      if (m.dial !== 'endpoint') return same(m)
      return armed(
        changed(m, { dial: 'admission', timerAt: null }),
        [],
        [{ kind: 'admit', generation: m.generation }],
      )
    case 'admitted': {
      if (m.dial !== 'admission') return same(m)
      const timerAt = due(event.at + rules.dialWithin)
      const admitted = changed(m, { dial: 'link', begun: event.at, timerAt })
      return armed(admitted, [], [{ kind: 'dial', generation: m.generation }])
    }
    case 'dialed':
      if (told.phase !== 'dialing') return same(m)
      return {
        state: changed(m, { told: { ...told, link: event.link, endpoint: event.endpoint } }),
        effects: [],
      }
    case 'opened':
      return told.phase === 'dialing' ? opened(m, told, event.at, rules) : same(m)
    case 'ready':
      return told.phase === 'handshaking' ? ready(m, told, event.at, rules) : same(m)
    case 'timer':
      return m.timerAt !== null && event.at >= m.timerAt ? timedOut(m, event.at, rules) : same(m)
    case 'ended':
      return ended(m, event.why, event.at, rules)
    case 'peer-drains':
      return drainLink(m, event, 'dial')
    case 'drain':
      return drained(m, event)
    case 'in-flight':
      if (told.phase !== 'draining' || event.inFlight === told.inFlight) return same(m)
      return { state: changed(m, { told: { ...told, inFlight: event.inFlight } }), effects: [] }
    case 'emptied':
      return told.phase === 'draining' ? { state: m, effects: [{ kind: 'end', why: drainEnd(m) }] } : same(m)
    case 'nudge':
      return told.phase === 'waiting' ? nudged(m, told, event.at, rules) : same(m)
    case 'restart':
      return hasLink(m) || m.dial !== null ? giveUp(m, event.why, event.at, rules) : same(m)
    case 'adopt':
      return adopt(m, event, rules)
    case 'close':
      return { state: over(m, { phase: 'closed', why: event.why }), effects: dropAll(m, event.why) }
  }
}

function same(state: LifecycleMachine): LifecycleStep {
  return { state, effects: [] }
}

/** The phase's one timer takes the place of any before. */
function armed(
  state: LifecycleMachine,
  before: readonly LifecycleEffect[],
  after: readonly LifecycleEffect[] = [],
): LifecycleStep {
  const { timerAt, generation } = state
  const timer: LifecycleEffect =
    timerAt === null ? { kind: 'disarm' } : { kind: 'arm', at: timerAt, generation }
  return { state, effects: [...before, timer, ...after] }
}

/** A timer that would never be due is none. */
function due(at: Millis): Millis | null {
  return at === Infinity ? null : at
}

function hasLink({ told }: LifecycleMachine): boolean {
  return told.phase === 'handshaking' || told.phase === 'ready' || told.phase === 'draining'
}

/** Whatever is under way is dropped: timer, admission, dial or link. */
function dropAll(m: LifecycleMachine, why: End): LifecycleEffect[] {
  const effects: LifecycleEffect[] = [{ kind: 'disarm' }]
  if (hasLink(m) || m.dial === 'link' || m.dial === 'adopted-link') effects.push({ kind: 'destroy', why })
  return [...effects, ...leaving(m)]
}

/** An admission asked for or granted is given back. */
function leaving(m: LifecycleMachine): LifecycleEffect[] {
  return m.dial === 'admission' || m.dial === 'link' ? [{ kind: 'leave' }] : []
}

/** A copy with other values. Field by field, because spreading this many takes V8 fifty times as long. */
function changed(
  m: LifecycleMachine,
  change: Partial<LifecycleMachine>,
  more?: Partial<LifecycleMachine>,
): LifecycleMachine {
  const { told, generation, dial, attempt, previous, notBefore } = m
  const { timerAt, stable, begun, lastReady, afterDrain } = m
  return Object.assign(
    { told, generation, dial, attempt, previous, notBefore, timerAt, stable, begun, lastReady, afterDrain },
    change,
    more,
  )
}

/** The generation is over, and nothing of it counts any more. */
function over(m: LifecycleMachine, told: LifecycleState, next?: Partial<LifecycleMachine>): LifecycleMachine {
  const generation = m.generation + 1
  return changed(m, { told, generation, dial: null, timerAt: null, stable: false, afterDrain: null }, next)
}

function dial(m: LifecycleMachine, at: Millis, rules: LifecycleRules): LifecycleStep {
  const told: LifecycleState = { phase: 'dialing', attempt: m.attempt, link: null, endpoint: null }
  const timerAt = due(at + rules.dialWithin)
  const state = over(m, told, { dial: 'endpoint', begun: at, notBefore: 0, timerAt })
  return armed(state, [], [{ kind: 'locate', generation: state.generation }])
}

function opened(
  m: LifecycleMachine,
  told: Told<'dialing'>,
  at: Millis,
  rules: LifecycleRules,
): LifecycleStep {
  if (told.link === null) return same(m)
  const handshaking: LifecycleState = { phase: 'handshaking', attempt: m.attempt, link: told.link, since: at }
  return armed(
    changed(m, { dial: null, told: handshaking, timerAt: due(at + rules.handshakeWithin) }),
    leaving(m),
  )
}

function ready(
  m: LifecycleMachine,
  told: Told<'handshaking'>,
  at: Millis,
  rules: LifecycleRules,
): LifecycleStep {
  const isReady: LifecycleState = { phase: 'ready', link: told.link, since: at, stable: false }
  return armed(changed(m, { told: isReady, lastReady: at, timerAt: due(at + rules.stableAfter) }), [])
}

function timedOut(m: LifecycleMachine, at: Millis, rules: LifecycleRules): LifecycleStep {
  const { told } = m
  switch (told.phase) {
    case 'waiting':
      return dial(m, at, rules)
    case 'dialing':
      return giveUp(m, end('dial-timeout', { detail: `no link within ${rules.dialWithin} ms` }), at, rules)
    case 'handshaking':
      return giveUp(
        m,
        end('handshake-timeout', { detail: `not ready within ${rules.handshakeWithin} ms` }),
        at,
        rules,
      )
    case 'ready': {
      const stable: LifecycleState = { ...told, stable: true }
      return {
        state: changed(m, { told: stable, stable: true, timerAt: null, attempt: 0, previous: 0 }),
        effects: [],
      }
    }
    case 'draining':
      return giveUp(m, drainEnd(m), at, rules)
    case 'idle':
    case 'closed':
    case 'failed':
      return same(m)
  }
}

/** We end the link, or the dial, ourselves. */
function giveUp(m: LifecycleMachine, why: End, at: Millis, rules: LifecycleRules): LifecycleStep {
  return lost(m, why, at, rules, dropAll(m, why))
}

/** The link, or the dial, ended. */
function ended(m: LifecycleMachine, why: End, at: Millis, rules: LifecycleRules): LifecycleStep {
  if (!hasLink(m) && m.dial === null) return same(m)
  return lost(m, why, at, rules, [{ kind: 'disarm' }, ...leaving(m)])
}

/** What follows an end: waiting, failed, or closed after a drain. */
function lost(
  m: LifecycleMachine,
  met: End,
  at: Millis,
  rules: LifecycleRules,
  effects: readonly LifecycleEffect[],
): LifecycleStep {
  if (m.afterDrain === 'close') return { state: over(m, { phase: 'closed', why: drainEnd(m) }), effects }
  const reached = reachedBy(m, at)
  // A peer that said goodbye and then went has drained; any other end is that end.
  const first = m.afterDrain === 'dial' && met.kind.endsWith('-by-peer') ? drainedByPeer : met
  let advice = rules.advise(first, reached)
  if (advice.kind === 'now' && reached.phase !== 'stable') advice = { kind: 'backoff' }
  const { kind, code, detail, cause, link } = first
  const why: End = { kind, advice, code, detail, cause, link }
  if (advice.kind === 'never') return { state: over(m, { phase: 'failed', why }), effects }
  const drawn = rules.retryIn({ attempt: m.attempt, previous: m.previous, why, reached })
  if (drawn === 'give-up') return { state: over(m, { phase: 'failed', why }), effects }
  const floor = advice.kind === 'after' ? wait(advice.ms) : 0
  const retryAt = at + Math.max(drawn, floor)
  if (retryAt === Infinity) return { state: over(m, { phase: 'failed', why }), effects }
  const attempt = m.attempt + 1
  const lastReady = reached.sinceReady === null ? null : at - reached.sinceReady
  const previous = retryAt - at
  const rest = { attempt, previous, notBefore: at + floor, lastReady, timerAt: retryAt }
  return armed(over(m, { phase: 'waiting', attempt, retryAt, why }, rest), effects)
}

function reachedBy(m: LifecycleMachine, at: Millis): Reached {
  const { told } = m
  const lasted = at - m.begun
  const isReady = told.phase === 'ready' || told.phase === 'draining'
  if (isReady) return { phase: m.stable ? 'stable' : 'ready', lasted, sinceReady: 0 }
  const sinceReady = m.lastReady === null ? null : at - m.lastReady
  return { phase: told.phase === 'handshaking' ? 'handshaking' : 'dialing', lasted, sinceReady }
}

const drainedByUs = end('drained', { advice: { kind: 'never' } })
const drainedByPeer = end('drained-by-peer', { advice: { kind: 'now' } })

/** The reason with which a drained link ends: ours, or the peer's, after which it is dialed again. */
function drainEnd(m: LifecycleMachine): End {
  return m.afterDrain === 'dial' ? drainedByPeer : drainedByUs
}

function drained(m: LifecycleMachine, event: LifecycleInput & { kind: 'drain' }): LifecycleStep {
  const { phase } = m.told
  if (phase === 'ready' || phase === 'draining') return drainLink(m, event, 'close')
  return { state: over(m, { phase: 'closed', why: drainedByUs }), effects: dropAll(m, drainedByUs) }
}

/** Ready → draining, or an earlier deadline for the drain under way. */
function drainLink(
  m: LifecycleMachine,
  event: { readonly at: Millis; readonly within: Millis; readonly inFlight: number },
  afterDrain: 'dial' | 'close',
): LifecycleStep {
  const { told } = m
  const asked = event.at + event.within
  switch (told.phase) {
    case 'ready': {
      const { link } = told
      const draining: LifecycleState = { phase: 'draining', link, deadline: asked, inFlight: event.inFlight }
      // The gate's deadline is set first, so that it reports what was cut before the link goes.
      const state = changed(m, { told: draining, afterDrain, timerAt: due(asked) })
      return armed(state, [{ kind: 'retire', deadline: asked }])
    }
    case 'draining': {
      const deadline = Math.min(told.deadline, asked)
      const next = m.afterDrain === 'close' ? 'close' : afterDrain
      if (deadline === told.deadline && next === m.afterDrain) return same(m)
      const sooner = changed(m, { told: { ...told, deadline }, afterDrain: next, timerAt: due(deadline) })
      return armed(sooner, [{ kind: 'retire', deadline }])
    }
    default:
      return same(m)
  }
}

/** The rest of a delay is drawn again, as if the advice were `now`. */
function nudged(
  m: LifecycleMachine,
  told: Told<'waiting'>,
  at: Millis,
  rules: LifecycleRules,
): LifecycleStep {
  const why: End = { ...told.why, advice: { kind: 'now' } }
  const drawn = rules.retryIn({ attempt: 0, previous: 0, why, reached: reachedBy(m, at) })
  if (drawn === 'give-up') return same(m)
  const retryAt = Math.max(m.notBefore, Math.min(told.retryAt, at + drawn))
  return retryAt === told.retryAt
    ? same(m)
    : armed(changed(m, { told: { ...told, retryAt }, timerAt: retryAt }), [])
}

/** The peer's link takes the place of waiting, of a dial, or of ours where it is preferred. */
function adopt(
  m: LifecycleMachine,
  event: LifecycleInput & { kind: 'adopt' },
  rules: LifecycleRules,
): LifecycleStep {
  const { phase } = m.told
  const isOpen = phase === 'handshaking' || phase === 'ready'
  if (phase === 'idle' || phase === 'draining' || (isOpen && event.prefer === 'current')) return same(m)
  const told: LifecycleState = { phase: 'dialing', attempt: m.attempt, link: null, endpoint: null }
  const lastReady = phase === 'ready' ? event.at : m.lastReady
  const timerAt = due(event.at + rules.dialWithin)
  const state = over(m, told, { dial: 'adopted-link', begun: event.at, lastReady, timerAt })
  return armed(state, dropAll(m, end('superseded')), [{ kind: 'take', generation: state.generation }])
}
