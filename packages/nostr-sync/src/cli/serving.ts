import type { Env } from '@holdfast/core'
import { checkHttpAddress, type OpenedThings } from '@holdfast/core/service'
import { relayEndpoint } from '../endpoint/relay-endpoint.js'
import type { EndpointLimits, RelayEndpoint } from '../endpoint/types.js'
import type { Intake } from '../intake/types.js'
import { jsonLinesSink } from '../sink/json-lines-sink.js'
import { relaySink } from '../sink/relay-sink.js'
import type { EventSink } from '../sink/types.js'
import type { EventStore } from '../store/types.js'
import type { Verifier } from '../verify/types.js'
import type { ServeConfig } from './config.js'
import { forField, readCertificate } from './config-file.js'
import { programName } from './program-name.js'
import { version } from './version.js'

/** What a served relay consists of, besides store and intake. */
export interface Serving {
  readonly endpoint: RelayEndpoint
  readonly sinks: readonly EventSink[]
}

/** Sees that there are addresses in the options of that name. @throws an `OptionError` */
export function checkAddresses(options: Readonly<Record<'metrics' | 'http', string | undefined>>): void {
  for (const [option, at] of Object.entries(options)) if (at !== undefined) checkHttpAddress(at, option)
}

/** What a relay is served by `wss:` with; nothing by `ws:`. */
type Tls = Partial<Awaited<ReturnType<typeof readCertificate>>>

/** Reads what {@link openServing} needs of files. @throws (rejects) a `ConfigError` */
export async function readTls({ certificate, key }: Omit<ServeConfig, 'data'>): Promise<Tls> {
  return certificate !== undefined && key !== undefined ? readCertificate(certificate, key) : {}
}

/**
 * Opens the relay endpoint and the sinks that a configuration asks for.
 *
 * @param supportedGrasps - what the rest of the program implements
 */
export async function openServing(
  parts: {
    readonly env: Env
    readonly store: EventStore
    readonly intake: Intake
    readonly verifier: Verifier
    readonly tls: Tls
    readonly supportedGrasps: readonly string[]
  },
  config: Omit<ServeConfig, 'data'>,
  opened: OpenedThings,
): Promise<Serving> {
  const { env, store, intake, verifier, tls, supportedGrasps } = parts
  const { listen, url, authRequired, name, forwardTo, appendTo } = config
  const sinks: EventSink[] = forwardTo.map((to) =>
    opened.add(relaySink({ env: { ...env, name: `forward to ${to}` }, store, url: to })),
  )
  if (appendTo !== undefined) {
    const sink = await forField('appendTo', appendTo, jsonLinesSink({ env, store, path: appendTo }))
    sinks.push(opened.add(sink))
  }
  const endpoint = opened.add(
    await relayEndpoint({
      ...{ env, store, intake },
      at: { uri: listen, ...tls },
      info: { ...(name !== undefined && { name }), software: programName, version, supportedGrasps },
      limits: definedOf(config.limits),
      ...(url !== undefined && { auth: { url, required: authRequired, verifier } }),
    }),
  )
  env.log.info({ url: endpoint.url, events: store.size }, 'serving a relay')
  return { endpoint, sinks }
}

function definedOf(limits: ServeConfig['limits']): Partial<EndpointLimits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
