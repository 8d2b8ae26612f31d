/** Counts by name. */
export type Counts<K extends string = string> = Readonly<Record<K, number>>

/** For people: `3 saved, 1 rejected`. */
export function describeCounts(counts: Counts): string {
  return Object.entries(counts)
    .map(([name, count]) => `${String(count)} ${name}`)
    .join(', ')
}

/** Counts by name, in the order of first mention, with zeros for those that are to be shown in any case. */
export class Tally<K extends string> {
  readonly #counts: Record<K, number>

  constructor(...names: readonly K[]) {
    this.#counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>
  }

  add(name: K, by = 1): void {
    this.#counts[name] += by
  }

  of(name: K): number {
    return this.#counts[name]
  }

  describe(): string {
    return describeCounts(this.#counts)
  }

  toJSON(): Counts<K> {
    return this.#counts
  }
}
