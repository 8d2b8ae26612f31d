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
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of series()) this.inc(labels, value)
    },
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
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of series()) this.set(labels, value)
    },
  })
}
