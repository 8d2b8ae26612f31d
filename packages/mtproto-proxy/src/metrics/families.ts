import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Count, Distribution } from './types.js'

/** What a metric is called, without the prefix, and what its labels are. */
export interface MetricDescription {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/** A gauge's description. */
interface GaugeDescription extends MetricDescription {
  /**
   * What becomes of the values of several processes.
   *
   * @defaultValue 'sum'
   */
  readonly aggregator?: 'sum' | 'first' | 'min'
}

/** What all names begin with. */
const metricPrefix = 'mtproto_proxy_'

/** Series by their labels' values; prom-client hashes labels at every call, these only when first asked for. */
class Children<C> {
  readonly #children = new Map<string, { readonly values: readonly string[]; readonly child: C }>()
  readonly #make: () => C

  constructor(make: () => C) {
    this.#make = make
  }

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

class Tally implements Count {
  value = 0

  inc(by = 1): void {
    this.value += by
  }
}

/** A counter of a registry; its children are plain numbers until somebody scrapes. */
export function counterFamily(
  registry: Registry,
  { name, help, labels }: MetricDescription,
): (...values: readonly string[]) => Count {
  const children = new Children(() => new Tally())
  new Counter({
    name: metricPrefix + name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset()
      for (const { values, child } of children) this.inc(labelled(labels, values), child.value)
    },
  })
  return (...values) => children.of(values)
}

/** A gauge of a registry whose values are asked for when somebody scrapes. */
export function gaugeFamily(
  registry: Registry,
  { name, help, labels, aggregator = 'sum' }: GaugeDescription,
  read: () => Iterable<readonly [values: readonly string[], value: number]>,
): void {
  new Gauge({
    name: metricPrefix + name,
    help,
    labelNames: labels,
    registers: [registry],
    aggregator,
    collect() {
      this.reset()
      for (const [values, value] of read()) this.set(labelled(labels, values), value)
    },
  })
}

class Buckets implements Distribution {
  readonly bounds: readonly number[]
  /** How many values fell into each bucket and not into a smaller one; the last is beyond all bounds. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let index = 0
    while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1
    counts[index] = (counts[index] ?? 0) + 1
    this.sum += value
  }
}

/** One line of a histogram, as registries of prom-client 15 take them. */
interface SeriesValue {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly sharedLabels: Readonly<Record<string, string>>
  readonly value: number
}

/** A histogram whose figures are kept elsewhere: `Histogram` has no `collect` that could set them. */
class ReadHistogram extends Histogram {
  readonly #description: MetricDescription
  readonly #children: Children<Buckets>

  constructor(
    registry: Registry,
    description: MetricDescription,
    o: { readonly bounds: readonly number[]; readonly children: Children<Buckets> },
  ) {
    const { name, help, labels } = description
    super({
      name: metricPrefix + name,
      help,
      labelNames: labels,
      buckets: [...o.bounds],
      registers: [registry],
    })
    this.#description = description
    this.#children = o.children
  }

  /** Both `get` and registries read it; its type is missing from those of prom-client 15. */
  getForPromString(): Promise<object> {
    const { name, help } = this.#description
    const values = [...this.#series(metricPrefix + name)]
    return Promise.resolve({ name: metricPrefix + name, help, type: 'histogram', values, aggregator: 'sum' })
  }

  *#series(name: string): Generator<SeriesValue> {
    for (const { values, child } of this.#children) {
      const sharedLabels = labelled(this.#description.labels, values)
      let total = 0
      for (const [index, count] of child.counts.entries()) {
        total += count
        const le = child.bounds[index] ?? '+Inf'
        yield { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: total }
      }
      yield { metricName: `${name}_sum`, labels: {}, sharedLabels, value: child.sum }
      yield { metricName: `${name}_count`, labels: {}, sharedLabels, value: total }
    }
  }
}

/** A histogram of a registry; its children are plain numbers until somebody scrapes. */
export function histogramFamily(
  registry: Registry,
  description: MetricDescription,
  bounds: readonly number[],
): (...values: readonly string[]) => Distribution {
  const children = new Children(() => new Buckets(bounds))
  new ReadHistogram(registry, description, { bounds, children })
  return (...values) => children.of(values)
}

function labelled(labels: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, index) => [label, values[index] ?? '']))
}
