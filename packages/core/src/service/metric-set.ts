import { Counter, Gauge, type Registry } from 'prom-client'
import { type Distribution, ReadHistogram } from './read-histogram.js'
import { Children, labelled } from './series.js'

/** A number that only grows. */
export interface Count {
  /** Adds to it; 1 unless told otherwise. */
  inc(by?: number): void
}

/** What a metric is called, after the prefix of its set, and what its labels are. */
export interface MetricDescription {
  readonly name: string
  readonly help: string
  /** @defaultValue none */
  readonly labels?: readonly string[]
  /**
   * What becomes of the values of several processes.
   *
   * @defaultValue 'sum'
   */
  readonly aggregator?: 'sum' | 'first' | 'min'
}

/**
 * What a metric is at present: one number, or a number for each of the labels' values. A `Map` from the values of an only
 * label fits.
 */
export type Readings = number | Iterable<readonly [values: string | readonly string[], value: number]>

/**
 * The metrics of one part of a program, in a registry of `prom-client`. Counting adds to plain numbers, and what others
 * count is read; both only come to the registry when somebody scrapes it.
 *
 * @example
 * ```ts
 * import { MetricSet } from '@holdfast/core/service'
 * import { Registry } from 'prom-client'
 *
 * const registry = new Registry()
 * const metrics = new MetricSet(registry, 'shop_')
 * const visits = metrics.counts({ name: 'visits_total', help: 'Visits', labels: ['door'] })
 * const front = visits('front')
 * front.inc()
 * metrics.gauge({ name: 'guests', help: 'Who is here' }, () => 7)
 * const text = await registry.metrics()
 * text.includes('shop_visits_total{door="front"} 1') // => true
 * text.includes('shop_guests 7') // => true
 * ```
 */
export class MetricSet {
  readonly #registry: Registry
  readonly #prefix: string

  /** @param prefix - what all names begin with; nothing unless given */
  constructor(registry: Registry, prefix = '') {
    this.#registry = registry
    this.#prefix = prefix
  }

  /** A counter that is counted here. Ask for the one of certain labels once, and keep it: the same give the same. */
  counts(metric: MetricDescription): (...values: readonly string[]) => Count {
    const children = new Children(() => new Tally())
    this.counter(metric, () => tallies(children))
    return (...values) => children.of(values)
  }

  /** A counter whose values are kept elsewhere. */
  counter(metric: MetricDescription, read: () => Readings): void {
    new Counter({ ...this.#options(metric), collect: collectOf(metric, read) })
  }

  /** A gauge whose values are kept elsewhere. */
  gauge(metric: MetricDescription, read: () => Readings): void {
    new Gauge({ ...this.#options(metric), collect: collectOf(metric, read) })
  }

  /**
   * A histogram. Ask for the one of certain labels once, and keep it.
   *
   * @param bounds - the upper bounds of its buckets, ascending
   */
  distributions(
    metric: MetricDescription,
    bounds: readonly number[],
  ): (...values: readonly string[]) => Distribution {
    const histogram = new ReadHistogram(this.#options(metric), bounds)
    return (...values) => histogram.of(values)
  }

  #options({ name, help, labels = [], aggregator = 'sum' }: MetricDescription) {
    return {
      name: this.#prefix + name,
      help,
      labelNames: labels,
      aggregator,
      registers: [this.#registry],
    }
  }
}

class Tally implements Count {
  value = 0

  inc(by = 1): void {
    this.value += by
  }
}

function* tallies(children: Children<Tally>): Generator<readonly [readonly string[], number]> {
  for (const { values, child } of children) yield [values, child.value]
}

function collectOf(
  { labels = [] }: MetricDescription,
  read: () => Readings,
): (this: Counter | Gauge) => void {
  return function () {
    const found = read()
    this.reset()
    if (typeof found === 'number') this.inc(found)
    else for (const [values, value] of found) this.inc(labelled(labels, values), value)
  }
}
