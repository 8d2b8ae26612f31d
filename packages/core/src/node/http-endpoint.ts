import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { OptionError } from '../index.js'
import { bind } from './accept-streams.js'
import { addressUri } from './socket-address.js'

/** Options of {@link serveHttp}. */
export interface HttpEndpointOptions {
  /** `HOST:PORT`, `[IPV6]:PORT`, or a port alone for loopback; port 0 takes a free one. */
  readonly at: string
  /** The option that `at` comes from, for the error. */
  readonly option: string
  /** Answers a request. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /**
   * Who is answered; the rest gets 403, because a page in a browser can reach loopback, too.
   *
   * - `programs`: not who names an origin, as pages of other sites do; on loopback not who calls the host by another
   *   name than localhost or an address, as a page does whose name was made to lead here.
   * - `own-pages`: also pages that came from here. Anywhere the host must be called localhost, by an address, or as in
   *   `at`.
   * - `anybody`
   *
   * @defaultValue 'programs'
   */
  readonly callers?: 'programs' | 'own-pages' | 'anybody'
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
  const { at, option, handle, callers = 'programs' } = options
  const { host, port } = listenAddress(at, option)
  const server = createServer((request, response) => {
    const stranger = callers === 'anybody' ? null : strange[callers](request, host)
    if (stranger === null) handle(request, response)
    else replyJson(response, 403, { error: stranger })
  })
  // Of this process alone, in one of `node:cluster` too.
  await bind(server, { host, port, exclusive: true }, { uri: addressUri('http', host, port) })
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

/** Why a request is refused, or `null`; `own` is the name of this host that the operator has given. */
const strange = {
  programs({ headers, socket }: IncomingMessage): string | null {
    if (headers.origin !== undefined) return 'requests of web pages are refused'
    return isLoopback(socket.localAddress ?? '') ? whyMiscalled(headers.host) : null
  },
  'own-pages'({ headers }: IncomingMessage, own: string): string | null {
    const isOther = headers.origin !== undefined && headers.origin !== `http://${headers.host}`
    const isFetched = headers['sec-fetch-mode'] !== undefined && headers['sec-fetch-mode'] !== 'navigate'
    const isCross = /^(cross|same)-site$/.test(String(headers['sec-fetch-site']))
    if (isOther || (isFetched && isCross)) return 'requests of pages of other sites are refused'
    return whyMiscalled(headers.host, own)
  },
}

function whyMiscalled(name: string | undefined, own?: string): string | null {
  const { hostname = '' } = URL.canParse(`http://${name}`) ? new URL(`http://${name}`) : {}
  const isKnown = hostname === 'localhost' || hostname === own?.toLowerCase()
  if (name === undefined || isKnown || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return null
  return `this is called by its address or localhost, not ${hostname}`
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}

/** Sees that {@link serveHttp} can tell from `at` where to listen, before there is anything to serve. @throws as it does */
export function checkHttpAddress(at: string, option: string): void {
  listenAddress(at, option)
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
