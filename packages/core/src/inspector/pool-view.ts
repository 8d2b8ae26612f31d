import type { PooledBinding } from '../index.js'
import { tidyText } from './tidy.js'
import type { InspectedPool, WallMillis } from './types.js'
import type { RecordOf, View } from './view.js'

const bindingsShown = 240

/** A pool, its links and those who are on them. */
export class PoolView implements View<InspectedPool> {
  readonly id: number
  readonly among = 'pools'
  readonly tells = false
  readonly #name: string
  readonly #noun: WeakRef<RecordOf<'pool'>['noun']>
  #told: object | null = null

  constructor(id: number, { env, noun }: RecordOf<'pool'>) {
    this.id = id
    this.#name = tidyText(env.name)
    this.#noun = new WeakRef(noun)
  }

  row(): InspectedPool | null {
    const pool = this.#noun.deref()
    if (pool === undefined) return null
    const { state } = pool
    const bound = state.links.reduce((sum, link) => sum + link.bound, state.parked)
    const bindings: PooledBinding[] = []
    for (const { id, label, link, moves } of pool.bindings()) {
      if (bindings.length === bindingsShown) break
      bindings.push({ id, label: tidyText(label), link, moves })
    }
    return { id: this.id, name: this.#name, ...state, bound, bindings }
  }

  news(): InspectedPool | null {
    // Another object after every step of the pool.
    const state = this.#noun.deref()?.state ?? null
    if (state === this.#told) return null
    this.#told = state
    return this.row()
  }

  shownUntil(): WallMillis {
    const phase = this.#noun.deref()?.state.phase ?? 'closed'
    return phase === 'closed' ? 0 : Infinity
  }
}
