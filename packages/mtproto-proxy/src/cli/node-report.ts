import type { PoolState } from '@holdfast/core'
import type { DataCenterFigures, ProxyFigures } from '../metrics/figures.js'
import type { ProxyNode } from '../node/proxy-node.js'
import type { StatusReport } from './status-report.js'
import { version } from './version.js'

/** Where a node stands, for metrics. */
export function figuresOf(node: ProxyNode): ProxyFigures {
  const { listeners, dataCenters, fronted, replay, secrets, back, fronts } = node.state
  const peers = fronts.map((front) => ({ name: front.node ?? 'unknown', isUp: true }))
  if (back !== null) peers.push({ name: 'back', isUp: back.links.length > 0 })
  return {
    connections: Object.fromEntries(listeners.map(({ name, links }) => [name, links])),
    dataCenters: [...dataCenters].map(([dcId, pool]) => dataCenterFigures(dcId, pool)),
    fronted,
    secrets,
    peers,
    ...(replay !== null && { replay }),
  }
}

/** Where a node stands, for `GET /state`. */
export function reportOf(node: ProxyNode, upSeconds: number): StatusReport {
  const { part, phase, configAge, externalIp } = node.state
  const isFront = part === 'front' || part === 'worker'
  return {
    ...figuresOf(node),
    version,
    role: part,
    phase,
    upSeconds,
    ...(!isFront && { telegramAgeSeconds: configAge === null ? null : Math.floor(configAge / 1000) }),
    ...(externalIp !== null && { externalIp }),
    tables: node.tables?.sizes() ?? {},
  }
}

function dataCenterFigures(dcId: number, { links, parked }: PoolState): DataCenterFigures {
  const bound = links.map((link) => link.bound)
  return {
    dcId,
    links: links.length,
    clients: bound.reduce((sum, count) => sum + count, parked),
    clientsPerLink: {
      min: Math.min(...bound, ...(bound.length === 0 ? [0] : [])),
      max: Math.max(0, ...bound),
    },
    parked,
  }
}
