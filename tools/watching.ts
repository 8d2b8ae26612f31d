/**
 * What the files that watch a program ask Prometheus for: `dashboard.json` and `alerts.yaml` in a package's `deploy/`.
 * Tests hold it to what the program's `/metrics` has, since a name that is mistyped shows nothing, for ever.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'

/** A panel of a Grafana dashboard, as far as it is looked at here. */
export interface Panel {
  readonly id: number
  readonly title: string
  readonly description?: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string }[]
}

/** A Grafana dashboard, as far as it is looked at here. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query?: string | { readonly query: string } }[]
  }
}

/** An alert of Prometheus. */
export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** The dashboard of a package. */
export function dashboardOf(deploy: string): Dashboard {
  return JSON.parse(readFileSync(join(deploy, 'dashboard.json'), 'utf8')) as Dashboard
}

/** The alerts of a package. */
export function alertsOf(deploy: string): Alert[] {
  const { groups } = parse(readFileSync(join(deploy, 'alerts.yaml'), 'utf8')) as {
    groups: readonly { readonly rules: readonly Alert[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}

/** A metric that an expression names, with the labels that it selects, sums up or joins by. */
export interface Selected {
  readonly metric: string
  readonly labels: readonly string[]
}

/**
 * The metrics that an expression of PromQL names.
 *
 * @throws an `Error` when it is not PromQL
 */
export function selectedBy(expression: string): Selected[] {
  // What Grafana puts in is a duration, or a value between quotes.
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h')
  const textOf = ({ from, to }: { readonly from: number; readonly to: number }): string =>
    text.slice(from, to)
  const found: { metric: string; labels: string[] }[] = []
  const grouped: string[] = []
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError)
        throw new Error(`not PromQL at "${text.slice(node.from, node.from + 20)}": ${expression}`)
      if (node.name === 'VectorSelector') {
        const name = node.node.getChild('Identifier')
        found.push({ metric: name === null ? '' : textOf(name), labels: [] })
      }
      if (node.name !== 'LabelName') return
      if (node.node.parent?.name === 'UnquotedLabelMatcher') found.at(-1)?.labels.push(textOf(node))
      else grouped.push(textOf(node))
    },
  })
  // By what it sums up or joins, all of its metrics are asked.
  return found.map(({ metric, labels }) => ({ metric, labels: [...labels, ...grouped] }))
}

/** What Prometheus adds to whatever it scrapes, and the metric that it makes itself. */
const itsOwn = { labels: ['instance', 'job'], metric: 'up' }

/** What is asked of a registry of prom-client. */
export interface LiveRegistry {
  metrics(): Promise<string>
  getSingleMetric(name: string): object | undefined
}

/** What a package's dashboard and alerts ask for, and the `/metrics` of its program does not have. */
export async function missingIn(registry: LiveRegistry, deploy: string): Promise<string[]> {
  const known = await labelsBySeries(registry)
  const dashboard = dashboardOf(deploy)
  const expressions = [
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...alertsOf(deploy).map(({ expr }) => expr),
  ]
  const missing = new Set<string>()
  for (const { metric, labels } of expressions.flatMap(selectedBy)) {
    if (metric === itsOwn.metric) continue
    const has = known.get(metric)
    if (has === undefined) missing.add(metric)
    for (const label of labels)
      if (has !== undefined && !itsOwn.labels.includes(label) && !has.includes(label))
        missing.add(`${metric}{${label}}`)
  }
  return [...missing]
}

/** All series that a page of metrics can have, with their labels: those that have not begun as well. */
async function labelsBySeries(registry: LiveRegistry): Promise<Map<string, readonly string[]>> {
  const known = new Map<string, readonly string[]>()
  for (const [, name = '', type] of (await registry.metrics()).matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const { labelNames = [] } = registry.getSingleMetric(name) as { readonly labelNames?: readonly string[] }
    known.set(name, labelNames)
    if (type !== 'histogram') continue
    known.set(`${name}_bucket`, [...labelNames, 'le'])
    known.set(`${name}_sum`, labelNames)
    known.set(`${name}_count`, labelNames)
  }
  return known
}
