import { HoldfastError } from '@holdfast/core'
import { type MetricsSource, OpenedThings, programRegistry, serveWatched } from '@holdfast/core/service'
import { AggregatorRegistry } from 'prom-client'
import { reloadDiff } from '../../config/diff.js'
import { type AdminTables, serveAdmin } from '../admin-endpoint.js'
import type { ReloadReport } from '../reload.js'
import type { NodeStart, ProxyService } from '../start-node.js'
import type { StatusReport, WorkerState } from '../status-report.js'
import { version } from '../version.js'
import { Fleet } from './fleet.js'
import { mergeStatus } from './merge-reports.js'
import type { WorkerStart } from './messages.js'

/** How {@link startWorkers} starts a proxy. */
export interface WorkersStart extends NodeStart {
  /** How many processes serve clients. */
  readonly fronts: number
  readonly flags: Pick<WorkerStart, 'logLevel' | 'json' | 'inspect'>
}

/** What a restart has done. */
export interface RestartReport {
  readonly tookMs: number
  /** Labels of packets that did not leave in time. */
  readonly cut: readonly string[]
  readonly workers: readonly WorkerState[]
}

/**
 * Starts a proxy of several processes with its endpoints for operators, which are those of {@link startNode}. SIGUSR2
 * restarts it.
 *
 * @throws what a process cannot start for; nothing is left open then
 */
export async function startWorkers(start: WorkersStart): Promise<ProxyService> {
  if (start.settings.role !== 'both') {
    throw new HoldfastError(
      'HF_MTPROTO_NO_WORKERS',
      `--workers is for a whole proxy: a ${start.settings.role} is one process; leave it out, or node_role`,
    )
  }
  const opened = new OpenedThings()
  try {
    const service = new WorkersService(start, opened.add(await Fleet.start(start)))
    await service.serve(opened)
    return service
  } catch (failure) {
    await opened.close()
    throw failure
  }
}

class WorkersService implements ProxyService {
  readonly #start: WorkersStart
  readonly #fleet: Fleet
  readonly #metrics: MetricsSource
  readonly #began: number
  #settings: WorkersStart['settings']
  #opened = new OpenedThings()
  #phase = 'listening'
  /** Reloads and restarts, one after another. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #hearSignal = (): void => {
    this.#restart({ withBack: false }).catch((err: unknown) => {
      this.#start.env.log.error({ err }, 'the restart failed: all is as it was')
    })
  }

  constructor(start: WorkersStart, fleet: Fleet) {
    const { env, settings } = start
    this.#start = start
    this.#fleet = fleet
    this.#settings = settings
    this.#began = env.clock.now()
    const own = programRegistry()
    this.#metrics = {
      contentType: own.contentType,
      metrics: async () =>
        AggregatorRegistry.aggregate([...(await fleet.metrics()), await own.getMetricsAsJSON()]).metrics(),
    }
  }

  async serve(opened: OpenedThings): Promise<void> {
    const { env, settings } = this.#start
    this.#opened = opened
    if (settings.admin !== null) {
      const admin = opened.add(
        await serveAdmin({
          at: settings.admin,
          registry: this.#metrics,
          state: () => this.#state(),
          reload: () => this.#reload(),
          restart: (o) => this.#restart(o),
          tables: this.#tables,
        }),
      )
      env.log.info({ url: admin.url }, 'serving the admin endpoint')
    }
    await serveWatched(settings.metrics, { log: env.log, opened, metrics: this.#metrics })
    process.on('SIGUSR2', this.#hearSignal)
    for (const { name, uri } of this.#fleet.listeners) {
      env.log.info({ port: name, endpoint: uri }, 'listening for clients')
    }
  }

  async drain(o: { readonly within: number }): ReturnType<ProxyService['drain']> {
    this.#phase = 'draining'
    return this.#fleet.drain(o)
  }

  async externalIp(): Promise<string | undefined> {
    // The back may be down at the moment; it is started again, and links can be shown without it.
    const state = await this.#fleet.askBack({ kind: 'state' }).catch(() => null)
    return state?.externalIp
  }

  async reload(): Promise<void> {
    await this.#reload()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('SIGUSR2', this.#hearSignal)
    await this.#opened.close()
  }

  get #tables(): AdminTables {
    const fleet = this.#fleet
    return {
      sizes: () => fleet.askBack({ kind: 'table-sizes' }),
      entries: (table) => fleet.askBack({ kind: 'table-entries', table }),
      add: (table, entry) => fleet.askBack({ kind: 'table-add', table, entry }),
      delete: (table, entry) => fleet.askBack({ kind: 'table-delete', table, entry }),
    }
  }

  async #state(): Promise<StatusReport> {
    const upSeconds = (this.#start.env.clock.now() - this.#began) / 1000
    return mergeStatus({ version, upSeconds, phase: this.#phase }, await this.#fleet.reports())
  }

  #reload(): Promise<ReloadReport> {
    return this.#inTurn(async () => {
      const next = await this.#start.reread()
      const { listeners, changed } = reloadDiff(this.#settings, next)
      await this.#fleet.reload(next)
      this.#settings = next
      const names = changed.map(({ option }) => option).filter((option) => option !== 'ports')
      this.#start.env.log.info({ changed: names }, 'reloaded')
      return { started: listeners.start.map(({ name }) => name), stopped: listeners.stop, changed: names }
    })
  }

  #restart({ withBack }: { readonly withBack: boolean }): Promise<RestartReport> {
    return this.#inTurn(async () => {
      const { env } = this.#start
      env.log.info({ withBack }, 'replacing the workers')
      const { took, cut } = await this.#fleet.restart({ withBack, within: this.#settings.shutdownGrace })
      const { workers } = this.#fleet
      env.log.info({ workers: workers.map(({ name, pid }) => `${name}: ${pid}`) }, 'replaced the workers')
      return { tookMs: took, cut, workers }
    })
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}
