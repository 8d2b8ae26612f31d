import type { DrainReport, HoldfastError, Millis } from '@holdfast/core'
import type { ServiceFlags } from '@holdfast/core/program'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { StatusReport } from '../status-report.js'

/** The command by which `run --workers` starts its processes. */
export const workerCommandName = 'worker'

/** How a worker is started. */
export interface WorkerStart {
  /** For its log. */
  readonly name: string
  readonly part: 'worker' | 'workers-back'
  /** Where workers and their back meet. */
  readonly at: string
  /** The configuration as it is written, with defaults. */
  readonly config: object
  readonly logLevel: ServiceFlags['logLevel']
  readonly json: boolean | undefined
  /** Where it serves its inspector; `null` for nowhere. */
  readonly inspect: string | null
}

/** What a worker can be asked. */
export type WorkerRequest =
  | { readonly kind: 'state' | 'metrics' | 'table-sizes' }
  | { readonly kind: 'reload'; readonly config: object }
  | { readonly kind: 'table-entries'; readonly table: string }
  | { readonly kind: 'table-add' | 'table-delete'; readonly table: string; readonly entry: string }

/** What is answered to each {@link WorkerRequest}. */
export interface WorkerAnswers {
  readonly state: StatusReport
  readonly metrics: readonly MetricObjectWithValues<MetricValue<string>>[]
  readonly reload: null
  readonly 'table-sizes': Record<string, number>
  readonly 'table-entries': readonly string[]
  readonly 'table-add': boolean
  readonly 'table-delete': boolean
}

/** What the parent says to a worker. */
export type ToWorker =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  | { readonly kind: 'ask'; readonly id: number; readonly request: WorkerRequest }
  | { readonly kind: 'drain'; readonly within: Millis }
  /** To be answered when all that was said before, and each client that was handed over, has been dealt with. */
  | { readonly kind: 'last' }

/** An error on its way to the parent. */
export interface ToldError {
  readonly code: HoldfastError['code']
  readonly message: string
}

/** What a worker says to its parent. */
export type FromWorker =
  /** It listens to its parent now; what is said before is lost in a process of `node:cluster`. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready'; readonly pid: number; readonly listeners: readonly ToldListener[] }
  /** It could not start, and exits. */
  | { readonly kind: 'failed'; readonly error: ToldError }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly error: ToldError }
  | { readonly kind: 'drained'; readonly report: DrainReport }
  | { readonly kind: 'last' }

/** A port of a worker. */
export interface ToldListener {
  readonly name: string
  readonly uri: string
}
