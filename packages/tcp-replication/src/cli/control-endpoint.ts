import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { HoldfastError } from '@holdfast/core'
import { streamUpdatesHandler } from '../server/updates-handler.js'
import type { AppendLog } from '../source/append-log.js'
import { linesOf } from './lines.js'

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

/** The HTTP side of a server: appending rows, status, and what D2 clients have missed. */
export interface ControlEndpoint extends AsyncDisposable {
  readonly url: string
}

/** Rows of one request at most. */
const longestBody = 16 * 1024 * 1024

/**
 * Serves `POST /append?stream=NAME[&token=N]` (one row of JSON on each line; all of a request are one batch),
 * `GET /status`, and Synapse's `GET /_synapse/replication/get_repl_stream_updates/…`.
 *
 * @throws a `HoldfastError` `HF_LISTEN_FAILED`
 */
export async function serveControl(options: ControlOptions): Promise<ControlEndpoint> {
  const { at, log, secret, status, appends } = options
  const updates = streamUpdatesHandler({ source: log, ...(secret !== undefined && { secret }) })
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (updates(request, response)) return
    if (request.method === 'GET' && pathname === '/status') reply(response, 200, status())
    else if (request.method === 'POST' && pathname === '/append' && appends) {
      append(log, request, searchParams).then(
        (token) => reply(response, 200, { token }),
        (failure: unknown) =>
          reply(response, 400, { error: failure instanceof Error ? failure.message : String(failure) }),
      )
    } else reply(response, 404, { error: `there is no ${request.method ?? ''} ${pathname} here` })
  })
  const [, host = '127.0.0.1', port = ''] = /^(?:(.*):)?(\d+)$/.exec(at) ?? []
  await listening(server, host.replace(/^\[|\]$/g, ''), Number(port), at)
  const bound = server.address() as { address: string; port: number }
  return {
    url: `http://${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function append(log: AppendLog, request: IncomingMessage, query: URLSearchParams): Promise<number> {
  const stream = query.get('stream')
  if (stream === null) throw new HoldfastError('HF_BAD_REQUEST', 'name the stream: /append?stream=NAME')
  const rows: unknown[] = []
  let length = 0
  for await (const line of linesOf(request)) {
    length += line.length
    if (length > longestBody)
      throw new HoldfastError('HF_BAD_REQUEST', `more than ${longestBody} bytes in one batch`)
    if (line.trim() !== '') rows.push(rowOf(line))
  }
  if (rows.length === 0)
    throw new HoldfastError('HF_BAD_REQUEST', 'no rows: send one row of JSON on each line')
  const token = query.get('token')
  return log.append(stream, rows, token === null ? {} : { token: Number(token) })
}

/** Reads one row. */
export function rowOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new HoldfastError('HF_BAD_REQUEST', `not JSON: ${line.slice(0, 80)}`)
  }
}

function listening(server: Server, host: string, port: number, at: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new HoldfastError(
          'HF_LISTEN_FAILED',
          `cannot listen on ${at} for HTTP (${cause.code}); choose another port`,
          { cause },
        ),
      )
    })
    server.listen(port, host, () => resolve())
  })
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}
