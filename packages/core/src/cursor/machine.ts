import type { LinkId } from '../end.js'
import type { Step } from '../interpreter.js'
import { belowFloors } from './floors.js'
import { judgeAdvance, judgeSeal } from './judge.js'
import { drop } from './losses.js'
import { afterFirst, emptyQueue, first, listed, push, pushOver } from './queue.js'
import { place, receive } from './received.js'
import { save, saveFinished, saveSoon } from './saving.js'
import {
  type CursorDraft,
  type CursorEffect,
  type CursorEvent,
  type CursorMachine,
  type CursorRules,
  draftOf,
  type SealedEntry,
  type Verdict,
} from './state.js'
import type { Position } from './types.js'

/** The pure machine of a cursor. An event that means nothing returns the very same state. */
export function cursorStep<P>(
  state: CursorMachine<P>,
  event: CursorEvent<P>,
  rules: CursorRules<P>,
): Step<CursorMachine<P>, CursorEffect<P>> {
  if (state.phase === 'unloaded' && event.kind !== 'loaded' && event.kind !== 'closed')
    return { state, effects: [] }
  const transition = new Transition(state, rules)
  return transition.take(event)
    ? { state: transition.finish(), effects: transition.effects }
    : { state, effects: [] }
}

/** One step in the making: a copy of the state that is written to until it is handed out. */
class Transition<P> {
  readonly effects: CursorEffect<P>[] = []
  readonly #s: CursorDraft<P>
  readonly #rules: CursorRules<P>

  constructor(state: CursorMachine<P>, rules: CursorRules<P>) {
    this.#s = draftOf(state)
    this.#rules = rules
  }

  /** @returns whether the event meant anything */
  take(event: CursorEvent<P>): boolean {
    const s = this.#s
    const over = s.phase === 'closed'
    switch (event.kind) {
      case 'loaded':
        if (s.phase !== 'unloaded') return false
        s.phase = 'unknown'
        s.received = s.applied = s.durable = event.position
        return true
      case 'opened':
        if (over) return false
        this.#feed(event.link)
        s.open = [...s.open, { batch: event.batch, link: event.link }]
        if (event.floor !== undefined) s.floors = [...s.floors, { batch: event.batch, floor: event.floor }]
        return true
      case 'discarded': {
        const known = s.open.some(({ batch }) => batch === event.batch)
        if (known) this.#drop((open) => open.batch === event.batch, none)
        return known
      }
      case 'sealed':
        s.now = event.at
        return this.#seal(event)
      case 'advanced':
        if (over || judgeAdvance(s, event.to, this.#rules) === 'back') return false
        s.now = event.at
        this.#retry()
        this.#mark(event.to)
        return true
      case 'applied':
      case 'apply-failed':
        return this.#settle(event)
      case 'resumed':
        return this.#resumed(event.link)
      case 'reset':
        if (over) return false
        this.#feed(event.link, false)
        this.#reset({ why: event.why, peer: event.peer, link: event.link })
        return true
      case 'resynced':
        if (s.resync !== 'running') return false
        if (this.#rules.savedBy === 'save') s.resync = { took: event.position }
        else this.#adopt(event.position)
        return true
      case 'resync-failed':
        if (s.resync !== 'running') return false
        this.#unresynced(event.cause)
        return true
      case 'saved':
      case 'save-failed':
        return this.#saved(event)
      case 'save-due':
        s.armed = false
        saveFinished(s)
        return true
      case 'hurried':
        if (s.saved === s.sealed) return false
        s.due = s.sealed
        return true
      case 'link-ended':
        return this.#linkEnded(event.link)
      case 'closed':
        if (over) return false
        s.phase = 'closed'
        s.verdict = s.again = null
        s.resync = 'none'
        this.#dropAll()
        return true
    }
  }

  /** Whatever the event was: goes on with what is queued, unsaved or owed, and looks at the backlog. */
  finish(): CursorMachine<P> {
    const s = this.#s
    this.#pump()
    this.#want(save(s, this.#rules))
    const { bytes, count = Infinity, age = Infinity } = this.#rules.backlog
    const oldest = s.applying?.entry ?? first(s.queue)
    s.paused =
      s.phase === 'resyncing' ||
      (s.phase !== 'closed' &&
        (s.bytes > bytes || s.count > count || (oldest !== undefined && s.now - oldest.at > age)))
    return s
  }

  /** The link feeds this cursor; after a failed resync that is the occasion to try again. */
  #feed(link: LinkId | null, retry = true): void {
    const s = this.#s
    if (link !== null && !s.links.includes(link)) s.links = [...s.links, link]
    if (retry) this.#retry()
  }

  #retry(): void {
    if (this.#s.phase === 'stale') this.#s.phase = 'resyncing'
  }

  #seal(event: CursorEvent<P> & { kind: 'sealed' }): boolean {
    const s = this.#s
    const open = s.open.find(({ batch }) => batch === event.batch)
    if (open === undefined) return false
    s.open = s.open.filter((other) => other !== open)
    const { batch, to, bytes, count, at } = event
    const verdict = judgeSeal(s, to, this.#rules)
    if (verdict === 'ok') {
      s.sealed += 1
      this.#append({ order: s.sealed, batch, link: open.link, to, bytes, count, at })
      return true
    }
    this.effects.push({ kind: 'drop', batches: [batch] })
    s.floors = s.floors.filter((floor) => floor.batch !== batch)
    if (verdict === 'gap') this.#reset({ why: 'gap', peer: this.#place(to as P), link: open.link })
    // Its floor has lifted all the same.
    else if (s.held.length > 0) this.#mark(null)
    return true
  }

  /** Queues a position without items; `null` for no more than a look at what is held. */
  #mark(to: P | null): void {
    const s = this.#s
    s.sealed += 1
    this.#append({ order: s.sealed, batch: null, link: null, to, bytes: 0, count: 0, at: s.now })
  }

  #append(entry: SealedEntry<P>): void {
    const s = this.#s
    s.bytes += entry.bytes
    s.count += entry.count
    if (entry.batch !== null) s.queue = push(s.queue, entry)
    // A position soon overtaken need not be queued; else the peer could fill the memory with them.
    else s.queue = pushOver(s.queue, entry, (newest) => newest.batch === null && entry.to !== null)
    if (entry.to !== null && s.verdict === null) this.#receive(this.#place(entry.to))
  }

