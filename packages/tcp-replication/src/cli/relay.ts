import type { Env } from '@holdfast/core'
import { sockets } from '@holdfast/core/node'
import {
  OpenedThings,
  type RunningService,
  runConfigured,
  serveWatched,
  watchedRegistry,
} from '@holdfast/core/service'
import { Command } from 'commander'
import { httpStreamUpdates } from '../client/stream-updates.js'
import { registerClientMetrics } from '../metrics/client-metrics.js'
import { registerServerMetrics } from '../metrics/server-metrics.js'
import { replicationRelay } from '../relay/relay.js'
import { AppendLog } from '../source/append-log.js'
import { type RelayConfig, relaySchema } from './config.js'
import { serveControl } from './control-endpoint.js'
import { endpointOf } from './endpoints.js'
import { programName, variablePrefix } from './program-name.js'
import {
  addServingOptions,
  fieldsOf,
  retentionOf,
  type ServingFlags,
  servingOptions,
  streamsOf,
} from './serve.js'
import { reportStatus } from './status-report.js'

interface RelayFlags extends ServingFlags {
  readonly upstream?: string
  readonly name?: string
  readonly serverName?: string
  readonly from?: string
  readonly updates?: string
  readonly updatesSecret?: string
}

/** `relay`: one connection upstream, any number downstream. */
export function relayCommand(): Command {
  const command = new Command()
  addServingOptions(command)
    .option('-u, --upstream <address>', 'the server to follow (required)')
    .option('-n, --name <name>', 'what the upstream calls this client in its logs (default: relay)')
    .option('--server-name <name>', "the upstream's name; another one is refused")
    .option('--from <token>', 'where to begin with streams that the log does not know (default: NOW)')
    .option('--updates <url>', 'HTTP replication listener of a D2 upstream, for rows that were missed')
    .option('--updates-secret <secret>', 'bearer token for it')
    .addHelpText('after', examples)
    .action(async (flags: RelayFlags) => {
      const { upstream, name, serverName, from, updates, updatesSecret, metrics } = flags
      await runConfigured(flags, {
        name: programName,
        prefix: variablePrefix,
        schema: relaySchema,
        fields: { ...fieldsOf(flags), upstream, name, serverName, from, updates, updatesSecret },
        start: (env, config, { signal }) => start(env, config, { metrics, signal }),
      })
    })
  return command
}

const examples = `
Examples:
  $ ${programName} relay --upstream 127.0.0.1:9092 --listen 127.0.0.1:9192 --data ./relay
  $ ${programName} relay --upstream 127.0.0.1:9092 --updates http://127.0.0.1:9093 --dialect d2 \\
      --listen 127.0.0.1:9192 --http 9193 --data ./relay`

async function start(
  env: Env,
  config: RelayConfig,
  { metrics, signal }: { readonly metrics: string | undefined; readonly signal: AbortSignal },
): Promise<RunningService> {
  const { upstream, name, serverName, updates, updatesSecret: secret, from } = config
  const opened = new OpenedThings()
  // Before there is anything to count.
  const registry = watchedRegistry(metrics)
  try {
    const log = opened.add(
      await AppendLog.open({ path: config.data, streams: streamsOf(config), ...retentionOf(config) }),
    )
    const missed =
      updates &&
      httpStreamUpdates({ baseUrl: updates, random: () => env.random(), ...(secret && { secret }) })
    const relay = opened.add(
      await replicationRelay({
        upstream: {
          env,
          dialer: sockets(),
          endpoints: [endpointOf(upstream)],
          name,
          ...(serverName !== undefined && { serverName }),
          ...(missed && { updates: missed }),
        },
        downstream: servingOptions(config),
        log,
        from,
        signal,
      }),
    )
    env.log.info({ upstream, endpoint: relay.server.endpoint.uri, data: config.data }, 'relaying replication')
    if (config.http !== undefined) {
      const status = (): object => reportStatus(relay.server, { client: relay.client })
      const control = opened.add(
        await serveControl({ at: config.http, log, secret: config.httpSecret, appends: false, status }),
      )
      env.log.info({ url: control.url }, 'serving HTTP')
    }
    if (registry !== null) {
      registerServerMetrics(registry, relay.server)
      registerClientMetrics(registry, relay.client)
    }
    await serveWatched(metrics, { log: env.log, opened })
    return {
      drain: (o) => relay.drain(o),
      finished: relay.finished,
      [Symbol.asyncDispose]: () => opened.close(),
    }
  } catch (failure) {
    await opened.close()
    throw failure
  }
}
