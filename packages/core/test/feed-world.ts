import type { FeedReaderEffect, FeedReaderEvent, FeedReaderMachine, Step } from '@holdfast/core'
import { feedReaderStep, newFeedReader } from '@holdfast/core'
import type { Exploration } from '@holdfast/core/testing'

export type FeedStep = (
  state: FeedReaderMachine,
  event: FeedReaderEvent,
) => Step<FeedReaderMachine, FeedReaderEffect>

/** What the surroundings of a reader may do: answers are those that the link gives from then on. */
export type FeedWorldEvent =
  | { readonly kind: 'open'; readonly from: number }
  | { readonly kind: 'publish' }
  | { readonly kind: 'page'; readonly to: number }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'link'; readonly answers: 'sent' | 'full' | 'refused' }
  | { readonly kind: 'writable' }
  | { readonly kind: 'close' }

/** One reader of a log that grows to `rows` rows, over a link that is sometimes full. */
export interface FeedWorld {
  readonly machine: FeedReaderMachine
  readonly head: number
  readonly at: number
  /** Up to where the page under way reaches. */
  readonly upTo: number | null
  readonly page: number | null
  readonly kept: readonly number[] | null
  readonly answers: 'sent' | 'full' | 'refused'
  /** The link said `full`, and has not become writable since. */
  readonly full: boolean
  readonly catchUps: number
  readonly fallBacks: number
  readonly violated: string | null
}

export interface FeedWorldOptions {
  readonly step?: FeedStep
  readonly rows?: number
  /** How many rows may wait. */
  readonly live?: number
}

export function feedWorld(options: FeedWorldOptions = {}): Exploration<FeedWorld, FeedWorldEvent> {
  const { step = feedReaderStep, rows = 4, live = 1 } = options

  const run = (world: FeedWorld, ...events: FeedReaderEvent[]): FeedWorld => {
    let after = world
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const { state, effects } = step(after.machine, event)
      const wasLive = isLive(after.machine) || after.machine.phase === 'new'
      after = { ...after, machine: state }
      if (wasLive && !isLive(state) && state.phase !== 'closed' && event.kind === 'overflowed')
        after = { ...after, fallBacks: after.fallBacks + 1 }
      for (const effect of effects) {
        const performed = perform(after, effect)
        after = performed.world
        if (performed.answer !== null) events.push(performed.answer)
      }
    }
    return after
  }

  const hand = (
    world: FeedWorld,
    from: number,
    to: number,
  ): { world: FeedWorld; answer: FeedReaderEvent } => {
    const fail = (violated: string): FeedWorld => ({ ...world, violated })
    const answer = { kind: world.answers }
    if (world.full) return { world: fail('it sent to a link that was full'), answer }
    if (from !== world.at + 1) return { world: fail(`after ${world.at} it sent ${from}`), answer }
    return { world: { ...world, at: to, full: world.answers === 'full' }, answer }
  }

  const perform = (
    world: FeedWorld,
    effect: FeedReaderEffect,
  ): { world: FeedWorld; answer: FeedReaderEvent | null } => {
    const fail = (violated: string): FeedWorld => ({ ...world, violated })
    const none = { answer: null }
    switch (effect.kind) {
      case 'read':
        if (world.upTo !== null) return { world: fail('I25: it read two pages at once'), ...none }
        if (world.full) return { world: fail('I25: it read a page for a link that was full'), ...none }
        return { world: { ...world, upTo: world.head, kept: [] }, ...none }
      case 'send-page': {
        const { page } = world
        return page === null
          ? { world: fail('no page'), ...none }
          : hand({ ...world, page: null }, world.at + 1, page)
      }
      case 'send-next': {
        const [next, ...rest] = (world.kept ?? []).filter((row) => row > world.at)
        if (next === undefined) return { world: { ...world, kept: [] }, answer: { kind: 'drained' } }
        return hand({ ...world, kept: rest }, next, next)
      }
      case 'forget':
        return { world: { ...world, kept: null }, ...none }
      case 'caught-up':
        if (effect.again !== world.catchUps > 0)
          return { world: fail('it is wrong about having caught up'), ...none }
        return { world: { ...world, catchUps: world.catchUps + 1 }, ...none }
      case 'close':
        return { world: { ...world, upTo: null, page: null, kept: null }, ...none }
      case 'failed':
        return { world, ...none }
    }
  }

  return {
    initial: {
      machine: newFeedReader,
      head: 2,
      at: 0,
      upTo: null,
      page: null,
      kept: null,
      answers: 'sent',
      full: false,
      catchUps: 0,
      fallBacks: 0,
      violated: null,
    },

    *events(world) {
      if (world.machine.phase === 'closed') return
      if (world.machine.phase === 'new') {
        yield { kind: 'open', from: 0 }
        yield { kind: 'open', from: world.head }
        return
      }
      if (world.head < rows) yield { kind: 'publish' }
      if (world.upTo !== null) {
        for (let to = world.at + 1; to <= world.upTo; to += 1) yield { kind: 'page', to }
        if (world.at === world.upTo) yield { kind: 'page', to: world.at }
        yield { kind: 'unreadable' }
      }
      for (const answers of ['sent', 'full', 'refused'] as const)
        if (answers !== world.answers) yield { kind: 'link', answers }
      if (world.full) yield { kind: 'writable' }
      yield { kind: 'close' }
    },

    step(world, event) {
      switch (event.kind) {
        case 'open':
          return run({ ...world, at: event.from }, { kind: 'opened', behind: event.from < world.head })
        case 'publish': {
          const head = world.head + 1
          const grown = { ...world, head }
          if (world.machine.phase === 'live') {
            const handed = hand(grown, head, head)
            return handed.answer.kind === 'sent'
              ? handed.world
              : run({ ...handed.world, kept: [] }, handed.answer)
          }
          if (world.kept === null) return grown
          const kept = [...world.kept, head]
          return kept.length > live ? run({ ...grown, kept }, { kind: 'overflowed' }) : { ...grown, kept }
        }
        case 'page': {
          const empty = event.to === world.at
          const reached = event.to === world.upTo
          return run(
            { ...world, upTo: null, page: empty ? null : event.to },
            { kind: 'page', reached, empty },
          )
        }
        case 'unreadable':
          return run({ ...world, upTo: null }, { kind: 'unreadable' })
        case 'link':
          return { ...world, answers: event.answers }
        case 'writable':
          return run({ ...world, full: false }, { kind: 'writable' })
        case 'close':
          return run(world, { kind: 'closed' })
      }
    },

    check(world) {
      const { machine, violated, at, head, kept, upTo, catchUps, fallBacks } = world
      if (violated !== null) return violated
      if (machine.phase === 'closed') return null
      if ((kept?.length ?? 0) > live) return 'I25: more waits than the budget allows'
      if (machine.phase === 'live' && at !== head) return `live at ${at}, but the head is ${head}`
      if (machine.phase === 'held' && at + (kept ?? []).filter((row) => row > at).length !== head)
        return 'live, but something was missed'
      if ((machine.phase === 'reading') !== (upTo !== null)) return 'the pump stands still'
      if (machine.phase === 'paging' || machine.phase === 'flushing') return 'an answer was lost'
      if ((machine.phase === 'held' || machine.phase === 'waiting') && !world.full)
        return 'it waits for nothing'
      if (isLive(machine) && catchUps !== 1 + fallBacks)
        return `caught up ${catchUps} times, having fallen back ${fallBacks} times`
      return null
    },
  }
}

function isLive({ phase }: FeedReaderMachine): boolean {
  return phase === 'live' || phase === 'held' || phase === 'flushing'
}
