import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { OptionError } from '../index.js'
import { bind } from '../node/accept-streams.js'
import { addressUri } from '../node/socket-address.js'

/** Options of {@link serveHttp}. */
export interface HttpEndpointOptions {
  /** `HOST:PORT`, `[IPV6]:PORT`, or a port alone for loopback; port 0 takes a free one. */
  readonly at: string
  /** The option that `at` comes from, for the error. */
  readonly option: string
  /** Answers a request. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /**
   * Answer 403 to requests that a page in a browser may have caused: those that name an origin, and on loopback those that
   * name a host other than localhost or an address.
   *
   * @defaultValue true
   */
  readonly refuseBrowsers?: boolean
}

/** An HTTP server, until it is disposed of. It does not hold the process. */
export interface HttpEndpoint extends AsyncDisposable {
  /** `http://HOST:PORT`. */
  readonly url: string
}

/**
 * Serves HTTP for the program's own command line and for those who watch it.
 *
 * @throws an {@link OptionError} when there is no port in `at`, and a `HoldfastError` `HF_LISTEN_FAILED` when it cannot be bound
 *
 * @example
 * ```ts
 * import { replyJson, serveHttp } from '@holdfast/core/service'
 *
 * await using endpoint = await serveHttp({
 *   at: '127.0.0.1:0',
 *   option: 'http',
 *   handle: (_request, response) => replyJson(response, 200, { phase: 'listening' }),
 * })
 * const answer = await fetch(endpoint.url)
 * await answer.json() // => { phase: 'listening' }
 * ```
 */
export async function serveHttp(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const { at, option, handle, refuseBrowsers = true } = options
  const { host, port } = listenAddress(at, option)
  const server = createServer((request, response) => {
    const stranger = refuseBrowsers ? whyStrange(request) : null
    if (stranger === null) handle(request, response)
    else replyJson(response, 403, { error: stranger })
  })
  await bind(server, { host, port }, { uri: addressUri('http', host, port) })
  server.unref()
  const bound = server.address() as AddressInfo
  return {
    url: addressUri('http', bound.address, bound.port),
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Answers with JSON and a newline. */
export function replyJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
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

/** @throws an {@link OptionError} when there is no port */
function listenAddress(at: string, option: string): { host: string; port: number } {
  const found = /^(?:\[(?<v6>[^\]]+)\]:|(?<v4>[^:[\]]*):)?(?<port>\d{1,5})$/.exec(at)?.groups
  const port = Number(found?.['port'])
  if (found === undefined || port > 65_535) {
    throw new OptionError(option, 'HOST:PORT, or a port for loopback', at)
  }
  const host = found['v6'] ?? found['v4'] ?? ''
  return { host: host === '' ? '127.0.0.1' : host, port }
}
