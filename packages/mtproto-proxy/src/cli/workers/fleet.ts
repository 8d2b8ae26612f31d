import { type ChildProcess, fork } from 'node:child_process'
import cluster from 'node:cluster'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DrainReport, type Env, HoldfastError, type Millis } from '@holdfast/core'
import type { ProxySettings } from '../../config/settings.js'
import type { WorkerState } from '../status-report.js'
import { childProcesses } from './child-process.js'
import { hangUpWithWorker } from './lost-handovers.js'
import { mergeDrains, type Reported } from './merge-reports.js'
import { type WorkerAnswers, type WorkerRequest, type WorkerStart, workerCommandName } from './messages.js'
import { Worker } from './worker.js'

/** Options of {@link Fleet.start}. */
export interface FleetOptions {
  readonly env: Env
  readonly settings: ProxySettings
  /** How many fronts. */
  readonly fronts: number
  readonly flags: Pick<WorkerStart, 'logLevel' | 'json' | 'inspect'>
  readonly signal: AbortSignal
}

/** Of a deadline for all, how much fronts may use: the back drains after them. */
const frontsShare = 0.8

/**
 * The processes of one proxy: a back, and fronts that share the ports. Clients' sockets are spread over the fronts by
 * `node:cluster`, whose primary keeps a port open as long as any front uses it.
 */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions
  /** Private to this user: whoever can connect to the back's socket in it is a front. */
  readonly #folder: string
  readonly #back: Worker
  #settings: ProxySettings
  #fronts: readonly Worker[]
  /** Those of an earlier generation, that drain. */
  readonly #leaving = new Set<Worker>()
  #generation = 1

  /**
   * Starts them.
   *
   * @throws a `HoldfastError`: what one of them could not start for; none is left then
   */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options, await mkdtemp(join(tmpdir(), 'holdfast-workers-')))
    try {
      await fleet.#start()
      return fleet
    } catch (cause) {
      await fleet[Symbol.asyncDispose]()
      throw cause
    }
  }

  private constructor(options: FleetOptions, folder: string) {
    const { env, settings } = options
    this.#options = options
    this.#folder = folder
    this.#settings = settings
    cluster.setupPrimary({ args: [workerCommandName] })
    const [, program = ''] = process.argv
    this.#back = new Worker({
      env,
      dialer: childProcesses({ clock: env.clock, spawn: () => fork(program, [workerCommandName]) }),
      start: () => this.#startOf('back', 'workers-back'),
    })
    this.#fronts = this.#makeFronts()
  }

  get workers(): readonly WorkerState[] {
    return [this.#back, ...this.#fronts, ...this.#leaving].map(({ state }) => state)
  }

  /** Ports as they are bound. */
  get listeners(): readonly { readonly name: string; readonly uri: string }[] {
    return this.#fronts[0]?.session?.listeners ?? []
  }

  /**
   * Asks the back.
   *
   * @throws a `HoldfastError`: what it refuses with, or `HF_MTPROTO_WORKER_FAILED`
   */
  askBack<R extends WorkerRequest>(request: R): Promise<WorkerAnswers[R['kind']]> {
    return this.#back.ask(request)
  }

  /** Where everybody stands. */
  async reports(): Promise<{ readonly back: Reported; readonly fronts: readonly Reported[] }> {
    const reported = async (worker: Worker): Promise<Reported> => {
      const report = await worker.ask({ kind: 'state' }).catch(() => null)
      return { worker: worker.state, report }
    }
    const fronts = [...this.#fronts, ...this.#leaving]
    const [back, ...rest] = await Promise.all([reported(this.#back), ...fronts.map(reported)])
    return { back, fronts: rest }
  }

  /** The metrics of everybody who answers. */
  async metrics(): Promise<WorkerAnswers['metrics'][]> {
    const all = [this.#back, ...this.#fronts, ...this.#leaving].map((worker) =>
      worker.ask({ kind: 'metrics' }).catch(() => null),
    )
    return (await Promise.all(all)).filter((metrics) => metrics !== null)
  }

  /**
   * Has everybody take other settings, the back first: what it refuses nobody takes. Who is down takes them when it is
   * started again.
   *
   * @throws a `HoldfastError`: what one refuses with
   */
  async reload(settings: ProxySettings): Promise<void> {
    const before = this.#settings
    this.#settings = settings
    try {
      await this.#back.ask({ kind: 'reload', config: settings.options })
    } catch (cause) {
      this.#settings = before
      throw cause
    }
    const up = this.#fronts.filter(({ session }) => session !== null)
    await Promise.all(up.map((front) => front.ask({ kind: 'reload', config: this.#configOf('worker') })))
  }

  /**
   * Replaces the fronts: new ones are started, and when all of them listen the old ones drain. No connection is refused
   * meanwhile. Then, if asked for, the back: clients that wait for no packet stay.
   *
   * @throws a `HoldfastError` when a new front cannot start: all is as it was then
   */
  async restart(o: { readonly withBack: boolean; readonly within: Millis }): Promise<DrainReport> {
    const { env } = this.#options
    const began = env.clock.now()
    const old = this.#fronts
    this.#generation += 1
    const next = this.#makeFronts()
    await startAll(next)
    this.#fronts = next
    for (const front of old) this.#leaving.add(front)
    const reports = await Promise.all(old.map((front) => front.drain(o.within)))
    for (const front of old) this.#leaving.delete(front)
    if (o.withBack) await this.#back.replace(o.within)
    return mergeDrains(reports, env.clock.now() - began)
  }

  /** Drains the fronts, then the back, and ends. */
  async drain({ within }: { readonly within: Millis }): Promise<DrainReport> {
    const { clock } = this.#options.env
    const began = clock.now()
    const fronts = [...this.#fronts, ...this.#leaving]
    const reports = await Promise.all(fronts.map((front) => front.drain(within * frontsShare)))
    const left = Math.max(1, began + within - clock.now())
    const { cut, timedOut } = await this.#back.drain(left)
    // The links to its fronts are nothing that anybody waits for.
    return mergeDrains([...reports, { finished: 0, cut, took: 0, timedOut }], clock.now() - began)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of [...this.#fronts, ...this.#leaving, this.#back]) worker.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    const { signal } = this.#options
    await this.#back.start({ signal })
    await startAll(this.#fronts, signal)
  }

  #makeFronts(): Worker[] {
    const { env, fronts } = this.#options
    const spawn = (): ChildProcess => hangUpWithWorker(cluster.fork().process)
    const dialer = childProcesses({ clock: env.clock, spawn })
    const generation = this.#generation
    return Array.from({ length: fronts }, (_, index) => {
      const name = `front ${generation}.${index + 1}`
      return new Worker({ env, dialer, start: () => this.#startOf(name, 'worker') })
    })
  }

  #startOf(name: string, part: WorkerStart['part']): WorkerStart {
    const at = `unix:${join(this.#folder, 'back.sock')}`
    return { name, part, at, config: this.#configOf(part), ...this.#options.flags }
  }

  /** Limits that each process counts for itself are divided; all others are for the back, which counts for all. */
  #configOf(part: WorkerStart['part']): object {
    const { options } = this.#settings
    if (part === 'workers-back') return options
    const share = (limit: number): number => Math.ceil(limit / this.#options.fronts)
    return {
      ...options,
      max_connections: share(options.max_connections),
      domain_fronting_max_connections: share(options.domain_fronting_max_connections),
    }
  }
}

/** Starts all of them, or leaves none. */
async function startAll(workers: readonly Worker[], signal?: AbortSignal): Promise<void> {
  try {
    await Promise.all(workers.map((worker) => worker.start(signal === undefined ? {} : { signal })))
  } catch (cause) {
    for (const worker of workers) worker.close()
    throw cause instanceof HoldfastError
      ? cause
      : new HoldfastError('HF_MTPROTO_WORKER_FAILED', `a worker cannot start: ${String(cause)}`, { cause })
  }
}
