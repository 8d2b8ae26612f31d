import type { ProxyFigures } from '../metrics/figures.js'
import type { ProxyPart } from '../node/proxy-node.js'

/** Where one process of `run --workers` is. */
export interface WorkerState {
  readonly name: string
  /** `null` while it is down. */
  readonly pid: number | null
  /** Of its lifecycle. */
  readonly phase: string
}

/** A process and who is connected to it. @internal */
export interface WorkerReport extends WorkerState {
  /** `null` of the back, and of who does not answer. */
  readonly clients: number | null
}

/** What `GET /state` answers. */
export interface StatusReport extends ProxyFigures {
  readonly version: string
  readonly role: ProxyPart
  readonly phase: string
  /** How long it has been running, in seconds. */
  readonly upSeconds: number
  /** How old Telegram's configuration is, in seconds; `null` while it is the copy of an earlier run, absent on a front. */
  readonly telegramAgeSeconds?: number | null
  /** The address of this host on the Internet, set or looked up, where somebody knows it. */
  readonly externalIp?: string
  /** How many entries each table has. */
  readonly tables: Readonly<Record<string, number>>
  /** The processes of `run --workers`. */
  readonly workers?: readonly WorkerReport[]
}

const partNames: Readonly<Record<ProxyPart, string>> = {
  both: 'alone',
  front: 'front of a split proxy',
  back: 'back of a split proxy',
  worker: 'one of several workers',
  'workers-back': 'back of several workers',
}

/** The report for people. */
export function describeStatus(report: StatusReport): string {
  const { version, role, phase, upSeconds, telegramAgeSeconds: age, fronted, replay, workers } = report
  const part = workers === undefined ? partNames[role] : `${workers.length} processes`
  const lines = [`${version}, ${part}: ${phase}, up ${span(upSeconds)}`]
  for (const { name, pid, phase: state, clients } of workers ?? []) {
    const parts = [
      pid === null ? [] : [`process ${pid}`],
      [state],
      clients === null ? [] : [`${clients} clients`],
    ]
    lines.push(`${name}: ${parts.flat().join(', ')}`)
  }
  for (const [name, count] of Object.entries(report.connections))
    lines.push(`port ${name}: ${count} connections`)
  for (const { dcId, links, clients, parked } of report.dataCenters) {
    const waiting = parked === 0 ? '' : `, ${parked} waiting`
    lines.push(`data centre ${dcId}: ${links} connections, ${clients} clients${waiting}`)
  }
  for (const { name, isUp } of report.peers ?? []) lines.push(`link to ${name}: ${isUp ? 'up' : 'down'}`)
  for (const { name, connections, bytes } of report.secrets ?? []) {
    lines.push(`secret ${name}: ${connections} connections, ${bytes} bytes in all`)
  }
  for (const [name, size] of Object.entries(report.tables)) lines.push(`table ${name}: ${size} entries`)
  if (fronted > 0) lines.push(`relayed to the decoy: ${fronted}`)
  if (replay !== undefined) lines.push(`handshakes remembered: ${replay.items}, ${replay.bytes} bytes`)
  if (age === null) lines.push("Telegram's configuration: a copy from an earlier run")
  else if (age !== undefined) lines.push(`Telegram's configuration: ${span(age)} old`)
  return `${lines.join('\n')}\n`
}

/** `3 d 4 h`, `5 min`, `12 s`. */
function span(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const
  let rest = Math.floor(seconds)
  const parts: string[] = []
  for (const [unit, size] of units) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)} ${unit}`)
    rest %= size
  }
  return parts.slice(0, 2).join(' ') || '0 s'
}
