import { tidyText } from './tidy.js'
import type { InspectedFeed, WallMillis } from './types.js'
import type { RecordOf, View } from './view.js'

/** A feed. */
export class FeedView implements View<InspectedFeed> {
  readonly id: number
  readonly among = 'feeds'
  readonly tells = false
  readonly #name: string
  readonly #noun: WeakRef<RecordOf<'feed'>['noun']>
  #told = -1

  constructor(id: number, { env, noun }: RecordOf<'feed'>) {
    this.id = id
    this.#name = tidyText(env.name)
    this.#noun = new WeakRef(noun)
  }

  row(): InspectedFeed | null {
    const feed = this.#noun.deref()
    return feed === undefined ? null : { id: this.id, name: this.#name, readers: feed.size }
  }

  news(): InspectedFeed | null {
    const readers = this.#noun.deref()?.size ?? -1
    if (readers === this.#told) return null
    this.#told = readers
    return this.row()
  }

  /** Feeds have no end of their own. */
  shownUntil(): WallMillis {
    return this.#noun.deref() === undefined ? 0 : Infinity
  }
}
