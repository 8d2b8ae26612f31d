import type { CursorEvent, CursorMachine, CursorRules, LinkId, Step } from '@holdfast/core'
import { type CursorEffect, cursorStep, idleCursor } from '@holdfast/core'
import type { Exploration } from '@holdfast/core/testing'

export type NumberCursorStep = (
  state: CursorMachine<number>,
  event: CursorEvent<number>,
  rules: CursorRules<number>,
) => Step<CursorMachine<number>, CursorEffect<number>>

/** What the surroundings of a cursor may do, besides the events of the machine. */
export type WorldEvent =
  | { readonly kind: 'link' }
  | { readonly kind: 'crash' }
  | { readonly kind: 'open'; readonly floor: boolean }
  | { readonly kind: 'seal'; readonly batch: number; readonly to: number | null }
  | { readonly kind: 'advance'; readonly to: number }
  | CursorEvent<number>

/** What one batch of a log in which every position holds one item looks like from outside. */
interface Sent {
  readonly batch: number
  readonly link: number
  readonly item: number
  readonly floor: number | null
  readonly phase: 'open' | 'sealed' | 'begun' | 'lost'
  /** When it was sealed, in order. */
  readonly order: number
}

/** A cursor, the peer's log of `items` items, one link at a time, and the application. */
export interface CursorWorld {
  readonly machine: CursorMachine<number>
  readonly link: {
    readonly id: LinkId
    readonly from: number
    readonly next: number
    /** The last position that came without items. */
    readonly announced: number
  } | null
  readonly links: number
  readonly batches: readonly Sent[]
  readonly applying: number | null
  /** A resync took the position, and loaded everything up to it. */
  readonly resyncing: boolean
  readonly saving: { readonly to: number | null } | null
  readonly stored: number | null
  /** What the application holds. */
  readonly has: readonly number[]
  readonly left: { readonly resets: number; readonly failures: number; readonly crashes: number }
  readonly violated: string | null
}

export interface CursorWorldOptions {
  readonly step?: NumberCursorStep
  readonly rules?: Partial<CursorRules<number>>
  readonly items?: number
  readonly links?: number
  readonly floors?: boolean
  readonly resets?: number
  readonly failures?: number
  readonly crashes?: number
  readonly maxDepth?: number
}

