import type { Env } from '@holdfast/core'
import {
  OpenedThings,
  programRegistry,
  type RunningService,
  serveWatched,
  watchedRegistry,
} from '@holdfast/core/service'
import { configDiff } from '../config/diff.js'
import type { ProxySettings } from '../config/settings.js'
import { registerFigures } from '../metrics/figures.js'
import { prometheusMetrics } from '../metrics/prometheus-metrics.js'
import { proxyNode } from '../node/proxy-node.js'
import { serveAdmin } from './admin-endpoint.js'
import { figuresOf, reportOf } from './node-report.js'
import { warnOfOpenFiles } from './open-files.js'
import type { ReloadReport } from './reload.js'
import { version } from './version.js'

/** How {@link startNode} starts a proxy. */
export interface NodeStart {
  readonly env: Env
  readonly settings: ProxySettings
  /** Reads the configuration again. */
  readonly reread: () => Promise<ProxySettings>
  readonly signal: AbortSignal
}

/** A proxy that runs. */
export interface ProxyService extends RunningService {
  /** The address of this host on the Internet, set or looked up, where somebody knows it. */
  externalIp(): Promise<string | undefined>
}

/**
 * Starts a proxy of one process with its endpoints for operators.
 *
 * @throws what `proxyNode` and its `start` throw; nothing is left open then
 */
export async function startNode({ env, settings, reread, signal }: NodeStart): Promise<ProxyService> {
  const opened = new OpenedThings()
  await warnOfOpenFiles(env, settings)
  try {
    const registry = watchedRegistry(settings.metrics ?? settings.admin)
    const metrics = registry && prometheusMetrics(registry)
    const node = opened.add(await proxyNode({ env, settings, signal, ...(metrics && { metrics }) }))
    if (registry !== null) registerFigures(registry, { read: () => figuresOf(node), version })
    const began = env.clock.now()
    let current = settings
    const reload = async (): Promise<ReloadReport> => {
      const next = await reread()
      await node.reload(next)
      const { listeners, changed } = configDiff(current, next)
      current = next
      const names = changed.map(({ option }) => option).filter((option) => option !== 'ports')
      env.log.info({ changed: names }, 'reloaded')
      return { started: listeners.start.map(({ name }) => name), stopped: listeners.stop, changed: names }
    }
    if (settings.admin !== null) {
      const state = (): object => reportOf(node, (env.clock.now() - began) / 1000)
      const shown = { registry: programRegistry(), tables: node.tables }
      const admin = opened.add(await serveAdmin({ at: settings.admin, state, reload, ...shown }))
      env.log.info({ url: admin.url }, 'serving the admin endpoint')
    }
    await serveWatched(settings.metrics, { log: env.log, opened })
    await node.start()
    for (const { name, endpoint } of node.state.listeners) {
      env.log.info({ port: name, endpoint: endpoint.uri }, 'listening for clients')
    }
    return {
      drain: (o) => node.drain(o),
      externalIp: () => Promise.resolve(node.state.externalIp ?? undefined),
      reload: async () => {
        await reload()
      },
      [Symbol.asyncDispose]: () => opened.close(),
    }
  } catch (failure) {
    await opened.close()
    throw failure
  }
}