  #pump(): void {
    const s = this.#s
    if (s.phase === 'resyncing') {
      // What is being applied finishes first: it would overwrite newer state.
      if (s.applying !== null || s.resync !== 'none' || s.verdict === null) return
      s.resync = 'running'
      this.effects.push({ kind: 'resync', why: s.verdict.why, peer: s.verdict.peer })
      return
    }
    while (s.applying === null && s.verdict === null) {
      const entry = first(s.queue)
      if (entry === undefined) return
      s.queue = afterFirst(s.queue)
      const moveTo = this.#moveTo(entry)
      if (entry.batch !== null || (moveTo !== null && this.#rules.savedBy === 'apply')) {
        s.applying = { entry, moveTo }
        this.effects.push({ kind: 'apply', batch: entry.batch, to: moveTo })
      } else if (moveTo !== null) this.#commit(moveTo)
    }
  }

  /** Where the position goes with this entry: as far as no floor forbids; the rest is held. */
  #moveTo(entry: SealedEntry<P>): Position<P> | null {
    const s = this.#s
    const { compare } = this.#rules
    if (s.floors.length > 0) s.floors = s.floors.filter(({ batch }) => batch !== entry.batch)
    const ahead = (to: P): boolean => s.applied === null || compare(to, s.applied.at) > 0
    if (s.floors.length === 0 && s.held.length === 0)
      return entry.to !== null && ahead(entry.to) ? this.#place(entry.to) : null
    const targets = entry.to === null ? [...s.held] : [...s.held, entry.to].sort(compare)
    const { furthest, held } = belowFloors(targets, s.floors, compare)
    s.held = held
    return furthest !== undefined && ahead(furthest) ? this.#place(furthest) : null
  }

  #settle(event: CursorEvent<P> & { kind: 'applied' | 'apply-failed' }): boolean {
    const s = this.#s
    const { applying } = s
    if (applying === null) return false
    s.applying = null
    if (event.kind === 'applied') {
      s.now = event.at
      s.bytes -= applying.entry.bytes
      s.count -= applying.entry.count
      if (applying.moveTo !== null) this.#commit(applying.moveTo)
      return true
    }
    if (s.phase === 'closed') return true
    this.#endLinks(event.cause)
    if (s.verdict === null) s.phase = 'unknown'
    return true
  }

  #commit(to: Position<P>): void {
    const s = this.#s
    s.applied = to
    this.#receive(to)
    if (this.#rules.savedBy === 'apply') s.durable = to
    if (this.#rules.saveEvery === 0) saveFinished(s)
  }

  #resumed(link: LinkId | null): boolean {
    const s = this.#s
    if (s.phase === 'closed') return false
    const before = s.phase
    const known = link === null || s.links.includes(link)
    this.#feed(link)
    const { verdict } = s
    if (verdict === null) s.phase = 'continuous'
    else if (s.resync !== 'none' && s.again === null && (link === null || link !== verdict.link)) {
      s.again = { ...verdict, link }
      return true
    }
    return !known || s.phase !== before
  }

  #reset(verdict: Verdict<P>): void {
    const s = this.#s
    this.#drop(none, all)
    s.held = []
    s.phase = 'resyncing'
    if (s.resync === 'none') s.verdict = verdict
    else s.again = verdict
  }

  /** The state has been loaded as of `took`. */
  #adopt(took: Position<P> | null): void {
    const s = this.#s
    const { again } = s
    s.received = s.applied = took
    if (this.#rules.savedBy !== 'nobody') s.durable = took
    s.resync = 'none'
    s.verdict = s.again = null
    s.phase = 'resynced'
    const waiting = listed(s.queue)
    s.queue = emptyQueue
    s.bytes = s.count = 0
    let gap: SealedEntry<P> | null = null
    for (const entry of waiting) {
      const verdict = gap === null ? this.#judgeWaiting(entry) : 'ok'
      if (verdict === 'old') this.#forget(entry)
      else this.#append(entry)
      if (verdict === 'gap') gap = entry
    }
    if (again !== null) this.#reset(again)
    else if (gap !== null) this.#reset({ why: 'gap', peer: this.#place(gap.to as P), link: gap.link })
  }

  /** What was sealed during a resync is `old` if the position that it brought covers it. */
  #judgeWaiting(entry: SealedEntry<P>): 'ok' | 'old' | 'gap' {
    const s = this.#s
    if (entry.to === null || s.applied === null) return 'ok'
    if (this.#rules.compare(entry.to, s.applied.at) <= 0) return 'old'
    return entry.batch === null ? 'ok' : judgeSeal(s, entry.to, this.#rules)
  }

  #forget(entry: SealedEntry<P>): void {
    if (entry.batch === null) return
    this.effects.push({ kind: 'drop', batches: [entry.batch] })
    this.#s.floors = this.#s.floors.filter(({ batch }) => batch !== entry.batch)
  }

  #unresynced(cause: unknown): void {
    const s = this.#s
    s.resync = 'none'
    if (s.again === null) {
      s.phase = 'stale'
      this.#endLinks(cause)
    } else {
      s.verdict = s.again
      s.again = null
    }
  }

  #saved(event: CursorEvent<P> & { kind: 'saved' | 'save-failed' }): boolean {
    const s = this.#s
    const { saving } = s
    if (saving === null) return false
    s.saving = null
    if (event.kind === 'save-failed') {
      if (saving.final && s.resync !== 'none') this.#unresynced(event.cause)
    } else if (!saving.final) {
      s.durable = saving.to
      s.saved = saving.upTo
    } else if (s.resync !== 'none') this.#adopt(saving.to)
    return true
  }

  #linkEnded(link: LinkId): boolean {
    const s = this.#s
    if (!s.links.includes(link)) return false
    s.links = s.links.filter((other) => other !== link)
    this.#drop(
      (open) => open.link === link,
      (entry) => entry.link === link,
    )
    if (s.links.length === 0 && (s.phase === 'continuous' || s.phase === 'resynced')) s.phase = 'unknown'
    saveSoon(this.#s)
    return true
  }

  #endLinks(cause: unknown): void {
    this.#dropAll()
    this.effects.push({ kind: 'end-links', cause })
  }

  #dropAll(): void {
    this.#drop(all, all)
    this.#s.links = []
    saveSoon(this.#s)
  }

  #drop(
    open: (open: { readonly batch: number; readonly link: LinkId }) => boolean,
    queued: (entry: SealedEntry<P>) => boolean,
  ): void {
    this.#want(drop(this.#s, this.#rules, { open, queued }))
  }

  #want(effect: CursorEffect<P> | null): void {
    if (effect !== null) this.effects.push(effect)
  }

  #receive(to: Position<P>): void {
    receive(this.#s, to, this.#rules.compare)
  }

  #place(at: P): Position<P> {
    return place(this.#s, at)
  }
}

const all = (): boolean => true
const none = (): boolean => false
