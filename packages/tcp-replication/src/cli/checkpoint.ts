import type { Position, PositionStore, Store } from '@holdfast/core'

/** The positions of several streams in one file. */
export class Checkpoint {
  readonly #store: Store<Record<string, Position<number> | null>>
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
        await this.#store.save(positions)
      },
    }
  }

  #loaded(): Promise<Record<string, Position<number> | null>> {
    this.#positions ??= this.#store.load().then((positions) => positions ?? {})
    return this.#positions
  }
}
