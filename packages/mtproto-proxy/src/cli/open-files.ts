import { readFile } from 'node:fs/promises'
import type { Env } from '@holdfast/core'
import type { ProxySettings } from '../config/settings.js'

/** For connections to Telegram, the split link, endpoints, logs. */
const besides = 1024

/** How many open files a proxy with these settings may come to need. @internal */
export function openFilesFor({ listeners, maxConnections, client }: ProxySettings): number {
  const { target, maxConnections: maxFronted } = client.fronting
  const fronted = target.kind === 'off' || listeners.length === 0 ? 0 : maxFronted
  return listeners.length * maxConnections + fronted + besides
}

/** The soft limit on open files in the text of Linux's `/proc/PID/limits`; `null` where there is none. @internal */
export function openFilesLimit(limits: string): number | null {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return soft === undefined ? null : Number(soft)
}

/** Warns when the process may open fewer files than its clients need: who comes then is closed before the handshake. */
export async function warnOfOpenFiles(env: Env, settings: ProxySettings): Promise<void> {
  // Elsewhere than on Linux there is no such file, and nothing is said.
  const limit = openFilesLimit(await readFile('/proc/self/limits', 'utf8').catch(() => ''))
  const needed = openFilesFor(settings)
  if (limit === null || limit >= needed) return
  env.log.warn(
    { limit, needed },
    `${limit} open files are not enough for max_connections = ${settings.maxConnections}: raise LimitNOFILE of the service, or ulimit -n, to ${needed}, or lower max_connections`,
  )
}
