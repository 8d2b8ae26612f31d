import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  STATUS_CODES,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import type { Accepting, AcceptSink, End, Endpoint } from '../index.js'
import { end, HoldfastError, OptionError } from '../index.js'
import { bind, remoteOf, tellFailures } from '../node/accept-streams.js'
import { offer } from '../node/offer.js'
import { resetStream } from '../node/reset-stream.js'
import { boundUri } from '../node/socket-address.js'
import type { TlsEndpoint } from '../node/tls.js'
import { type Transport, type TransportOptions, wireOptions } from '../node/transport.js'
import { WiredLink, type WireOptions } from '../node/wired-link.js'
import { webSocketWire } from './ws-wire.js'

/** Where {@link webSocket} dials or listens. Certificates for `wss:` are those of {@link TlsEndpoint}. */
export interface WebSocketEndpoint extends TlsEndpoint {
  /** `ws://HOST:PORT/PATH` or `wss://…`. Listening, only that path is answered; `/` answers all. */
  readonly uri: string
  /** Dialing: more headers of the opening request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Offered when dialing; when listening, the first of the peer's offers that is named here is agreed on. */
  readonly subprotocols?: readonly string[]
  /**
   * The largest message taken, in bytes; a larger one ends the link as `overflow`.
   *
   * @defaultValue 16 MiB
   */
  readonly maxPayload?: number
  /**
   * Compress messages (RFC 7692). Costs some 300 kB for each link.
   *
   * @defaultValue false
   */
  readonly perMessageDeflate?: boolean
  /**
   * Listening: a server of `node:http` or `node:https` that already listens, whose upgrade requests for this path
   * are taken. It stays its owner's to close.
   */
  readonly server?: Server
  /**
   * Listening on a server of its own: answers requests that are no WebSocket's, on whatever path.
   *
   * @defaultValue 426, upgrade required
   */
  readonly answer?: RequestListener
}

const defaultMaxPayload = 16 * 1024 * 1024
/** How long a client may take over its request, in milliseconds; Node's minute holds sockets for too long. */
const headersTimeout = 10_000

/**
 * Links over WebSocket. Messages come by the sink's `message`; pings and pongs count as heard.
 *
 * An opening request that is answered otherwise than by 101 ends the link as `handshake-refused` with the HTTP
 * status as code; its advice is `after` where the answer names a Retry-After, else `backoff`.
 */
export function webSocket(options: TransportOptions = {}): Transport {
  const settings = wireOptions(options)
  return {
    dial: (to: WebSocketEndpoint, sink) =>
      new WiredLink(to, sink, settings, (events) => {
        const { uri, subprotocols = [], maxPayload = defaultMaxPayload, ...given } = to
        let refusal: End | null = null
        let below: Socket | null = null
        const socket = new WebSocket(uri, [...subprotocols], {
          perMessageDeflate: false,
          ...given,
          maxPayload,
          ...closing(settings),
        })
        socket.on('upgrade', (response) => (below = response.socket))
        socket.on('unexpected-response', (request, response) => {
          refusal = refused(uri, response, settings)
          request.destroy()
          socket.terminate()
        })
        return webSocketWire(socket, uri, events, { socket: () => below, refusal: () => refusal })
      }),
    accept: (at: WebSocketEndpoint, sink) =>
      at.server === undefined
        ? acceptOnOwnServer(at, sink, settings)
        : Promise.resolve(acceptOnServer(at.server, at, sink, settings)),
  }
}

async function acceptOnOwnServer(
  at: WebSocketEndpoint,
  sink: AcceptSink,
  settings: WireOptions,
): Promise<Accepting> {
  const { uri, answer = upgradeRequired, ...given } = at
  const { protocol, hostname, port, pathname } = URL.canParse(uri) ? new URL(uri) : { ...noUrl }
  if (protocol !== 'ws:' && protocol !== 'wss:') {
    throw new OptionError('endpoint.uri', 'ws://HOST:PORT/PATH or wss://…', uri)
  }
  const isSecure = protocol === 'wss:'
  const server = isSecure
    ? createSecureServer({ ...given, headersTimeout })
    : createServer({ headersTimeout, noDelay: true })
  server.on('request', answer)
  const accepting = acceptOnServer(server, at, sink, settings)
  const host = hostname.replace(/^\[|\]$/g, '')
  await bind(server, { host, port: Number(port === '' ? (isSecure ? 443 : 80) : port) }, at)
  tellFailures(server, sink)
  return {
    endpoint: { ...at, uri: boundUri(protocol.slice(0, -1), server.address()) + pathname },
    async close() {
      await accepting.close()
      server.close()
    },
  }
}

/** How long ws waits for the peer's close frame and FIN; its types do not know the option yet. */
function closing({ flushWithin }: WireOptions): object {
  return { closeTimeout: flushWithin }
}

const noUrl = { protocol: '', hostname: '', port: '', pathname: '' }

function acceptOnServer(
  server: Server,
  at: WebSocketEndpoint,
  sink: AcceptSink,
  settings: WireOptions,
): Accepting {
  const { maxPayload = defaultMaxPayload, perMessageDeflate = false, subprotocols = [] } = at
  const { pathname } = new URL(at.uri)
  const scheme = new URL(at.uri).protocol.slice(0, -1)
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload,
    perMessageDeflate,
    ...closing(settings),
    handleProtocols: (offered) => subprotocols.find((each) => offered.has(each)) ?? false,
  })
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (!(socket instanceof Socket)) {
      socket.destroy()
      return
    }
    const target = request.url ?? '/'
    if (pathname !== '/' && target.split('?')[0] !== pathname) {
      // Somebody else's server may have other listeners for it.
      if (at.server === undefined) refuseUpgrade(socket, 404)
      return
    }
    socket.on('error', () => undefined)
    const from = remoteOf(socket, scheme)
    const remote: Endpoint = { ...from, uri: from.uri + target, headers: request.headers }
    offer(sink, remote, {
      refuse: () => resetStream(socket),
      take: (linkSink) =>
        new WiredLink(remote, linkSink, settings, (events) => {
          let made: WebSocket | undefined
          upgrades.handleUpgrade(request, socket, head, (webSocketOfPeer) => (made = webSocketOfPeer))
          if (made === undefined) throw invalidUpgrade(remote.uri)
          return webSocketWire(made, remote.uri, events, { socket: () => socket, refusal: () => null })
        }),
    })
  }
  server.on('upgrade', upgrade)
  return {
    endpoint: at,
    close() {
      server.off('upgrade', upgrade)
      return Promise.resolve()
    },
  }
}

const upgradeRequired: RequestListener = (_request, response) => void response.writeHead(426).end()

function invalidUpgrade(uri: string): HoldfastError {
  const detail = `${uri}: not a valid WebSocket upgrade`
  return new HoldfastError('HF_BAD_UPGRADE', detail, { end: end('handshake-refused', { code: 400, detail }) })
}

function refuseUpgrade(socket: Socket, status: number): void {
  socket.on('error', () => undefined)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function refused(uri: string, response: IncomingMessage, { clock }: WireOptions): End {
  const { statusCode = 0, statusMessage = '', headers } = response
  const later = headers['retry-after']
  const ms =
    later === undefined ? NaN : /^\d+$/.test(later) ? Number(later) * 1000 : Date.parse(later) - clock.wall()
  return end('handshake-refused', {
    code: statusCode,
    detail: `${uri}: ${statusCode} ${statusMessage}`,
    ...(ms > 0 && { advice: { kind: 'after', ms } }),
  })
}
