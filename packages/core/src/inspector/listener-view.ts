import type { ListenerState } from '../index.js'
import { tidyText } from './tidy.js'
import type { InspectedListener, WallMillis } from './types.js'
import type { RecordOf, View } from './view.js'

/** A listener. */
export class ListenerView implements View<InspectedListener> {
  readonly id: number
  readonly among = 'listeners'
  readonly tells = false
  readonly #name: string
  readonly #noun: WeakRef<RecordOf<'listener'>['noun']>
  #told: ListenerState | null = null

  constructor(id: number, { env, noun }: RecordOf<'listener'>) {
    this.id = id
    this.#name = tidyText(env.name)
    this.#noun = new WeakRef(noun)
  }

  row(): InspectedListener | null {
    const listener = this.#noun.deref()
    if (listener === undefined) return null
    const { phase, links, handshaking } = listener.state
    const endpoint = tidyText(listener.endpoint.uri)
    return { id: this.id, name: this.#name, endpoint, phase, links, handshaking }
  }

  news(): InspectedListener | null {
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
