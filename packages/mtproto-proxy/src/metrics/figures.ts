import { MetricSet, type Readings } from '@holdfast/core/service'
import type { Registry } from 'prom-client'
import { metricPrefix } from './prometheus-metrics.js'

/** Where one data centre's pool stands. */
export interface DataCenterFigures {
  readonly dcId: number
  /** Ready connections. */
  readonly links: number
  readonly clients: number
  /** Clients on the connection that has fewest, and on the one that has most. */
  readonly clientsPerLink: { readonly min: number; readonly max: number }
  /** Clients that wait for a connection. */
  readonly parked: number
}

/** Where a proxy stands; what a role does not have is empty or absent. */
export interface ProxyFigures {
  /** Open client connections of each listener. */
  readonly connections: Readonly<Record<string, number>>
  readonly dataCenters: readonly DataCenterFigures[]
  /** Bad clients that are being relayed to a decoy. */
  readonly fronted: number
  readonly replay?: { readonly items: number; readonly bytes: number } | undefined
  readonly secrets?:
    | readonly { readonly name: string; readonly connections: number; readonly bytes: number }[]
    | undefined
  /** Of a split proxy: the links to its peers. */
  readonly peers?: readonly { readonly name: string; readonly isUp: boolean }[] | undefined
}

/** Adds gauges to a registry that ask where the proxy stands whenever they are scraped; also `build_info`. */
export function registerFigures(
  registry: Registry,
  o: { readonly read: () => ProxyFigures; readonly version: string },
): void {
  const { read, version } = o
  const metrics = new MetricSet(registry, metricPrefix)
  const gauge = (
    name: string,
    help: string,
    labels: readonly string[],
    values: (figures: ProxyFigures) => Readings,
  ): void => metrics.gauge({ name, help, labels }, () => values(read()))
  const perDc = (value: (dc: DataCenterFigures) => number) => (figures: ProxyFigures) =>
    figures.dataCenters.map((dc) => [String(dc.dcId), value(dc)] as const)

  gauge('connections_count', 'Open client connections', ['listener'], ({ connections }) =>
    Object.entries(connections),
  )
  gauge(
    'dc_num_downstreams',
    'Ready connections to Telegram',
    ['dc'],
    perDc(({ links }) => links),
  )
  gauge(
    'dc_num_upstreams',
    'Clients of a data centre',
    ['dc'],
    perDc(({ clients }) => clients),
  )
  gauge(
    'migration_parked',
    'Clients that wait for a connection',
    ['dc'],
    perDc(({ parked }) => parked),
  )
  gauge('dc_upstreams_per_downstream', 'Clients on one connection', ['dc', 'meter'], ({ dataCenters }) =>
    dataCenters.flatMap(({ dcId, clientsPerLink: { min, max } }) => [
      [[String(dcId), 'min'], min],
      [[String(dcId), 'max'], max],
    ]),
  )
  gauge('fronted_connections', 'Bad clients relayed to a decoy', [], ({ fronted }) => fronted)
  gauge('replay_storage_items', 'Headers and hellos remembered', [], ({ replay }) =>
    replay === undefined ? [] : replay.items,
  )
  gauge('replay_storage_bytes', 'Memory that they take', [], ({ replay }) =>
    replay === undefined ? [] : replay.bytes,
  )
  gauge('secret_connections', 'Open connections of the owner of a secret', ['secret'], ({ secrets = [] }) =>
    secrets.map(({ name, connections }) => [name, connections]),
  )
  gauge('secret_bytes', 'Bytes that the owner of a secret has used up', ['secret'], ({ secrets = [] }) =>
    secrets.map(({ name, bytes }) => [name, bytes]),
  )
  const linkUp = {
    name: 'front_link_up',
    help: '1 while the link to a peer of a split proxy is up',
    labels: ['peer'],
    aggregator: 'min',
  } as const
  metrics.gauge(linkUp, () => (read().peers ?? []).map(({ name, isUp }) => [name, isUp ? 1 : 0]))
  const info = { name: 'build_info', help: 'Always 1', labels: ['version'], aggregator: 'first' } as const
  metrics.gauge(info, () => [[version, 1]])
}
