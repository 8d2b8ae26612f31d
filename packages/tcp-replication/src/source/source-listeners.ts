import type { Off } from '@holdfast/core'
import type { SourceEvent } from './types.js'

/** Those who are told of a source's changes. */
export class SourceListeners {
  /** Replaced when somebody comes or goes, so that whoever is being told sees no change. */
  #listeners: readonly { readonly tell: (event: SourceEvent) => void }[] = []

  add(listener: (event: SourceEvent) => void): Off {
    // An object of its own, so that a function that subscribed twice is told twice.
    const entry = { tell: listener }
    this.#listeners = [...this.#listeners, entry]
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== entry)
    }
  }

  /** Tells everybody; one who throws harms neither the others nor the source, and surfaces as uncaught. */
  tell(event: SourceEvent): void {
    for (const { tell } of this.#listeners) {
      try {
        tell(event)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  clear(): void {
    this.#listeners = []
  }
}
