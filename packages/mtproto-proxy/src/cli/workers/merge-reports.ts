import type { DrainReport } from '@holdfast/core'
import type { StatusReport, WorkerState } from '../status-report.js'

/** One process, and what it says of where it stands; `null` if it does not. */
export interface Reported {
  readonly worker: WorkerState
  readonly report: StatusReport | null
}

/** One report of all: clients as the fronts count them, everything else as the back says. */
export function mergeStatus(
  own: Pick<StatusReport, 'version' | 'upSeconds' | 'phase'>,
  { back, fronts }: { readonly back: Reported; readonly fronts: readonly Reported[] },
): StatusReport {
  const connections: Record<string, number> = {}
  for (const [name, count] of fronts.flatMap(({ report }) => Object.entries(report?.connections ?? {}))) {
    connections[name] = (connections[name] ?? 0) + count
  }
  const clientsOf = ({ report }: Reported): number | null =>
    report === null ? null : Object.values(report.connections).reduce((sum, count) => sum + count, 0)
  return {
    ...(back.report ?? { dataCenters: [], tables: {} }),
    ...own,
    role: 'both',
    connections,
    fronted: fronts.reduce((sum, { report }) => sum + (report?.fronted ?? 0), 0),
    peers: [],
    workers: [
      { ...back.worker, clients: null },
      ...fronts.map((front) => ({ ...front.worker, clients: clientsOf(front) })),
    ],
  }
}

/** One report of several drains, some of which may have been one after another. */
export function mergeDrains(reports: readonly DrainReport[], took: number): DrainReport {
  return {
    finished: reports.reduce((sum, { finished }) => sum + finished, 0),
    cut: reports.flatMap(({ cut }) => cut),
    took,
    timedOut: reports.some(({ timedOut }) => timedOut),
  }
}
