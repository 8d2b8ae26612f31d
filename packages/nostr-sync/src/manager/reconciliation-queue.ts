import type { RelayUrl } from '../wire/relay-url.js'

/** Lets one relay at a time be looked through again (R46): nobody waits for that, so nobody shall notice it. */
export class ReconciliationQueue {
  readonly #reconcile: (url: RelayUrl, done: () => void) => boolean
  readonly #waiting = new Set<RelayUrl>()
  #current: RelayUrl | null = null

  /** @param reconcile - begins; says whether it could, and is told `done` otherwise */
  constructor(reconcile: (url: RelayUrl, done: () => void) => boolean) {
    this.#reconcile = reconcile
  }

  add(url: RelayUrl): void {
    this.#waiting.add(url)
    this.#next()
  }

  /** The relay is gone, and what was under way with it. */
  drop(url: RelayUrl): void {
    this.#waiting.delete(url)
    this.#done(url)
  }

  #next(): void {
    if (this.#current !== null) return
    for (const url of this.#waiting) {
      this.#waiting.delete(url)
      this.#current = url
      if (this.#reconcile(url, () => this.#done(url))) return
      this.#current = null
    }
  }

  #done(url: RelayUrl): void {
    if (this.#current !== url) return
    this.#current = null
    this.#next()
  }
}
