import {
  type ListenerEvent,
  type ListenerLimits,
  type ListenerState,
  type listenerStep,
  listening,
} from '@holdfast/core'
import type { Exploration } from '@holdfast/core/testing'

export type ListenerStep = typeof listenerStep

/** Limits small enough that each of the three is reached. */
const smallLimits: ListenerLimits = { links: 3, handshaking: 2, perAddress: 2 }

interface Served {
  readonly from: 'a' | 'b'
  readonly isReady: boolean
}

/** The listener's machine and the links that are really there. */
export interface ListenerWorld {
  readonly m: ListenerState
  readonly served: readonly Served[]
  readonly bound: boolean
  readonly asked: 'nothing' | 'drain' | 'close'
  readonly retired: number
  readonly broken: string | null
}

type Move =
  | { readonly kind: 'incoming'; readonly from: 'a' | 'b' }
  | { readonly kind: 'ready' | 'ended'; readonly which: number }
  | { readonly kind: 'drain' | 'deadline' | 'close' }

export function listenerExploration(step: ListenerStep): Exploration<ListenerWorld, Move> {
  return {
    initial: { m: listening, served: [], bound: true, asked: 'nothing', retired: 0, broken: null },
    events,
    step: (world, move) => moved(step, world, move),
    check,
  }
}

function* events({ served }: ListenerWorld): Iterable<Move> {
  yield { kind: 'incoming', from: 'a' }
  yield { kind: 'incoming', from: 'b' }
  for (const [which, link] of served.entries()) {
    if (!link.isReady) yield { kind: 'ready', which }
    yield { kind: 'ended', which }
  }
  yield { kind: 'drain' }
  yield { kind: 'deadline' }
  yield { kind: 'close' }
}

function moved(step: ListenerStep, world: ListenerWorld, move: Move): ListenerWorld {
  const { event, before } = happened(world, move)
  const { state, effects } = step(world.m, event, smallLimits)
  let after: ListenerWorld = { ...before, m: state }
  for (const { kind } of effects) {
    switch (kind) {
      case 'take':
        if (move.kind !== 'incoming') return { ...after, broken: 'a link is taken that did not come in' }
        after = { ...after, served: [...after.served, { from: move.from, isReady: false }].sort(byNothing) }
        break
      case 'refuse':
        break
      case 'unbind':
        after = { ...after, bound: false }
        break
      case 'retire-all':
        after = { ...after, retired: after.retired + 1 }
        break
      case 'destroy-all':
        after = { ...after, served: [] }
    }
  }
  return after
}

/** The order in which links came does not matter. */
function byNothing(a: Served, b: Served): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}

function happened(world: ListenerWorld, move: Move): { event: ListenerEvent; before: ListenerWorld } {
  const { served } = world
  switch (move.kind) {
    case 'incoming': {
      const fromSameAddress = served.filter((link) => link.from === move.from).length
      return { event: { kind: 'incoming', fromSameAddress }, before: world }
    }
    case 'ready': {
      const next = served.map((link, index) => (index === move.which ? { ...link, isReady: true } : link))
      return { event: { kind: 'ready' }, before: { ...world, served: next.sort(byNothing) } }
    }
    case 'ended': {
      const wasReady = served[move.which]?.isReady === true
      const next = served.filter((_, index) => index !== move.which)
      return { event: { kind: 'ended', wasReady }, before: { ...world, served: next } }
    }
    case 'drain':
    case 'close': {
      const asked = move.kind === 'close' || world.asked === 'close' ? 'close' : 'drain'
      return { event: move, before: { ...world, asked } }
    }
    case 'deadline':
      return { event: { kind: 'deadline' }, before: world }
  }
}

function check(after: ListenerWorld, move: Move, before: ListenerWorld): string | null {
  const { m, served, asked } = after
  const ready = served.filter((link) => link.isReady).length
  const handshaking = served.length - ready
  if (after.broken !== null) return after.broken
  if (m.links !== ready || m.handshaking !== handshaking) return 'the counts are not those of the links'
  if (before.m.phase === 'closed' && m !== before.m) return 'I4: life after the end'
  const { links, handshaking: mostHandshaking, perAddress = Infinity } = smallLimits
  if (served.length > links) return 'I25: more links than the limit'
  if (handshaking > mostHandshaking) return 'I25: more handshakes than the limit'
  for (const from of ['a', 'b']) {
    if (served.filter((link) => link.from === from).length > perAddress)
      return 'I25: more than one address may have'
  }
  if (asked !== 'nothing') {
    if (after.bound) return 'still bound after a drain or a close'
    if (served.length > before.served.length) return 'I11: a link is taken although the listener drains'
  }
  if (after.retired > 1) return 'links are asked to retire twice'
  if (m.phase === 'draining' && served.length === 0) return 'I11: draining with no links'
  if (m.phase === 'closed') return served.length === 0 ? null : 'I4: links after the end'
  if (asked === 'close') return 'not closed after close'
  if (asked === 'drain' && move.kind === 'deadline') return 'I11: not closed at the deadline'
  const isFull = served.length >= links || handshaking >= mostHandshaking
  if (asked === 'nothing' && (m.phase === 'full') !== isFull) return 'full and the limits do not agree'
  return null
}
