import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { HoldfastError, OptionError } from '@holdfast/core'
import { requestUrl } from '../server/request-url.js'
import { streamUpdatesHandler } from '../server/updates-handler.js'
import type { AppendLog } from '../source/append-log.js'
import { StoreError } from '../source/errors.js'
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
  const [host, port] = hostAndPort(at)
  const server = createServer((request, response) => {
    const stranger = whyStrange(request)
    if (stranger !== null) {
      reply(response, 403, { error: stranger })
      return
    }
    if (updates(request, response)) return
    const { pathname = '', searchParams } = requestUrl(request) ?? {}
    if (request.method === 'GET' && pathname === '/status') reply(response, 200, status())
    else if (request.method === 'POST' && pathname === '/append' && appends) {
      append(log, request, searchParams?.get('stream') ?? null, searchParams?.get('token') ?? null).then(
        (token) => reply(response, 200, { token }),
        (failure: unknown) => {
          // The rest of a body that is too long is not waited for.
          response.setHeader('connection', 'close')
          reply(response, failure instanceof StoreError ? 500 : 400, {
            error: failure instanceof Error ? failure.message : String(failure),
          })
        },
      )
    } else reply(response, 404, { error: `there is no ${request.method ?? ''} ${pathname} here` })
  })
  await listening(server, host, port, at)
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

/**
 * A page in a browser can reach loopback, too: by a request to another origin, which browsers mark, or under a name
 * that was made to lead here. Neither a command line nor a worker says such things.
 */
function whyStrange({ headers, socket }: IncomingMessage): string | null {
  if (headers.origin !== undefined) return 'requests of web pages are refused'
  const { hostname = '' } = URL.canParse(`http://${headers.host}`) ? new URL(`http://${headers.host}`) : {}
  const isLocal = hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
  if (isLocal || headers.host === undefined || !isLoopback(socket.localAddress ?? '')) return null
  return `on loopback this is called by its address or localhost, not ${hostname}`
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}

/** @throws an `OptionError` */
function hostAndPort(at: string): readonly [host: string, port: number] {
  const [, host = '127.0.0.1', port = ''] = /^(?:(.+):)?(\d{1,5})$/.exec(at) ?? []
  if (port === '' || Number(port) > 65_535) throw new OptionError('http', 'HOST:PORT, or a port', at)
  return [host.replace(/^\[|\]$/g, ''), Number(port)]
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
