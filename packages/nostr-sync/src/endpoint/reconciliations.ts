import type { EventStore } from '../store/types.js'
import type { Filter } from '../wire/filter.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import type { EndpointStats } from './endpoint-stats.js'
import type { EndpointLimits } from './types.js'

/** Sets that are being collected at a time, of all clients. */
const collectAtOnce = 4
/** Sets that wait for their turn, of all clients: a client that opens anew and anew leaves those it has given up in line. */
const waitAtMost = 256

/** Collects sets for the reconciliations of all clients: some at a time, and no more items than is allowed together. */
export class Reconciliations {
  readonly #store: EventStore
  readonly #limits: EndpointLimits
  readonly #stats: EndpointStats
  #collecting = 0
  readonly #waiting: (() => void)[] = []

  constructor(store: EventStore, limits: EndpointLimits, stats: EndpointStats) {
    this.#store = store
    this.#limits = limits
    this.#stats = stats
  }

  /**
   * Collects what matches.
   *
   * @param isWanted - asked when its turn has come
   * @returns the items, to be given back by {@link Reconciliations.release}; `too-many` for one session; `busy` when too many
   *   are in use, or waited for, together; null when it is no longer wanted
   */
  async collect(
    filter: Filter,
    isWanted: () => boolean,
  ): Promise<NegentropyItems | 'too-many' | 'busy' | null> {
    if (this.#waiting.length >= waitAtMost) return 'busy'
    if (this.#collecting >= collectAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#collecting++
    try {
      if (!isWanted()) return null
      const { negentropyItems, negentropyItemsOfAll } = this.#limits
      const items = await this.#store.items(filter, { max: negentropyItems })
      if (items === 'too-many' || !isWanted()) return items === 'too-many' ? items : null
      if (this.#stats.negentropyItems + items.size > negentropyItemsOfAll) return 'busy'
      this.#stats.negentropyItems += items.size
      return items
    } finally {
      // The place goes on to the next, or is free.
      const next = this.#waiting.shift()
      if (next === undefined) this.#collecting--
      else next()
    }
  }

  release(items: NegentropyItems): void {
    this.#stats.negentropyItems -= items.size
  }
}
