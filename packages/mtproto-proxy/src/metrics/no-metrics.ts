import type { DataCenterMetrics, ListenerMetrics, ProxyMetrics } from './types.js'

const nothing = (): void => undefined
const count = { inc: nothing }
const distribution = { observe: nothing }
const sizes = { fromClient: distribution, toClient: distribution }

const listener: ListenerMetrics = {
  accepted: count,
  closed: count,
  timedOut: count,
  hibernated: count,
  received: count,
  sent: count,
  quickAcks: count,
  lifetime: distribution,
  sendDuration: distribution,
  migrationDuration: distribution,
  timerSwitched: nothing,
  protocolError: nothing,
  protocolOk: nothing,
  sendFailed: nothing,
  refused: nothing,
  migrated: nothing,
}

const dataCenter: DataCenterMetrics = {
  received: count,
  sent: count,
  connected: count,
  backpressureDuration: distribution,
  sendDuration: distribution,
  linkLifetime: distribution,
  connectFailed: nothing,
  backpressure: nothing,
}

/** Counts nothing, for who wants no metrics. */
export const noMetrics: ProxyMetrics = {
  listener: () => listener,
  dataCenter: () => dataCenter,
  healthcheck: nothing,
  chunkSize: sizes,
  packetSize: sizes,
}
