import type { DrainReport, Env, Millis } from '@holdfast/core'
import { sockets } from '@holdfast/core/node'
import { addServiceOptions, type ServiceFlags } from '@holdfast/core/program'
import type { RedisAddress } from '@holdfast/core/redis'
import {
  OpenedThings,
  type RunningService,
  runConfigured,
  serveWatched,
  watchedRegistry,
} from '@holdfast/core/service'
import { Command } from 'commander'
import { registerPublicationMetrics } from '../metrics/publication-metrics.js'
import { registerServerMetrics } from '../metrics/server-metrics.js'
import type { RedisReplicationServer, RedisReplicationServerOptions } from '../redis/index.js'
import { type ReplicationServerOptions, replicationServer } from '../server/server.js'
import { AppendLog } from '../source/append-log.js'
import type { Retention } from '../source/retention.js'
import { usualStreams } from '../streams/registry.js'
import { type ServeConfig, serveSchema } from './config.js'
import { serveControl } from './control-endpoint.js'
import { endpointOf } from './endpoints.js'
import { appendFromInput } from './input.js'
import { overRedis, redisAt } from './over-redis.js'
import { programName, variablePrefix } from './program-name.js'
import { reportStatus } from './status-report.js'

/** Adds the options that `serve` and `relay` share. */
export function addServingOptions(command: Command): Command {
  return addServiceOptions(command, variablePrefix)
    .option('-d, --data <dir>', 'directory of the append log; made if it is not there (required)')
    .option('-l, --listen <address>', 'where to serve replication (default: tcp://127.0.0.1:9092)')
    .option('--http <host:port>', 'where to serve status, appending, and what D2 clients have missed')
    .option(
      '--http-secret <secret>',
      'bearer token that whoever appends over HTTP and D2 clients must present (worker_replication_secret)',
    )
    .option(
      '-s, --streams <names>',
      'streams, with commas between (default: those of Synapse 1.4, or of 1.66 with --dialect d2)',
    )
    .option('--dialect <dialect>', 'd1 for Synapse up to 1.12, d2 for 1.13 to 1.66 (default: d1)')
    .option('--max-connections <n>', 'connections at most (default: 10000)')
}

/** The flags that {@link addServingOptions} adds, by the names of the configuration's fields. */
export interface ServingFlags extends ServiceFlags {
  readonly data?: string
  readonly listen?: string
  readonly http?: string
  readonly httpSecret?: string
  readonly streams?: string
  readonly dialect?: string
  readonly maxConnections?: string
}

interface ServeFlags extends ServingFlags {
  readonly serverName?: string
  readonly redis?: string
  readonly instance?: string
  readonly stdin?: boolean
}

/** `serve`: an append log for everybody to follow. */
export function serveCommand(): Command {
  const command = new Command()
  addServingOptions(command)
    .option('-n, --server-name <name>', "the server's name, which clients compare (default: localhost)")
    .option('--redis <url>', 'publish on the channel of that name too, for Synapse since 1.13; needs ioredis')
    .option('--instance <name>', 'the process that D2 clients see writing the rows (default: master)')
    .option('--stdin', 'append what comes on standard input: {"stream":"NAME","rows":[…]} on each line')
    .addHelpText('after', examples)
    .action(async (flags: ServeFlags) => {
      const { serverName, redis, instance, stdin, metrics } = flags
      await runConfigured(flags, {
        name: programName,
        prefix: variablePrefix,
        schema: serveSchema,
        fields: { ...fieldsOf(flags), serverName, redis, instance },
        start: (env, config) => start(env, config, { metrics, stdin: stdin === true }),
      })
    })
  return command
}

const examples = `
Examples:
  $ ${programName} serve --data ./log --http 9093
  $ ${programName} serve --data ./log --http 9093 --redis redis://127.0.0.1:6379 --server-name example.com
  $ ${programName} append events '["ev",["$1","!room:x","m.room.message",null,null,null]]'
  $ printf 'REPLICATE ALL NOW\\n' | nc 127.0.0.1 9092`

