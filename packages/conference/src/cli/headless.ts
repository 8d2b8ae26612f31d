import { exitCodes, linesOf } from '@holdfast/core/program'
import {
  createLog,
  OpenedThings,
  replyJson,
  runService,
  serveHttp,
  serveMetrics,
  watchedRegistry,
} from '@holdfast/core/service'
import { Command, Option } from 'commander'
import { Subscription } from 'rxjs'
import type { ToxClient } from '../client/tox-client.js'
import { listenTo } from '../listen-to.js'
import { drainOf } from './drain-of.js'
import { doCommand, parseCommand } from './headless-commands.js'
import { addNetworkOptions, type NetworkFlags } from './network-options.js'
import { openClient } from './open-client.js'
import { programName, variablePrefix } from './program-name.js'
import { quietHost } from './quiet-host.js'
import { reportStatus } from './status-report.js'

interface HeadlessFlags extends NetworkFlags {
  readonly http?: string
  readonly metrics?: string
}

/** `headless`: a node for programs, which talk to it in lines of JSON. */
export function headlessCommand(): Command {
  return addNetworkOptions(new Command())
    .option('--http <host:port>', 'serve GET /status; a port alone is on loopback')
    .addOption(
      new Option('--metrics <host:port>', 'serve Prometheus metrics; a port alone is on loopback').env(
        `${variablePrefix}_METRICS`,
      ),
    )
    .addHelpText('after', help)
    .action(headless)
}

const help = `
Commands, one on each line; "id" is optional and comes back in the reply. CONFERENCE is an identifier, or a number of this run.
  {"do":"befriend","friend":TOX_ID_OR_KEY,"dhtKey":KEY,"address":{"host":IP,"port":N}}   (where it is, if known)
  {"do":"create"}   {"do":"accept"|"decline","from":KEY,"identifier":IDENTIFIER}   {"do":"leave","conference":CONFERENCE}
  {"do":"invite","conference":CONFERENCE,"friend":KEY}   {"do":"say"|"act","conference":CONFERENCE,"text":TEXT}
  {"do":"title","conference":CONFERENCE,"title":TEXT}   {"do":"name","name":NAME}
  {"do":"page","conference":CONFERENCE,"before":POSITION,"limit":N}   {"do":"search",…,"words":WORDS}
  {"do":"message","friend":KEY,"text":TEXT}   {"do":"unfriend","friend":KEY}   {"do":"list"}   {"do":"close"}

Replies: {"reply":ID,"ok":true,…} or {"reply":ID,"ok":false,"why":WHY}.
Events: {"event":"ready",…} first, then "message" (late ones have "isLate"), "invited", "connected", "joined", "frozen", "thawed",
  "left", "forgotten", "name", "title", "title-conflict", "echoed", "spoofed", "number-clash", "friend", "private-message", …

Examples:
  $ ${programName} headless --profile ./bot.tox --lan
  $ echo '{"do":"list"}' | ${programName} headless --profile ./bot.tox --http 9094`

async function headless(flags: HeadlessFlags): Promise<void> {
  const log = createLog({ name: programName, level: flags.logLevel })
  await runService({
    name: programName,
    log,
    host: quietHost,
    start: async () => {
      const opened = new OpenedThings()
      const client = opened.add(await openClient(flags, log))
      const serving: { http?: string; metrics?: string } = {}
      try {
        if (flags.http !== undefined) {
          const http = await serveHttp({
            at: flags.http,
            option: 'http',
            handle: (request, response) => {
              const isStatus = request.method === 'GET' && request.url === '/status'
              if (isStatus) replyJson(response, 200, reportStatus(client))
              else replyJson(response, 404, { error: 'there is only GET /status' })
            },
          })
          serving.http = opened.add(http).url
        }
        const registry = watchedRegistry(flags.metrics)
        if (flags.metrics !== undefined && registry !== null) {
          serving.metrics = opened.add(await serveMetrics({ at: flags.metrics, registry })).uri
        }
      } catch (cause) {
        await opened.close()
        throw cause
      }
      const watching = tellAll(client)
      const { node } = client
      print({
        event: 'ready',
        ...reportStatus(client),
        realKey: node.realKey,
        dhtKey: node.dhtKey,
        address: node.address,
        ...serving,
      })
      const finished = new Promise<void>((resolve, reject) => {
        listen(client, resolve).catch(reject)
      })
      return {
        finished,
        drain: drainOf(client),
        [Symbol.asyncDispose]: async () => {
          watching.unsubscribe()
          await opened.close()
        },
      }
    },
  })
}

/** Until the input ends or says so; at its end the program goes on, as a service without input does. */
async function listen(client: ToxClient, close: () => void): Promise<void> {
  for await (const line of linesOf(process.stdin)) {
    if (line.trim() === '') continue
    const command = parseCommand(line)
    const reply = command.id ?? null
    if ('why' in command) {
      print({ reply, ok: false, why: command.why })
      continue
    }
    const outcome = doCommand(client, command)
    print('why' in outcome ? { reply, ok: false, why: outcome.why } : { reply, ok: true, ...outcome.result })
    if (command.do === 'close') {
      close()
      return
    }
  }
}

/** Tells the reader what happens, one line each. */
function tellAll({ conferences, messages$, news$ }: ToxClient): Subscription {
  const watching = new Subscription()
  watching.add(
    listenTo(conferences.events$, ({ kind, ...news }) => {
      // What is said comes with its conference and author, ours too.
      if (kind === 'message' || kind === 'sent') return
      const identifier = 'conference' in news ? conferences.get(news.conference)?.identifier : undefined
      print({ event: kind, ...(identifier !== undefined && { identifier }), ...news })
    }),
  )
  watching.add(listenTo(messages$, (message) => print({ event: 'message', ...message })))
  watching.add(
    listenTo(news$, ({ kind, ...news }) =>
      print({ event: kind === 'message' ? 'private-message' : kind, ...news }),
    ),
  )
  return watching
}

/** Bytes that may wait for whoever reads us. */
const mostUnread = 16 * 1024 * 1024

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
  if (process.stdout.writableLength > mostUnread) {
    process.stderr.write(`${programName}: nobody reads what happens: ${mostUnread} bytes wait\n`)
    process.exit(exitCodes.failure)
  }
}
