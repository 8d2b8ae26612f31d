/** A connection that is read and ignored. */
export interface Ignored {
  close(code: string): void
}

/**
 * Strangers that are read and ignored until their time is over (spec 3.6). They take places of newcomers, so they are
 * bounded: of too many, the one that has been ignored for longest is closed, which looks as if its time had come.
 */
export class IgnoredStrangers {
  readonly #max: () => number
  readonly #all = new Set<Ignored>()

  constructor(max: () => number) {
    this.#max = max
  }

  get size(): number {
    return this.#all.size
  }

  add(connection: Ignored): void {
    this.#all.add(connection)
    if (this.#all.size <= this.#max()) return
    const [oldest] = this.#all
    oldest?.close('crowded-out')
  }

  /** It has ended. */
  delete(connection: Ignored): void {
    this.#all.delete(connection)
  }
}
