import type { DrainReport, Env, Millis } from '@holdfast/core'
import { addServiceOptions, type ServiceFlags } from '@holdfast/core/program'
import {
  OpenedThings,
  type RunningService,
  replyJson,
  runConfigured,
  serveHttp,
  serveWatched,
  watchedRegistry,
} from '@holdfast/core/service'
import { Command, Option } from 'commander'
import { eventIntake } from '../intake/intake.js'
import { registerRelayMetrics } from '../metrics/relay-metrics.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import { startVerifier } from '../verify/verifier.js'
import { admissionOf } from './admission-of.js'
import { type ServeConfig, serveSchema } from './config.js'
import { programName, variablePrefix } from './program-name.js'
import { checkAddresses, openServing, readTls, type Serving } from './serving.js'
import { reportStatus } from './status-report.js'

/** The flags of whatever serves a relay. */
export interface ServingFlags extends ServiceFlags {
  readonly data?: string
  readonly listen?: string
  readonly domains?: string
  readonly forwardTo?: string
  readonly appendTo?: string
  readonly http?: string
}

/** Adds the options that all commands with a relay endpoint share. */
export function addServingOptions(command: Command): Command {
  return addServiceOptions(command, variablePrefix)
    .option('-d, --data <dir>', 'directory of the event store; made if it is not there')
    .option('-l, --listen <url>', 'where to serve the relay (default: ws://127.0.0.1:7777)')
    .option('--domains <list>', 'our domains, with commas between: what repositories have to name')
    .option('--forward-to <list>', 'relays that get everything that is saved')
    .option('--append-to <file>', 'a file that gets everything that is saved, as lines of JSON')
    .addOption(
      new Option('--http <host:port>', 'serve status and health; a port alone is on loopback').env(
        `${variablePrefix}_HTTP`,
      ),
    )
}

/** The flags that are fields of the configuration. */
export function fieldsOf({
  data,
  listen,
  domains,
  forwardTo,
  appendTo,
}: ServingFlags): Record<string, unknown> {
  return { data, listen, domains, forwardTo, appendTo }
}

/** `serve`: the relay alone. */
export function serveCommand(): Command {
  return addServingOptions(new Command())
    .addHelpText('after', examples)
    .action(async (flags: ServingFlags) => {
      const { metrics, http } = flags
      await runConfigured(flags, {
        name: programName,
        prefix: variablePrefix,
        schema: serveSchema,
        fields: fieldsOf(flags),
        start: (env, config) => start(env, config, { metrics, http }),
      })
    })
}

const examples = `
Without --domains every valid event is taken; with it, those that a GRASP server takes.

Examples:
  $ ${programName} serve --data ./events
  $ ${programName} serve --data ./events --listen ws://0.0.0.0:7777 --domains grasp.example --metrics 9464
  $ ${programName} serve --data ./events --forward-to ws://127.0.0.1:8080`

async function start(
  env: Env,
  config: ServeConfig,
  { metrics, http }: { readonly metrics: string | undefined; readonly http: string | undefined },
): Promise<RunningService> {
  const opened = new OpenedThings()
  // Before there is anything to count.
  const registry = watchedRegistry(metrics)
  try {
    checkAddresses({ metrics, http })
    const tls = await readTls(config)
    const store = opened.add(await openLmdbStore({ path: config.data, clock: env.clock }))
    const { verifyWorkers: workers } = config
    const verifier = opened.add(await startVerifier({ env, ...(workers !== undefined && { workers }) }))
    const intake = opened.add(eventIntake({ env, store, verifier, policy: admissionOf(config) }))
    const parts = { env, store, verifier, intake, tls, supportedGrasps: [] }
    const serving = await openServing(parts, config, opened)
    if (http !== undefined) {
      const { url } = opened.add(await serveStatus(http, () => reportStatus(parts, serving)))
      env.log.info({ url }, 'serving HTTP')
    }
    if (registry !== null) registerRelayMetrics(registry, { ...parts, ...serving })
    await serveWatched(metrics, { log: env.log, opened })
    return { drain: ({ within }) => drain(env, serving, within), [Symbol.asyncDispose]: () => opened.close() }
  } catch (failure) {
    await opened.close()
    throw failure
  }
}

/** Clients first: what they have sent is to reach the sinks. */
async function drain(env: Env, { endpoint, sinks }: Serving, within: Millis): Promise<DrainReport> {
  const until = env.clock.now() + within
  const report = await endpoint.drain({ within })
  await Promise.all(sinks.map((sink) => sink.drain({ within: Math.max(0, until - env.clock.now()) })))
  return report
}

/** Serves `/status` and `/health`. */
export function serveStatus(at: string, status: () => object): ReturnType<typeof serveHttp> {
  return serveHttp({
    at,
    option: 'http',
    handle(request, response) {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost')
      if (pathname === '/status') replyJson(response, 200, status())
      else if (pathname === '/health') replyJson(response, 200, { healthy: true })
      else replyJson(response, 404, { error: 'there are /status and /health' })
    },
  })
}
