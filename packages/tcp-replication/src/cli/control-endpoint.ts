import type { IncomingMessage } from 'node:http'
import { HoldfastError, StoreError } from '@holdfast/core'
import { linesOf } from '@holdfast/core/program'
import { type HttpEndpoint, replyJson, serveHttp } from '@holdfast/core/service'
import { bearerPermits } from '../server/bearer.js'
import { requestUrl } from '../server/request-url.js'
import { streamUpdatesHandler } from '../server/updates-handler.js'
import type { AppendLog } from '../source/append-log.js'

/** What the control endpoint answers from. */
export interface ControlOptions {
  /** `HOST:PORT`, or a port on loopback. */
  readonly at: string
  readonly log: AppendLog
  /** Asked for as a bearer token by whatever reads or appends rows; the status is for all. */
  readonly secret?: string | undefined
  /** Whether rows may be appended. */
  readonly appends: boolean
  readonly status: () => object
}

/** Rows of one request at most. */
const longestBody = 16 * 1024 * 1024

/** What `/append` answers: the tokens of what is stored, and why the rest is not. */
export interface Appended {
  readonly tokens: readonly number[]
  readonly error?: string
}

/**
 * Serves `POST /append?stream=NAME[&token=N][&each]` (one row of JSON on each line; all of a request are one batch, with
 * `each` every line is one, up to the first that cannot be appended), `GET /status`, and Synapse's `GET /_synapse/replication/get_repl_stream_updates/…`.
 *
 * @throws an `OptionError` when `at` has no port, and a `HoldfastError` `HF_LISTEN_FAILED`
 */
export function serveControl(options: ControlOptions): Promise<HttpEndpoint> {
  const { at, log, secret, status, appends } = options
  const updates = streamUpdatesHandler({ source: log, ...(secret !== undefined && { secret }) })
  return serveHttp({
    at,
    option: 'http',
    handle(request, response) {
      if (updates(request, response)) return
      const { pathname = '', searchParams } = requestUrl(request) ?? {}
      if (request.method === 'GET' && pathname === '/status') replyJson(response, 200, status())
      else if (request.method === 'POST' && pathname === '/append' && appends) {
        const reply = (code: number, answer: Appended): void => {
          // The rest of a body that is too long is not waited for.
          if (code !== 200) response.setHeader('connection', 'close')
          replyJson(response, code, answer)
        }
        if (!bearerPermits(request, secret)) {
          reply(401, { tokens: [], error: 'the secret is missing or wrong: give --http-secret' })
          return
        }
        append(log, request, searchParams).then(
          (answer) => reply(answer.error === undefined ? 200 : 400, answer),
          (failure: unknown) =>
            reply(failure instanceof StoreError ? 500 : 400, { tokens: [], error: messageOf(failure) }),
        )
      } else replyJson(response, 404, { error: `there is no ${request.method ?? ''} ${pathname} here` })
    },
  })
}

async function append(
  log: AppendLog,
  request: IncomingMessage,
  query: URLSearchParams | undefined,
): Promise<Appended> {
  const stream = query?.get('stream') ?? null
  const given = query?.get('token') ?? null
  const token = given === null ? {} : { token: Number(given) }
  if (stream === null) throw new HoldfastError('HF_BAD_REQUEST', 'name the stream: /append?stream=NAME')
  const lines: string[] = []
  for await (const line of linesOf(bounded(request))) if (line.trim() !== '') lines.push(line)
  if (lines.length === 0)
    throw new HoldfastError('HF_BAD_REQUEST', 'no rows: send one row of JSON on each line')
  if (query?.has('each') !== true) return { tokens: [await log.append(stream, lines.map(rowOf), token)] }
  // One transaction, and so one wait for the disk. What comes before a line at fault is stored.
  return log.transaction((tx) => {
    const tokens: number[] = []
    try {
      for (const line of lines) tokens.push(tx.append(stream, [rowOf(line)], token))
    } catch (failure) {
      return { tokens, error: messageOf(failure) }
    }
    return { tokens }
  })
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure)
}

/** The body, as long as it is not too long. The connection stays, for the answer. */
async function* bounded(request: IncomingMessage): AsyncGenerator<Buffer> {
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestBody)
      throw new HoldfastError('HF_BAD_REQUEST', `more than ${longestBody} bytes in one request`)
    yield chunk
  }
}

/** Reads one row. */
function rowOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new HoldfastError('HF_BAD_REQUEST', `not JSON: ${line.slice(0, 80)}`)
  }
}