/** The flags that are fields of the configuration. */
export function fieldsOf({
  data,
  listen,
  http,
  httpSecret,
  streams,
  dialect,
  maxConnections,
}: ServingFlags): Record<string, unknown> {
  return { data, listen, http, httpSecret, streams, dialect, maxConnections }
}

/** How much to keep, as the log takes it. */
export function retentionOf({ retain: { bytes, rows, hours } }: Pick<ServeConfig, 'retain'>): {
  retain?: Retention
} {
  const retain: Retention = {
    ...(bytes !== undefined && { bytes }),
    ...(rows !== undefined && { count: rows }),
    ...(hours !== undefined && { age: hours * 3_600_000 }),
  }
  return Object.keys(retain).length === 0 ? {} : { retain }
}

/** The streams, in the order in which they are served. */
export function streamsOf({
  streams,
  dialect,
  redis,
}: Pick<ServeConfig, 'streams' | 'dialect'> & Partial<Pick<ServeConfig, 'redis'>>): readonly string[] {
  return streams ?? usualStreams(dialect === 'd2' || redis !== undefined ? 'D2' : 'D1')
}

/** The part of a server's options that the configuration says. */
export function servingOptions(
  config: Omit<ServeConfig, 'serverName' | 'redis' | 'instance'>,
): Pick<ReplicationServerOptions, 'acceptor' | 'at' | 'dialect' | 'limits' | 'positionEvery' | 'slow'> {
  return {
    acceptor: sockets(),
    at: endpointOf(config.listen),
    dialect: config.dialect === 'd2' ? 'D2' : 'D1',
    limits: { links: config.maxConnections, handshaking: config.maxConnections },
    positionEvery: config.positionEvery * 1000,
    slow: { bytes: config.slow.bytes, within: config.slow.seconds * 1000 },
  }
}

async function start(
  env: Env,
  config: ServeConfig,
  { metrics, stdin }: { readonly metrics: string | undefined; readonly stdin: boolean },
): Promise<RunningService> {
  const { serverName, instance } = config
  const redis = config.redis === undefined ? null : await redisAt(config.redis)
  const opened = new OpenedThings()
  // Before there is anything to count.
  const registry = watchedRegistry(metrics)
  try {
    const log = opened.add(
      await AppendLog.open({ path: config.data, streams: streamsOf(config), ...retentionOf(config) }),
    )
    const identity = { env, source: log, serverName, instance }
    const server = opened.add(await replicationServer({ ...identity, ...servingOptions(config) }))
    env.log.info({ endpoint: server.endpoint.uri, data: config.data }, 'serving replication')
    const publication = redis === null ? null : opened.add(await publish(redis, identity))
    if (config.http !== undefined) {
      const status = (): object => reportStatus(server, { publication })
      const control = opened.add(
        await serveControl({ at: config.http, log, secret: config.httpSecret, appends: true, status }),
      )
      env.log.info({ url: control.url }, 'serving HTTP')
    }
    if (registry !== null) registerServerMetrics(registry, server)
    if (registry !== null && publication !== null) registerPublicationMetrics(registry, publication)
    await serveWatched(metrics, { log: env.log, opened })
    if (stdin) appendFromInput(log, process.stdin, env.log)
    const drain = async (o: { readonly within: Millis }): Promise<DrainReport> => {
      const [report] = await Promise.all([server.drain(o), publication?.drain(o)])
      return report
    }
    return { drain, [Symbol.asyncDispose]: () => opened.close() }
  } catch (failure) {
    await opened.close()
    throw failure
  }
}

async function publish(
  address: RedisAddress,
  options: Omit<RedisReplicationServerOptions, 'uri' | 'credentials'>,
): Promise<RedisReplicationServer> {
  const { redisReplicationServer } = await overRedis()
  options.env.log.info({ uri: address.uri, channel: options.serverName }, 'publishing on Redis')
  return redisReplicationServer({ ...options, ...address })
}
