import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { NounRecord } from '../index.js'
import type { InspectedNouns, InspectorMessage, WallMillis } from './types.js'
import type { View, ViewHost } from './view.js'
import { viewOf } from './views.js'

/** Nouns that are looked at, at most; further ones are counted. */
const nounsKept = 20_000
/** Rows of one message at most; the rest comes with the next. */
const rowsOfMessage = 1000

const channel = 'holdfast:noun'

/** All rows by kind, to be filled. */
type Rows = { -readonly [K in keyof InspectedNouns]: InspectedNouns[K][number][] }

/** Every noun that was made in this process since this was made. Keeps none of them from being garbage. */
export class NounRegistry implements Disposable {
  readonly #views = new Map<number, View>()
  /** Those who have said that they changed. */
  #changed = new Set<View>()
  /** Those who do not say so. */
  readonly #silent = new Set<View>()
  #gone: number[] = []
  #nextId = 1
  #omitted = 0
  readonly #host: ViewHost
  readonly #hear = (message: unknown): void => {
    if (this.#views.size >= nounsKept) {
      this.#omitted += 1
      return
    }
    const view = viewOf(this.#nextId, message as NounRecord, this.#host)
    this.#nextId += 1
    this.#views.set(view.id, view)
    if (view.tells) this.#changed.add(view)
    else this.#silent.add(view)
  }

  constructor(wall: () => WallMillis) {
    this.#host = {
      wall,
      changed: (view) => {
        if (this.#views.has(view.id)) this.#changed.add(view)
      },
    }
    subscribe(channel, this.#hear)
  }

  /** Nouns that there was no room for. */
  get omitted(): number {
    return this.#omitted
  }

  /** Every noun as it is, some at a time: whoever writes them may pause in between. */
  *rows(atOnce: number): Generator<Partial<InspectedNouns>> {
    let some: Partial<Rows> = {}
    let count = 0
    for (const view of this.#views.values()) {
      if (!add(some, view, view.row())) continue
      count += 1
      if (count % atOnce !== 0) continue
      yield some
      some = {}
    }
    if (count % atOnce !== 0) yield some
  }

  /** What has changed since the last call; `null` if nothing has. */
  news(): Pick<InspectorMessage, keyof InspectedNouns | 'gone' | 'omitted'> | null {
    const some: Partial<Rows> = {}
    let count = 0
    for (const view of this.#changed) {
      if (count === rowsOfMessage) break
      this.#changed.delete(view)
      if (add(some, view, view.news())) count += 1
    }
    for (const view of this.#silent) if (add(some, view, view.news())) count += 1
    const gone = this.#gone
    this.#gone = []
    if (count === 0 && gone.length === 0) return null
    return { ...some, ...(gone.length > 0 && { gone }), ...(this.#omitted > 0 && { omitted: this.#omitted }) }
  }

  /** What {@link NounRegistry.news} would tell is told to nobody. */
  rest(): void {
    this.#changed.clear()
    this.#gone = []
  }

  /** Forgets nouns that are garbage, or have been over for a while. */
  sweep(): void {
    const now = this.#host.wall()
    for (const view of this.#views.values()) if (view.shownUntil() <= now) this.#forget(view)
  }

  [Symbol.dispose](): void {
    unsubscribe(channel, this.#hear)
    this.#views.clear()
    this.#silent.clear()
    this.rest()
  }

  #forget(view: View): void {
    this.#views.delete(view.id)
    this.#silent.delete(view)
    this.#changed.delete(view)
    this.#gone.push(view.id)
  }
}

/** @returns whether there was a row */
function add(to: Partial<Rows>, { among }: View, row: object | null): boolean {
  if (row === null) return false
  const rows: object[] = (to[among] ??= [])
  rows.push(row)
  return true
}