export function cursorWorld(options: CursorWorldOptions = {}): Exploration<CursorWorld, WorldEvent> {
  const { step = cursorStep, items = 2, links = 2, floors = false } = options
  const { resets = 0, failures = 0, crashes = 0 } = options
  const rules: CursorRules<number> = {
    compare: (a, b) => a - b,
    backlog: { bytes: 1 },
    savedBy: 'nobody',
    saveEvery: 0,
    ...options.rules,
  }
  const loaded = (position: number | null): CursorMachine<number> => {
    const idle = idleCursor(rules)
    const event = { kind: 'loaded', position: position === null ? null : { at: position } } as const
    return rules.savedBy === 'nobody' ? idle : cursorStep(idle, event, rules).state
  }
  const run = (world: CursorWorld, event: CursorEvent<number>): CursorWorld => {
    const { state, effects } = step(world.machine, event, rules)
    let after: CursorWorld = { ...world, machine: state }
    for (const effect of effects) after = perform(after, effect)
    const ends = effects.some(({ kind }) => kind === 'end-links')
    return ends ? linkEnds(after) : after
  }
  const linkEnds = (world: CursorWorld): CursorWorld => {
    const { link } = world
    if (link === null) return world
    const batches = world.batches.map((b) =>
      b.link === link.id && b.phase !== 'begun' ? { ...b, phase: 'lost' as const } : b,
    )
    return run({ ...world, link: null, batches }, { kind: 'link-ended', link: link.id })
  }

  const perform = (world: CursorWorld, effect: CursorEffect<number>): CursorWorld => {
    const fail = (violated: string): CursorWorld => ({ ...world, violated: world.violated ?? violated })
    switch (effect.kind) {
      case 'apply': {
        if (world.applying !== null) return fail('I18: a batch began before the one before it had settled')
        if (world.resyncing) return fail('I21: a batch began during a resync')
        const sent = world.batches.find(({ batch }) => batch === effect.batch)
        if (sent?.phase === 'open') return fail('I18: a batch began before it was sealed')
        if (sent?.phase === 'lost') return fail('I18, I19: a batch began after its link had ended')
        const earlier = world.batches.some((b) => b.phase === 'sealed' && b.order < (sent?.order ?? 0))
        if (earlier) return fail('I18: a batch overtook one that was sealed before it')
        if (effect.to !== null && effect.to.at >= lowestFloor(world))
          return fail('the position will move past a floor')
        return {
          ...world,
          applying: effect.batch ?? 0,
          batches: world.batches.map((b) => (b === sent ? { ...b, phase: 'begun' as const } : b)),
        }
      }
      case 'resync':
        if (world.applying !== null) return fail('I21: a resync began while a batch was being applied')
        return { ...world, resyncing: true }
      case 'save':
        if (world.saving !== null) return fail('two saves at once')
        return { ...world, saving: { to: effect.to?.at ?? null } }
      case 'drop': {
        const dropped = new Set(effect.batches)
        return {
          ...world,
          batches: world.batches.map((b) =>
            dropped.has(b.batch) && b.phase !== 'lost' ? { ...b, phase: 'lost' as const } : b,
          ),
        }
      }
      case 'end-links':
      case 'save-later':
        return world
    }
  }

  /** The furthest position that an honest peer may claim, with `sealing` sealed. */
  const claimable = (world: CursorWorld, sealing: number | null): number | null => {
    if (world.link === null) return null
    const { id, from, next } = world.link
    let furthest: number | null = null
    for (let to = from + 1; to < next; to += 1) {
      const open = world.batches.filter((b) => b.link === id && b.phase === 'open' && b.batch !== sealing)
      if (open.every((b) => b.item > to || (b.floor !== null && b.floor <= to))) furthest = to
    }
    return furthest
  }

  return {
    initial: {
      machine: loaded(null),
      link: null,
      links: 0,
      batches: [],
      applying: null,
      resyncing: false,
      saving: null,
      stored: null,
      has: [],
      left: { resets, failures, crashes },
      violated: null,
    },

    *events(world) {
      const { machine, link, left } = world
      if (link === null && world.links < links) yield { kind: 'link' }
      if (link !== null) {
        yield { kind: 'link-ended', link: link.id }
        if (machine.phase === 'unknown') yield { kind: 'resumed', link: link.id }
        if (link.next <= items && machine.phase !== 'closed') {
          yield { kind: 'open', floor: false }
          if (floors) yield { kind: 'open', floor: true }
        }
        for (const { batch, phase } of world.batches) {
          if (phase !== 'open') continue
          if (floors) yield { kind: 'seal', batch, to: null }
          const to = claimable(world, batch)
          if (to !== null) yield { kind: 'seal', batch, to }
        }
        const to = claimable(world, null)
        if (to !== null && to > link.announced) yield { kind: 'advance', to }
      }
      if (left.resets > 0) yield { kind: 'reset', why: 'asked', peer: null, link: link?.id ?? null }
      if (world.applying !== null) yield { kind: 'applied', at: 0 }
      if (world.resyncing) yield { kind: 'resynced', position: { at: items } }
      if (world.saving !== null) yield { kind: 'saved' }
      if (machine.armed) yield { kind: 'save-due' }
      if (left.failures > 0) {
        if (world.applying !== null) yield { kind: 'apply-failed', cause: 0 }
        if (world.resyncing) yield { kind: 'resync-failed', cause: 0 }
        if (world.saving !== null) yield { kind: 'save-failed', cause: 0 }
      }
      if (left.crashes > 0) yield { kind: 'crash' }
    },

    step(world, event) {
      const { left } = world
      switch (event.kind) {
        case 'link': {
          const from = (rules.savedBy === 'nobody' ? world.machine.applied : world.machine.durable)?.at ?? 0
          const id = (world.links + 1) as LinkId
          return { ...world, links: world.links + 1, link: { id, from, next: from + 1, announced: from } }
        }
        case 'crash':
          return {
            ...world,
            machine: loaded(world.stored),
            link: null,
            batches: world.batches.map((b) => ({ ...b, phase: 'lost' as const })),
            applying: null,
            resyncing: false,
            saving: null,
            left: { ...left, crashes: left.crashes - 1 },
          }
        case 'open': {
          const { link } = world
          if (link === null) return world
          const batch = world.batches.length + 1
          const floor = event.floor ? link.next : null
          const sent: Sent = { batch, link: link.id, item: link.next, floor, phase: 'open', order: 0 }
          return run(
            { ...world, link: { ...link, next: link.next + 1 }, batches: [...world.batches, sent] },
            { kind: 'opened', batch, link: link.id, ...(floor !== null && { floor }) },
          )
        }
        case 'seal': {
          const order = 1 + Math.max(0, ...world.batches.map((b) => b.order))
          const batches = world.batches.map((b) =>
            b.batch === event.batch ? { ...b, phase: 'sealed' as const, order } : b,
          )
          return run({ ...world, batches }, { ...event, kind: 'sealed', bytes: 1, count: 1, at: 0 })
        }
        case 'advance':
          return run(
            { ...world, link: world.link && { ...world.link, announced: event.to } },
            { kind: 'advanced', to: event.to, at: 0 },
          )
        case 'link-ended':
          return linkEnds(world)
        case 'applied': {
          const item = world.batches.find(({ batch }) => batch === world.applying)?.item
          const has = item === undefined || world.has.includes(item) ? world.has : [...world.has, item]
          // The application stores the position in the same transaction.
          const to = world.machine.applying?.moveTo?.at
          const stored = rules.savedBy === 'apply' && to !== undefined ? to : world.stored
          return run({ ...world, applying: null, has, stored }, event)
        }
        case 'resynced': {
          const has = Array.from({ length: items }, (_, index) => index + 1)
          const stored = rules.savedBy === 'apply' ? items : world.stored
          return run({ ...world, resyncing: false, has, stored }, event)
        }
        case 'saved':
          return run({ ...world, saving: null, stored: world.saving?.to ?? null }, event)
        case 'reset':
          return run({ ...world, left: { ...left, resets: left.resets - 1 } }, event)
        case 'apply-failed':
          return run({ ...world, applying: null, left: { ...left, failures: left.failures - 1 } }, event)
        case 'resync-failed':
          return run({ ...world, resyncing: false, left: { ...left, failures: left.failures - 1 } }, event)
        case 'save-failed':
          return run({ ...world, saving: null, left: { ...left, failures: left.failures - 1 } }, event)
        case 'loaded':
        case 'opened':
        case 'discarded':
        case 'sealed':
        case 'advanced':
        case 'resumed':
        case 'save-due':
        case 'hurried':
        case 'closed':
          return run(world, event)
      }
    },

    check(world, _event, before) {
      const { machine } = world
      if (world.violated !== null) return world.violated
      const [received, applied, durable] = [machine.received, machine.applied, machine.durable].map(
        (position) => position?.at ?? 0,
      ) as [number, number, number]
      if (durable > applied || applied > received)
        return `I17: ${durable} ≤ ${applied} ≤ ${received} is false`
      for (let item = 1; item <= applied; item += 1)
        if (!world.has.includes(item))
          return `I17, I20: the position is ${applied}, but ${item} was never applied`
      for (let item = 1; item <= (world.stored ?? 0); item += 1)
        if (!world.has.includes(item))
          return `I17: ${world.stored ?? 0} is stored, but ${item} was never applied`
      // What had been handed to apply before the floor came goes through.
      const handed = Math.max(before.machine.applied?.at ?? 0, before.machine.applying?.moveTo?.at ?? 0)
      if (applied > handed && machine.phase !== 'resynced' && applied >= lowestFloor(before))
        return `the position moved to ${applied}, past a floor`
      return checkProgress(world)
    },

    key: ({ machine, batches, ...world }) =>
      JSON.stringify([
        relative(machine),
        batches.map((b) => (b.phase === 'lost' || b.phase === 'begun' ? b.item : b)),
        world,
      ]),
    ...(options.maxDepth !== undefined && { maxDepth: options.maxDepth }),
  }
}

