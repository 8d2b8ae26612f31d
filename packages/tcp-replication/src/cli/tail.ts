import type { DrainReport, Endpoint, LifecycleState, Log, Millis } from '@holdfast/core'
import { fileStore, nodeEnv, sockets } from '@holdfast/core/node'
import { addInspectOption, CommandError, exitCodes, httpUrl, logLevelOption } from '@holdfast/core/program'
import type { RedisAddress } from '@holdfast/core/redis'
import { createLog, runService, watchedRegistry } from '@holdfast/core/service'
import { Command, Option } from 'commander'
import type { Level } from 'pino'
import { lastValueFrom } from 'rxjs'
import { z } from 'zod'
import { type ReplicationClient, replicationClient } from '../client/client.js'
import { describeProblem } from '../client/describe-problem.js'
import type { ReceivedBatch, ReplicationClientOptions } from '../client/options.js'
import { notServed } from '../client/session.js'
import { httpStreamUpdates } from '../client/stream-updates.js'
import { registerClientMetrics } from '../metrics/client-metrics.js'
import type { RedisReplicationClient } from '../redis/index.js'
import { streamsOverRedis, usualStreams } from '../streams/registry.js'
import { Checkpoint } from './checkpoint.js'
import { dialectOf, endpointOf, tokenOf } from './endpoints.js'
import { overRedis, redisAt } from './over-redis.js'
import { programName, variablePrefix } from './program-name.js'

interface TailFlags {
  readonly server: Endpoint
  readonly from: number | 'NOW'
  readonly checkpoint?: string
  readonly json?: boolean
  readonly name: string
  readonly serverName?: string
  readonly dialect?: 'D1' | 'D2'
  readonly redis?: string
  readonly writer: string
  readonly updates?: string
  readonly updatesSecret?: string
  readonly once?: boolean
  readonly logLevel: Level | 'silent'
}

const usualServer = '127.0.0.1:9092'

/** `tail`: what comes on some streams, across every loss of the connection. */
export function tailCommand(): Command {
  return addInspectOption(new Command(), variablePrefix)
    .argument(
      '[streams...]',
      'streams to follow (default: those of Synapse 1.4, of 1.66 with --dialect d2, or of 1.163 with --redis, that the server has)',
    )
    .addOption(
      new Option('--server <address>', 'the server to follow')
        .argParser(endpointOf)
        .default(endpointOf(usualServer), usualServer),
    )
    .option('-f, --from <token>', 'where to begin: a token, or NOW', tokenOf, 'NOW' as const)
    .option('--checkpoint <file>', 'keep the positions there, and go on from them')
    .option('--json', 'print a line of JSON for each batch')
    .option('-n, --name <name>', 'what the server calls this client in its logs', 'tail')
    .option('--server-name <name>', "the server's name; another one is refused")
    .option('--dialect <dialect>', 'd1 or d2 (default: found out)', dialectOf)
    .addOption(
      new Option(
        '--redis <url>',
        'follow over pub/sub of Redis instead, on the channel of --server-name; needs ioredis',
      ).env(`${variablePrefix}_REDIS`),
    )
    .option('--writer <instance>', 'with --redis: the process whose rows to take', 'master')
    .option('--updates <url>', 'HTTP replication listener of a D2 server, for rows that were missed', httpUrl)
    .option('--updates-secret <secret>', 'bearer token for it')
    .option('--once', 'stop when all rows of the past have come')
    .addOption(logLevelOption('warn'))
    .addHelpText('after', examples)
    .action(async (streams: string[], flags: TailFlags) => {
      await tail(streams, flags)
    })
}

const examples = `
Examples:
  $ ${programName} tail events typing --server 127.0.0.1:9092
  $ ${programName} tail --from 0 --once --json
  $ ${programName} tail events --checkpoint ./events.json
  $ ${programName} tail events --redis redis://127.0.0.1:6379 --server-name example.com \\
      --updates http://127.0.0.1:9093`

