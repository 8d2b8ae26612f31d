import type { Position, PositionStore, Store } from '@holdfast/core'

/** The positions of several streams in one file. */
export class Checkpoint {
  readonly #store: Store<Record<string, Position<number> | null>>
  /** Why the positions were not saved when that was last tried; `null` if they were. */
  #failure: Error | null = null
  #positions: Promise<Record<string, Position<number> | null>> | null = null

  constructor(store: Store<Record<string, Position<number> | null>>) {
    this.#store = store
  }

  /** The part of one stream. */
  of(stream: string): PositionStore<number> {
    return {
      load: async () => (await this.#loaded())[stream] ?? null,
      save: async (to) => {
        const positions = await this.#loaded()
        positions[stream] = to
        try {
          await this.#store.save(positions)
          this.#failure = null
        } catch (cause) {
          this.#failure = cause as Error
          throw cause
        }
      },
    }
  }

  /** @throws what kept the positions from being saved, if they are not */
  mustBeSaved(): void {
    if (this.#failure !== null) throw this.#failure
  }

  #loaded(): Promise<Record<string, Position<number> | null>> {
    this.#positions ??= this.#store.load().then((positions) => positions ?? {})
    return this.#positions
  }
}
