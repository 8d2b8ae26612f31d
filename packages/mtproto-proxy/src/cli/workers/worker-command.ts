import { type Env, HoldfastError } from '@holdfast/core'
import { serveInspector } from '@holdfast/core/inspector'
import { nodeEnv } from '@holdfast/core/node'
import { CommandError, exitCodes } from '@holdfast/core/program'
import { createLog, programRegistry } from '@holdfast/core/service'
import { Command } from 'commander'
import type { Registry } from 'prom-client'
import { proxySettings } from '../../config/to-settings.js'
import { registerFigures } from '../../metrics/figures.js'
import { prometheusMetrics } from '../../metrics/prometheus-metrics.js'
import { type ProxyNode, proxyNode } from '../../node/proxy-node.js'
import { figuresOf, reportOf } from '../node-report.js'
import { warnOfOpenFiles } from '../open-files.js'
import { programName } from '../program-name.js'
import { version } from '../version.js'
import {
  type FromWorker,
  type ToldError,
  type ToWorker,
  type WorkerAnswers,
  type WorkerRequest,
  type WorkerStart,
} from './messages.js'

/** `worker`: one process of `run --workers`, which alone starts it. */
export function workerCommand(): Command {
  return new Command().action(() => {
    if (process.send === undefined) {
      const { usage: exitCode } = exitCodes
      throw new CommandError('«run --workers» starts its workers by itself', { exitCode })
    }
    // A terminal or a service manager signals the whole group; the parent says when it is whose turn.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const)
      process.on(signal, () => undefined)
    let running: RunningWorker | null = null
    process.on('message', (text) => {
      const message = JSON.parse(String(text)) as ToWorker
      if (message.kind === 'start') running = new RunningWorker(message.start)
      else if (message.kind === 'ask') void running?.answer(message.id, message.request)
      else if (message.kind === 'drain') void running?.drain(message.within)
      else tell({ kind: 'last' })
    })
    process.on('disconnect', () => process.exit(exitCodes.ok))
    tell({ kind: 'hello' })
  })
}

class RunningWorker {
  readonly #start: WorkerStart
  readonly #env: Env
  readonly #registry: Registry
  readonly #node: Promise<ProxyNode>
  readonly #began: number

  constructor(start: WorkerStart) {
    const { name, logLevel, json } = start
    const log = createLog({ name: programName, level: logLevel, json })
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      process.on(event, (err: unknown) => {
        log.error({ err }, 'an error that nobody caught')
        process.exit(exitCodes.failure)
      })
    }
    this.#start = start
    this.#env = nodeEnv({ name, log })
    this.#registry = programRegistry()
    this.#began = this.#env.clock.now()
    this.#node = this.#run()
    this.#node.then(
      ({ state }) => {
        const listeners = state.listeners.map(({ name, endpoint }) => ({ name, uri: endpoint.uri }))
        tell({ kind: 'ready', pid: process.pid, listeners })
      },
      // The parent closes the channel, or kills.
      (cause: unknown) => tell({ kind: 'failed', error: toldError(cause) }),
    )
  }

  async answer(id: number, request: WorkerRequest): Promise<void> {
    try {
      const node = await this.#node
      const answer: WorkerAnswers[typeof request.kind] = await this.#answer(node, request)
      tell({ kind: 'answered', id, answer })
    } catch (cause) {
      tell({ kind: 'refused', id, error: toldError(cause) })
    }
  }

  async drain(within: number): Promise<void> {
    const node = await this.#node
    const report = await node.drain({ within })
    // What secrets have used up is stored by this, and the parent ends us once it has the report.
    await node[Symbol.asyncDispose]()
    tell({ kind: 'drained', report })
  }

  async #run(): Promise<ProxyNode> {
    const { name, part, at, config, inspect } = this.#start
    if (inspect !== null) {
      const program = `${programName}, ${name}`
      const { url } = await serveInspector({ at: inspect, program, metrics: this.#registry })
      this.#env.log.info({ url }, 'inspector')
    }
    const settings = proxySettings(config)
    await warnOfOpenFiles(this.#env, part === 'worker' ? settings : { ...settings, listeners: [] })
    const node = await proxyNode({
      env: this.#env,
      settings,
      metrics: prometheusMetrics(this.#registry),
      workers: { part, at },
    })
    registerFigures(this.#registry, { read: () => figuresOf(node), version })
    await node.start()
    return node
  }

  async #answer(node: ProxyNode, request: WorkerRequest): Promise<WorkerAnswers[WorkerRequest['kind']]> {
    switch (request.kind) {
      case 'state':
        return reportOf(node, (this.#env.clock.now() - this.#began) / 1000)
      case 'metrics':
        return this.#registry.getMetricsAsJSON()
      case 'reload':
        await node.reload(proxySettings(request.config))
        return null
      case 'table-sizes':
        return node.tables?.sizes() ?? {}
      case 'table-entries':
        return node.tables?.entries(request.table) ?? []
      case 'table-add':
        return node.tables?.add(request.table, request.entry) ?? false
      case 'table-delete':
        return node.tables?.delete(request.table, request.entry) ?? false
    }
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(JSON.stringify(message))
}

function toldError(cause: unknown): ToldError {
  if (cause instanceof HoldfastError) return { code: cause.code, message: cause.message }
  return { code: 'HF_MTPROTO_WORKER_FAILED', message: cause instanceof Error ? cause.message : String(cause) }
}
