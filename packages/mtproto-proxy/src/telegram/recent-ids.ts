import type { ConnId } from '../wire/rpc.js'

/**
 * Remembers the last so many clients. A ring says which is the oldest: a set that grows at one end and shrinks at the other
 * would be searched for it past all that were deleted.
 */
export class RecentIds {
  readonly #max: number
  readonly #ids = new Set<ConnId>()
  readonly #ring: ConnId[] = []
  #next = 0

  /** @param max - how many are remembered */
  constructor(max: number) {
    this.#max = max
  }

  has(id: ConnId): boolean {
    return this.#ids.has(id)
  }

  /** Forgets the oldest, if there are too many. */
  add(id: ConnId): void {
    if (this.#ids.has(id)) return
    const oldest = this.#ring[this.#next]
    if (oldest !== undefined) this.#ids.delete(oldest)
    this.#ring[this.#next] = id
    this.#ids.add(id)
    this.#next = (this.#next + 1) % this.#max
  }
}
