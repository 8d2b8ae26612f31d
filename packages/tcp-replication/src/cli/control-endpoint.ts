import type { IncomingMessage } from 'node:http'
import { HoldfastError, StoreError } from '@holdfast/core'
import { linesOf } from '@holdfast/core/program'
import { type HttpEndpoint, replyJson, serveHttp } from '@holdfast/core/service'
import { requestUrl } from '../server/request-url.js'
import { streamUpdatesHandler } from '../server/updates-handler.js'
import type { AppendLog } from '../source/append-log.js'

/** What the control endpoint answers from. */
export interface ControlOptions {
  /** `HOST:PORT`, or a port on loopback. */
  readonly at: string
  readonly log: AppendLog
  readonly secret?: string | undefined
  /** Whether rows may be appended. */
  readonly appends: boolean
  readonly status: () => object
}

/** Rows of one request at most. */
const longestBody = 16 * 1024 * 1024

/**
 * Serves `POST /append?stream=NAME[&token=N]` (one row of JSON on each line; all of a request are one batch),
 * `GET /status`, and Synapse's `GET /_synapse/replication/get_repl_stream_updates/…`.
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
        append(log, request, searchParams?.get('stream') ?? null, searchParams?.get('token') ?? null).then(
          (token) => replyJson(response, 200, { token }),
          (failure: unknown) => {
            // The rest of a body that is too long is not waited for.
            response.setHeader('connection', 'close')
            replyJson(response, failure instanceof StoreError ? 500 : 400, {
              error: failure instanceof Error ? failure.message : String(failure),
            })
          },
        )
      } else replyJson(response, 404, { error: `there is no ${request.method ?? ''} ${pathname} here` })
    },
  })
}

async function append(
  log: AppendLog,
  request: IncomingMessage,
  stream: string | null,
  token: string | null,
): Promise<number> {
  if (stream === null) throw new HoldfastError('HF_BAD_REQUEST', 'name the stream: /append?stream=NAME')
  const rows: unknown[] = []
  for await (const line of linesOf(bounded(request))) {
    if (line.trim() !== '') rows.push(rowOf(line))
  }
  if (rows.length === 0)
    throw new HoldfastError('HF_BAD_REQUEST', 'no rows: send one row of JSON on each line')
  return log.append(stream, rows, token === null ? {} : { token: Number(token) })
}

/** The body, as long as it is not too long. The connection stays, for the answer. */
async function* bounded(request: IncomingMessage): AsyncGenerator<Buffer> {
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestBody)
      throw new HoldfastError('HF_BAD_REQUEST', `more than ${longestBody} bytes in one batch`)
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