async function tail(streams: readonly string[], flags: TailFlags): Promise<void> {
  const redis = await publicationOf(flags)
  const log = createLog({ name: programName, level: flags.logLevel })
  const env = nodeEnv({ name: programName, log: withoutWarnings(log) })
  const usual = redis === null ? usualStreams(flags.dialect ?? 'D1') : streamsOverRedis()
  const names = streams.length === 0 ? usual : streams
  const lacking = new Set<string>()
  // What somebody named has to be there; without an end that can only be said.
  const failsWhereLacking = flags.once === true && streams.length > 0
  const { checkpoint: path, updates, updatesSecret: secret } = flags
  await runService({
    name: programName,
    log,
    host: quietHost,
    start: async () => {
      const checkpoint =
        path === undefined
          ? null
          : new Checkpoint(fileStore({ path, parse: (json) => positions.parse(json) }))
      const print = flags.json === true ? printJson : printText
      const options: FollowOptions = {
        env,
        name: flags.name,
        ...(updates !== undefined && {
          updates: httpStreamUpdates({
            baseUrl: updates,
            random: () => env.random(),
            ...(secret !== undefined && { secret }),
          }),
        }),
        streams: names.map((stream) => ({
          stream,
          from: flags.from,
          unread: true,
          optional: true,
          apply: (batch) => write(print(batch)),
          ...(checkpoint && { store: checkpoint.of(stream) }),
        })),
      }
      // Before there is anything to count.
      const registry = watchedRegistry(undefined)
      const client = redis === null ? follow(flags, options) : await followRedis(redis, options)
      if (registry !== null) registerClientMetrics(registry, client)
      const watching = client.problems$.subscribe({
        next: (problem) => {
          if (problem.kind === 'not-served') {
            const isTold = lacking.has(problem.stream)
            lacking.add(problem.stream)
            if (isTold || failsWhereLacking) return
          }
          void write(
            flags.json === true ? `${JSON.stringify({ problem })}\n` : `# ${describeProblem(problem)}\n`,
          )
        },
        error: (failure: unknown) => log.error({ err: failure }, 'problems are not told any more'),
      })
      const telling = client.state$.subscribe({
        next: tellWaits(log),
        error: (failure: unknown) => log.error({ err: failure }, 'states are not told any more'),
      })
      await client.start()
      const drain = async (o?: { readonly within: Millis }): Promise<DrainReport> => {
        const report = await client.drain(o)
        checkpoint?.mustBeSaved()
        return report
      }
      const once = async (): Promise<void> => {
        await client.caughtUp()
        await drain()
        if (failsWhereLacking && lacking.size > 0)
          throw new CommandError(`the server has no ${[...lacking].join(', ')}`)
      }
      return {
        drain,
        finished: flags.once === true ? once() : ended(client),
        [Symbol.asyncDispose]: async () => {
          watching.unsubscribe()
          telling.unsubscribe()
          await client[Symbol.asyncDispose]()
        },
      }
    },
  })
}

/** What a client warns of is told as a problem, where it comes among the rows. */
function withoutWarnings(log: Log): Log {
  return {
    debug: (fields, text) => log.debug(fields, text),
    info: (fields, text) => log.info(fields, text),
    warn: (fields, text) => log.debug(fields, text),
    error: (fields, text) => log.error(fields, text),
  }
}

/** Says why there is no connection, each reason once: else it would look as if there were no rows. */
function tellWaits(log: Log): (state: LifecycleState) => void {
  let told = ''
  return (state) => {
    if (state.phase === 'ready') told = ''
    // That a stream is not there is told as a problem of its own.
    if (state.phase !== 'waiting' || state.why.code === notServed) return
    const { kind, detail = '' } = state.why
    const why = detail === '' ? kind : `${kind}: ${detail}`
    if (why !== told) log.warn({}, `not connected, trying again: ${why}`)
    told = why
  }
}

/** Waits for the end of the client; rejects if it has given up for good. */
async function ended(client: Pick<ReplicationClient, 'state' | 'state$'>): Promise<void> {
  const state = await lastValueFrom(client.state$, { defaultValue: client.state })
  if (state.phase !== 'failed') return
  const { kind, detail = kind, cause } = state.why
  throw new CommandError(`cannot be followed any more: ${detail}`, { cause })
}

type FollowOptions = Pick<ReplicationClientOptions, 'env' | 'name' | 'streams' | 'updates'>

function follow({ server, serverName, dialect }: TailFlags, options: FollowOptions): ReplicationClient {
  return replicationClient({
    ...options,
    dialer: sockets(),
    endpoints: [server],
    ...(serverName !== undefined && { serverName }),
    ...(dialect !== undefined && { dialect }),
  })
}

/** What is followed over Redis: the rows of one process, on the channel of a server. */
interface Publication extends RedisAddress {
  readonly serverName: string
  readonly writer: string
}

/** What `--redis` and its companions say; `null` without it. */
async function publicationOf({ redis, serverName, writer }: TailFlags): Promise<Publication | null> {
  if (redis === undefined) return null
  if (serverName !== undefined) return { ...(await redisAt(redis)), serverName, writer }
  throw new CommandError('--redis needs --server-name, the name of the channel', {
    exitCode: exitCodes.usage,
  })
}

async function followRedis(
  { writer, ...publication }: Publication,
  options: FollowOptions,
): Promise<RedisReplicationClient> {
  const { redisReplicationClient } = await overRedis()
  const writers = Object.fromEntries(options.streams.map(({ stream }) => [stream, writer]))
  return redisReplicationClient({ ...options, ...publication, writers })
}

const positions = z.record(
  z.string(),
  z.object({ at: z.number().int(), epoch: z.string().exactOptional() }).nullable(),
)

/** Standard output is for rows alone. */
const quietHost = {
  on: (event: string, listener: (...args: unknown[]) => void) => process.on(event, listener),
  off: (event: string, listener: (...args: unknown[]) => void) => process.off(event, listener),
  exit: (code: number) => process.exit(code),
  stdout: process.stderr,
}

function printText({ stream, token, texts }: ReceivedBatch): string {
  return texts.map((row) => `${stream} ${token} ${row}\n`).join('')
}

function printJson({ stream, token, texts }: ReceivedBatch): string {
  return `{"stream":${JSON.stringify(stream)},"token":${token},"rows":[${texts.join(',')}]}\n`
}

/** A row counts as printed when whoever reads us has room for it. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (failure) => {
      if (!failure) resolve()
      else if ((failure as NodeJS.ErrnoException).code === 'EPIPE') process.exit(exitCodes.ok)
      else reject(failure)
    })
  })
}
