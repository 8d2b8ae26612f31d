import { isIP, type Socket } from 'node:net'
import { connect, createServer, type SecureContextOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Endpoint } from '../index.js'
import { end } from '../index.js'
import { acceptStreams } from './accept-streams.js'
import { type HostPort, hostPort } from './socket-address.js'
import { StreamWire } from './stream-wire.js'
import { type Transport, type TransportOptions, wireOptions } from './transport.js'
import { type Wire, WiredLink, type WireEvents } from './wired-link.js'

/**
 * Where {@link tls} dials or listens, and with which certificates. Any other option of `tls.connect` and
 * `tls.createServer` is passed on.
 */
export interface TlsEndpoint extends Endpoint {
  /** `tls://HOST:PORT`; an IPv6 address in brackets. Port 0 listens on a free one. */
  readonly uri: string
  /** The address of this host to dial from. */
  readonly localAddress?: string
  /** Certificates, in PEM, that are trusted instead of the well-known ones. */
  readonly ca?: SecureContextOptions['ca']
  /** Our certificate chain, in PEM. Required to listen. */
  readonly cert?: SecureContextOptions['cert']
  /** Its private key, in PEM. Required to listen. */
  readonly key?: SecureContextOptions['key']
  readonly passphrase?: string
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly minVersion?: SecureContextOptions['minVersion']
  /** Protocols to negotiate, the preferred one first. */
  readonly ALPNProtocols?: string[]
  /**
   * Dialing: the name to ask for and to verify.
   *
   * @defaultValue the host of the URI, unless it is an address
   */
  readonly servername?: string
  /** Listening: ask the peer for a certificate. */
  readonly requestCert?: boolean
  /**
   * Refuse a peer whose certificate does not verify.
   *
   * @defaultValue true
   */
  readonly rejectUnauthorized?: boolean
}

/** What we have still to send is flushed after the peer's goodbye. The types of Node do not know the option. */
const halfOpen = { allowHalfOpen: true }

/**
 * Links over TLS. Accepted peers are announced before their handshake, so that whoever counts and times
 * handshakes sees them; their links open after it.
 *
 * A certificate that does not verify ends the link as `dial-failed` with the verifier's code and advice
 * `backoff`: certificates are renewed without us. An accepted peer that fails the handshake ends as
 * `handshake-refused`.
 */
export function tls(options: TransportOptions = {}): Transport {
  const settings = wireOptions(options)
  return {
    dial: (to: TlsEndpoint, sink) =>
      new WiredLink(to, sink, settings, (events) => {
        const { uri, ...given } = to
        const address: HostPort = hostPort(uri, 'tls')
        const servername = isIP(address.host) === 0 ? { servername: address.host } : {}
        const socket = connect({ ...servername, ...given, ...address, ...halfOpen })
        socket.setNoDelay(true)
        return new StreamWire(socket, uri, 'secureConnect', events)
      }),
    accept: async (at: TlsEndpoint, sink) => {
      const { uri, ...given } = at
      const secure = handshakes(given)
      return acceptStreams({ at, scheme: 'tls', listen: hostPort(uri, 'tls'), sink, settings, wire: secure })
    },
  }
}

/**
 * Server handshakes on sockets that something else accepted. Node's TLS server does them, for only it verifies
 * clients; it tells of a secured socket without saying of which raw one, hence the table by address.
 */
function handshakes(options: TlsOptions): (raw: Socket, uri: string, events: WireEvents) => Wire {
  const server = createServer(options)
  const pending = new Map<string, { secured(socket: TLSSocket): void; failed(cause: Error): void }>()
  server
    .on('secureConnection', (socket) => {
      const waiting = pending.get(addresses(socket))
      if (waiting === undefined) socket.destroy()
      else waiting.secured(socket)
    })
    .on('tlsClientError', (cause, socket) => pending.get(addresses(socket))?.failed(cause))

  return (raw, uri, events) => {
    let inner: Wire | null = null
    let wanted = true
    let failure: Error | undefined
    const key = addresses(raw)
    pending.set(key, {
      secured(socket) {
        pending.delete(key)
        socket.allowHalfOpen = true
        inner = new StreamWire(socket, uri, 'already', events)
        if (!wanted) inner.reading(false)
      },
      failed: (cause) => (failure = cause),
    })
    raw.once('close', () => {
      pending.delete(key)
      if (inner !== null) return
      const detail = `${uri}: ${failure?.message ?? 'left during the TLS handshake'}`
      const code = (failure as NodeJS.ErrnoException | undefined)?.code
      events.closed(end('handshake-refused', { detail, ...(code !== undefined && { code }), cause: failure }))
    })
    // Until it is secured: a peer that leaves during the handshake would stay half open for two minutes.
    raw.allowHalfOpen = false
    server.emit('connection', raw)
    return {
      write: (chunk, flushed) => inner?.write(chunk, flushed) ?? false,
      reading(on) {
        wanted = on
        inner?.reading(on)
      },
      finish: (why) => inner?.finish(why),
      destroy: () => (inner === null ? void raw.destroy() : inner.destroy()),
      addresses: () => inner?.addresses?.(),
      identity: () => inner?.identity?.(),
      unref: () => inner?.unref(),
    }
  }
}

/** Both ends of a connection: no two live ones have them in common. */
function addresses(socket: Socket): string {
  return [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(' ')
}
