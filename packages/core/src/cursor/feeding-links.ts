import type { End, LinkId, Off } from '../end.js'
import type { LinkScope } from '../link/types.js'

interface Feeding {
  readonly scope: LinkScope
  release: Off | null
}

/** The links that feed a cursor, which it stops reading while its backlog is full. */
export class FeedingLinks {
  readonly #links = new Map<LinkId, Feeding>()
  readonly #ended: (link: LinkId) => void

  /** @param ended - told of each once, when it ends */
  constructor(ended: (link: LinkId) => void) {
    this.#ended = ended
  }

  /**
   * Counts a link among them.
   *
   * @returns false where it has already ended
   */
  add(scope: LinkScope): boolean {
    const { id } = scope.link
    if (this.#links.has(id)) return true
    this.#links.set(id, { scope, release: null })
    scope.defer(() => {
      this.#links.get(id)?.release?.()
      this.#links.delete(id)
      this.#ended(id)
    })
    return this.#links.has(id)
  }

  /** Stops reading all of them, or goes on; again does nothing. */
  pause(isPaused: boolean): void {
    for (const feeding of this.#links.values()) {
      if (isPaused) feeding.release ??= feeding.scope.link.pause()
      else {
        feeding.release?.()
        feeding.release = null
      }
    }
  }

  /** Ends all of them. */
  fail(why: End): void {
    for (const { scope } of [...this.#links.values()]) scope.fail(why)
  }
}
