import { Counter, Gauge, type Registry } from 'prom-client'

/** Labels and value of each series, read when the metrics are asked for, so that counting costs nothing. */
export type Series = () => Iterable<readonly [Readonly<Record<string, string>>, number]>

/** What all names begin with (R104). */
const prefix = 'holdfast_nostr_'

/** A counter whose values are kept elsewhere. */
export function counterOf(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  series: Series,
): void {
  const metric: Counter = new Counter({
    ...{ name: prefix + name, help, labelNames, registers: [registry] },
    collect: () => refill(metric, series),
  })
}

/** A gauge whose values are kept elsewhere. */
export function gaugeOf(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  series: Series,
): void {
  const metric: Gauge = new Gauge({
    ...{ name: prefix + name, help, labelNames, registers: [registry] },
    collect: () => refill(metric, series),
  })
}

function refill(metric: Counter | Gauge, series: Series): void {
  metric.reset()
  for (const [labels, value] of series()) metric.inc(labels, value)
}
