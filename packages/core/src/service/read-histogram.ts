import { Histogram, type Registry } from 'prom-client'
import { Children, labelled } from './series.js'

/** A histogram of certain labels. */
export interface Distribution {
  /** Takes one value, in the unit of the metric. */
  observe(value: number): void
}

/** What prom-client is told of a histogram. */
interface HistogramOptions {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly registers: Registry[]
}

/** One line of a histogram, as registries of prom-client 15 take them. */
interface SeriesValue {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly sharedLabels: Readonly<Record<string, string>>
  readonly value: number
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

/** A histogram whose figures are kept as plain numbers: `Histogram` has no `collect` that could set them. */
export class ReadHistogram extends Histogram {
  readonly #options: HistogramOptions
  readonly #children: Children<Buckets>

  constructor(options: HistogramOptions, bounds: readonly number[]) {
    const { name, help, labelNames, registers } = options
    super({ name, help, labelNames, registers, buckets: [...bounds] })
    this.#options = options
    this.#children = new Children(() => new Buckets(bounds))
  }

  /** The one of these labels' values, made at the first call. */
  of(values: readonly string[]): Distribution {
    return this.#children.of(values)
  }

  /** Both `get` and registries read it; its type is missing from those of prom-client 15. */
  getForPromString(): Promise<object> {
    const { name, help } = this.#options
    return Promise.resolve({ name, help, type: 'histogram', values: [...this.#series()], aggregator: 'sum' })
  }

  *#series(): Generator<SeriesValue> {
    const { name, labelNames } = this.#options
    for (const { values, child } of this.#children) {
      const sharedLabels = labelled(labelNames, values)
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