/** The machine, its running numbers counted back from the last one, so that the number of states is finite. */
function relative(machine: CursorMachine<number>): unknown {
  const { queue, applying, saving, sealed, saved, due, ...rest } = machine
  const entries = (chain: typeof queue.front): unknown[] =>
    chain === null
      ? []
      : [[chain.item.batch, chain.item.to, chain.item.order - sealed], ...entries(chain.rest)]
  return [
    rest,
    [saved, due].map((order) => order - sealed),
    entries(queue.front),
    entries(queue.back),
    applying && [applying.entry.batch, applying.moveTo, applying.entry.order - sealed],
    saving && [saving.to, saving.final, saving.upTo - sealed],
  ]
}

function lowestFloor({ batches }: CursorWorld): number {
  const floors = batches.flatMap((b) => (b.phase === 'open' && b.floor !== null ? [b.floor] : []))
  return Math.min(...floors)
}

/** Nothing waits without a reason. */
function checkProgress({ machine, applying, resyncing, saving }: CursorWorld): string | null {
  const { verdict, phase, queue, paused } = machine
  if ((machine.applying === null) !== (applying === null)) return 'the machine is wrong about what is applied'
  if (verdict === null && queue.front !== null && machine.applying === null) return 'the queue stands still'
  if (queue.front === null && queue.back !== null) return 'the queue hides what it holds'
  if (phase === 'resyncing' && !resyncing && applying === null && saving === null)
    return 'the resync stands still'
  if ((phase === 'resyncing' || phase === 'stale') !== (verdict !== null))
    return `a verdict in phase ${phase}`
  const idle = queue.front === null && machine.applying === null
  if (idle && (machine.bytes !== 0 || machine.count !== 0)) return 'an empty backlog is not empty'
  if (idle && phase !== 'resyncing' && paused) return 'links are paused for nothing'
  if (idle && machine.open.length === 0 && (machine.held.length > 0 || machine.floors.length > 0))
    return 'positions are held by floors that are gone'
  return null
}
