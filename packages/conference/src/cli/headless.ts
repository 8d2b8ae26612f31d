import type { Env, Log } from '@holdfast/core'
import { addServiceOptions, exitCodes, linesOf, type ServiceFlags } from '@holdfast/core/program'
import {
  OpenedThings,
  type RunningService,
  replyJson,
  runConfigured,
  serveHttp,
  serveWatched,
} from '@holdfast/core/service'
import { Command } from 'commander'
import { Subscription } from 'rxjs'
import type { ToxClient } from '../client/tox-client.js'
import { listenTo } from '../conferences/listen-to.js'
import { maxNameBytes, maxTextBytes } from '../wire/packets.js'
import { type MemberConfig, memberSchema } from './config.js'
import { drain } from './drain.js'
import { doCommand, parseCommand } from './headless-commands.js'
import { addNetworkOptions, fieldsOf, type NetworkFlags } from './network-options.js'
import { openClient } from './open-client.js'
import { programName, variablePrefix } from './program-name.js'
import { quietHost } from './quiet-host.js'
import { reportStatus } from './status-report.js'

interface HeadlessFlags extends ServiceFlags, NetworkFlags {
  readonly http?: string
}

/** `headless`: a node for programs, which talk to it in lines of JSON. */
export function headlessCommand(): Command {
  return addServiceOptions(addNetworkOptions(new Command()), variablePrefix)
    .option('--http <host:port>', 'serve GET /status; a port alone is on loopback')
    .addHelpText('after', help)
    .action(async (flags: HeadlessFlags) => {
      const { http, metrics } = flags
      await runConfigured(flags, {
        name: programName,
        prefix: variablePrefix,
        schema: memberSchema,
        fields: { ...fieldsOf(flags), http },
        host: quietHost,
        start: (env, config) => start(env, config, metrics),
      })
    })
}

const help = `
Commands, one on each line; "id" is optional and comes back in the reply. CONFERENCE is an identifier, or a number of this run.
  {"do":"befriend","friend":TOX_ID_OR_KEY,"dhtKey":KEY,"address":{"host":IP,"port":N}}   (where it is, if known)
  {"do":"create"}   {"do":"accept"|"decline","from":KEY,"identifier":IDENTIFIER}   {"do":"leave","conference":CONFERENCE}
  {"do":"invite","conference":CONFERENCE,"friend":KEY}   {"do":"say"|"act","conference":CONFERENCE,"text":TEXT}
  {"do":"title","conference":CONFERENCE,"title":TEXT}   {"do":"name","name":NAME}
  {"do":"page","conference":CONFERENCE,"after":POSITION|"before":POSITION,"limit":N}   {"do":"search",…,"words":WORDS}
  {"do":"message","friend":KEY,"text":TEXT}   {"do":"unfriend","friend":KEY}   {"do":"list"}   {"do":"close"}
A TEXT has at most ${maxTextBytes} bytes of UTF-8, a NAME or TITLE ${maxNameBytes}. A page has 50 messages, or N, of at most 1000: the last ones, or those
before a position, or the first after one.

Replies: {"reply":ID,"ok":true,…} or {"reply":ID,"ok":false,"why":WHY}. At the end of its input the program goes on; it ends when nobody reads it.
Events: {"event":"ready",…} first, then "message" (late ones have "isLate"), "invited", "connected", "joined", "frozen", "thawed",
  "left", "forgotten", "name", "title", "title-conflict", "echoed", "spoofed", "number-clash", "friend", "private-message", "input-ended", …

Examples:
  $ ${programName} headless --profile ./bot.tox --lan
  $ echo '{"do":"list"}' | ${programName} headless --profile ./bot.tox --http 9094`

async function start(env: Env, config: MemberConfig, metrics: string | undefined): Promise<RunningService> {
  const opened = new OpenedThings()
  try {
    const client = opened.add(await openClient(env, config, metrics))
    const serving = await serve(client, { http: config.http, metrics }, { log: env.log, opened })
    const unread = whenUnread()
    const watching = tellAll(client)
    const { realKey, dhtKey, address } = client.node
    print({ event: 'ready', ...reportStatus(client), realKey, dhtKey, address, ...serving })
    const told = new Promise<void>((resolve, reject) => {
      listen(client, resolve).catch(reject)
    })
    const left = unread.then(() => env.log.warn({}, 'nobody reads what happens any more: stopping'))
    return {
      finished: Promise.race([told, left]),
      drain: async () => {
        const report = await drain(client, env.clock)
        print({ event: 'drained', ...report })
        return report
      },
      [Symbol.asyncDispose]: async () => {
        watching.unsubscribe()
        await opened.close()
      },
    }
  } catch (failure) {
    await opened.close()
    throw failure
  }
}

/** Serves status and metrics as far as they are asked for. Returns where. */
async function serve(
  client: ToxClient,
  { http, metrics }: { readonly http: string | undefined; readonly metrics: string | undefined },
  { log, opened }: { readonly log: Log; readonly opened: OpenedThings },
): Promise<{ http?: string; metrics?: string }> {
  const serving: { http?: string; metrics?: string } = {}
  if (http !== undefined) {
    const status = await serveHttp({
      at: http,
      option: 'http',
      handle: (request, response) => {
        const isStatus = request.method === 'GET' && request.url === '/status'
        if (isStatus) replyJson(response, 200, reportStatus(client))
        else replyJson(response, 404, { error: 'there is only GET /status' })
      },
    })
    serving.http = opened.add(status).url
  }
  const uri = await serveWatched(metrics, { log, opened })
  if (uri !== undefined) serving.metrics = uri
  return serving
}

/** Characters of a command: many times what any can have. */
const longestCommand = 65_536

/** Until the input ends or says so; at its end the program goes on, as a service without input does. */
async function listen(client: ToxClient, close: () => void): Promise<void> {
  const onTooLong = (): void => print({ reply: null, ok: false, why: 'too-long' })
  for await (const line of linesOf(process.stdin, { longest: longestCommand, onTooLong })) {
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
  // Whoever was to write may be gone, and with it whoever was to read: then this cannot be written.
  print({ event: 'input-ended' })
}

/** Whoever read our output is gone, and would find the profile in use when it comes back. */
function whenUnread(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') resolve()
    })
  })
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
