/** Series by their labels' values; prom-client hashes labels at every call, these only when first asked for. */
export class Children<C> {
  readonly #children = new Map<string, { readonly values: readonly string[]; readonly child: C }>()
  readonly #make: () => C

  constructor(make: () => C) {
    this.#make = make
  }

  /** The one of these values, made at the first call. */
  of(values: readonly string[]): C {
    const key = values.join('\n')
    let entry = this.#children.get(key)
    if (entry === undefined) {
      entry = { values, child: this.#make() }
      this.#children.set(key, entry)
    }
    return entry.child
  }

  [Symbol.iterator](): Iterator<{ readonly values: readonly string[]; readonly child: C }> {
    return this.#children.values()
  }
}

/** Labels with their values, as prom-client wants them. */
export function labelled(
  labels: readonly string[],
  values: string | readonly string[],
): Record<string, string> {
  const all = typeof values === 'string' ? [values] : values
  return Object.fromEntries(labels.map((label, index) => [label, all[index] ?? '']))
}
