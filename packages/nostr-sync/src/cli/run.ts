import type { DrainReport, Env, Millis } from '@holdfast/core'
import { fileStore } from '@holdfast/core/node'
import {
  OpenedThings,
  type RunningService,
  runConfigured,
  serveWatched,
  watchedRegistry,
} from '@holdfast/core/service'
import { Command } from 'commander'
import { type NostrMirror, nostrMirror } from '../manager/nostr-mirror.js'
import { readSavedState } from '../manager/saved-state.js'
import { registerMirrorMetrics } from '../metrics/mirror-metrics.js'
import { registerRelayMetrics } from '../metrics/relay-metrics.js'
import { registerTimings } from '../metrics/timings.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import { startVerifier } from '../verify/verifier.js'
import { admissionOf } from './admission-of.js'
import { type RunConfig, runSchema } from './config.js'
import { readSigner } from './config-file.js'
import { checkStoreOfRelays, relaysFile } from './existing-store.js'
import { programName, variablePrefix } from './program-name.js'
import { addServingOptions, fieldsOf, type ServingFlags, serveStatus } from './serve.js'
import { checkAddresses, openServing, readTls, type Serving } from './serving.js'
import { reportStatus } from './status-report.js'

interface RunFlags extends ServingFlags {
  readonly bootstrapRelays?: string
  readonly authKeyFile?: string
  readonly allowPrivateTargets?: boolean
}

/** `run`: mirrors, and serves what it has. */
export function runCommand(): Command {
  return addServingOptions(new Command())
    .option('-b, --bootstrap-relays <list>', 'relays to begin with, and to keep')
    .option('--auth-key-file <file>', 'secret key of 64 hex digits, for relays that ask who we are')
    .option('--allow-private-targets', 'connect to addresses that are not on the public internet, too')
    .addHelpText('after', examples)
    .action(async (flags: RunFlags) => {
      const { metrics, http, bootstrapRelays, authKeyFile, allowPrivateTargets } = flags
      await runConfigured(flags, {
        name: programName,
        prefix: variablePrefix,
        schema: runSchema,
        fields: { ...fieldsOf(flags), bootstrapRelays, authKeyFile, allowPrivateTargets },
        start: (env, config) => start(env, config, { metrics, http }),
      })
    })
}

const examples = `
What is known of the relays is kept in DATA/relays.json, so that a restart catches up instead of starting over.

Examples:
  $ ${programName} run --data ./events --domains grasp.example --bootstrap-relays wss://relay.example
  $ ${programName} run --config mirror.toml --metrics 9464 --http 127.0.0.1:8080`

async function start(
  env: Env,
  config: RunConfig,
  { metrics, http }: { readonly metrics: string | undefined; readonly http: string | undefined },
): Promise<RunningService> {
  const opened = new OpenedThings()
  try {
    const { data, domains, verifyWorkers: workers, authKeyFile, maxRelays, maxRelaysPerRepo } = config
    const { bootstrapRelays, negentropy, allowPrivateTargets, maxConcurrentConnects } = config
    // Before there is anything to count.
    const registry = watchedRegistry(metrics)
    const timings = registry && registerTimings(registry)
    checkAddresses({ metrics, http })
    const signer = authKeyFile === undefined ? null : await readSigner(authKeyFile)
    const tls = await readTls(config)
    await checkStoreOfRelays(data)
    const store = opened.add(await openLmdbStore({ path: data, clock: env.clock }))
    const verifier = opened.add(
      await startVerifier({
        env,
        ...(workers !== undefined && { workers }),
        ...(timings && { onChecked: timings.onChecked }),
      }),
    )
    const mirror = opened.add(
      await nostrMirror({
        ...{ env, store, verifier, domains, bootstrapRelays, negentropy, allowPrivateTargets },
        policy: admissionOf(config),
        state: fileStore({ path: relaysFile(data), parse: readSavedState }),
        ...(signer && { signer }),
        ...(timings && { onCaughtUp: timings.onCaughtUp }),
        ...(maxRelays !== undefined && { maxRelays }),
        ...(maxRelaysPerRepo !== undefined && { maxRelaysPerRepo }),
        ...(maxConcurrentConnects !== undefined && { maxConcurrentConnects }),
      }),
    )
    const parts = { env, store, verifier, intake: mirror.intake, tls, supportedGrasps: ['GRASP-02'] }
    const serving = await openServing(parts, config, opened)
    if (http !== undefined) {
      const status = (): object => reportStatus(parts, serving, mirror.state)
      const { url } = opened.add(await serveStatus(http, status))
      env.log.info({ url }, 'serving HTTP')
    }
    if (registry !== null) {
      registerRelayMetrics(registry, { ...parts, ...serving })
      registerMirrorMetrics(registry, mirror)
    }
    await serveWatched(metrics, { log: env.log, opened })
    mirror.start()
    return {
      drain: ({ within }) => drain(env, mirror, serving, within),
      [Symbol.asyncDispose]: () => opened.close(),
    }
  } catch (failure) {
    await opened.close()
    throw failure
  }
}

/** Clients, then relays, then what is passed on: what comes in at the one is to go out at the other. */
async function drain(
  env: Env,
  mirror: NostrMirror,
  { endpoint, sinks }: Serving,
  within: Millis,
): Promise<DrainReport> {
  const until = env.clock.now() + within
  const left = (): Millis => Math.max(1, until - env.clock.now())
  const report = await endpoint.drain({ within })
  await mirror.drain({ within: left() })
  await Promise.all(sinks.map((sink) => sink.drain({ within: left() })))
  return report
}
