import { Buffer } from 'node:buffer'
import { IdSet } from '../wire/id-set.js'

/**
 * Remembers the ids that were verified of late, so that an event that ten relays send is checked once (R78). Some 40 bytes an
 * id; when it is full the older half goes at once.
 */
export class KnownIds {
  readonly #half: number
  readonly #seed: number
  #recent: IdSet
  #older: IdSet

  /**
   * @param capacity - ids that are remembered at most; never fewer than half of that, once so many came
   * @param seed - a random 32-bit number, because strangers choose ids
   */
  constructor(capacity = 1_000_000, seed = 0) {
    this.#half = Math.max(1, Math.floor(capacity / 2))
    this.#seed = seed
    this.#recent = new IdSet(0, seed)
    this.#older = new IdSet(0, seed)
  }

  /** How many ids are held; one that was asked for of late may count twice. */
  get size(): number {
    return this.#recent.size + this.#older.size
  }

  /** Whether the id was added and not yet forgotten. One that is asked for is remembered for longer. */
  has(id: string): boolean {
    const bytes = Buffer.from(id, 'hex')
    if (this.#recent.has(bytes)) return true
    if (!this.#older.has(bytes)) return false
    this.#add(bytes)
    return true
  }

  /** Remembers an id. Only after its signature was checked: a forged body must not keep the real one out. */
  add(id: string): void {
    const bytes = Buffer.from(id, 'hex')
    if (!this.#recent.has(bytes)) this.#add(bytes)
  }

  #add(bytes: Buffer): void {
    if (this.#recent.size >= this.#half) {
      this.#older = this.#recent
      this.#recent = new IdSet(0, this.#seed)
    }
    this.#recent.add(bytes)
  }
}
