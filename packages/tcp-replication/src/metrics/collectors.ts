import { Counter, Gauge, type Registry } from 'prom-client'

/** Labels and value of each series, read when the metrics are asked for, so that counting costs nothing. */
export type Series = () => readonly (readonly [Readonly<Record<string, string>>, number])[]

/** A counter whose values are kept elsewhere. */
export function counterOf(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  series: Series,
): void {
  const metric: Counter = new Counter({
    ...{ name, help, labelNames, registers: [registry] },
    collect: () => refill(metric, series),
  })
}

/** A counter of each: its name and help, and counts by what its only label says. */
export function countersOf(
  registry: Registry,
  counters: readonly (readonly [name: string, help: string, label: string, ReadonlyMap<string, number>])[],
): void {
  for (const [name, help, label, counts] of counters) {
    counterOf(registry, name, help, [label], () =>
      [...counts].map(([key, value]) => [{ [label]: key }, value]),
    )
  }
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
    ...{ name, help, labelNames, registers: [registry] },
    collect: () => refill(metric, series),
  })
}

function refill(metric: Counter | Gauge, series: Series): void {
  metric.reset()
  for (const [labels, value] of series()) metric.inc(labels, value)
}
