import { tidyPosition, tidyText } from './tidy.js'
import type { InspectedCursor, WallMillis } from './types.js'
import type { RecordOf, View } from './view.js'

/** A cursor and how far it has come. */
export class CursorView implements View<InspectedCursor> {
  readonly id: number
  readonly among = 'cursors'
  readonly tells = false
  readonly #name: string
  readonly #key: string
  readonly #noun: WeakRef<RecordOf<'cursor'>['noun']>
  #told: readonly unknown[] = []

  constructor(id: number, { env, key, noun }: RecordOf<'cursor'>) {
    this.id = id
    this.#name = tidyText(env.name)
    this.#key = tidyText(key)
    this.#noun = new WeakRef(noun)
  }

  row(): InspectedCursor | null {
    const cursor = this.#noun.deref()
    if (cursor === undefined) return null
    const { phase, received, applied, durable } = cursor
    const far = received?.at
    const near = applied?.at
    const isNumeric = typeof far === 'number' && typeof near === 'number'
    return {
      id: this.id,
      name: this.#name,
      key: this.#key,
      phase,
      received: tidyPosition(far),
      applied: tidyPosition(near),
      durable: tidyPosition(durable?.at),
      lag: isNumeric ? far - near : null,
      isBehind: isNumeric ? far > near : tidyPosition(far) !== tidyPosition(near),
    }
  }

  news(): InspectedCursor | null {
    const cursor = this.#noun.deref()
    if (cursor === undefined) return null
    const { phase, received, applied, durable } = cursor
    const now = [phase, received, applied, durable]
    if (now.every((part, index) => part === this.#told[index])) return null
    this.#told = now
    return this.row()
  }

  shownUntil(): WallMillis {
    const phase = this.#noun.deref()?.phase ?? 'closed'
    return phase === 'closed' ? 0 : Infinity
  }
}
