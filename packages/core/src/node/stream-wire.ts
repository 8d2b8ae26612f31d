import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import type { End, Link } from '../index.js'
import { end } from '../index.js'
import { resetStream } from './reset-stream.js'
import type { Wire, WireEvents } from './wired-link.js'

/** When a stream counts as open: on that event of the socket, or at once, because it already is. */
export type OpensOn = 'connect' | 'secureConnect' | 'already'

/** Moves the bytes of a link through a socket of Node: TCP, TLS over it, or a unix socket. */
export function streamWire(socket: Socket, uri: string, opensOn: OpensOn, events: WireEvents): Wire {
  let isOpen = false
  let failure: unknown

  const open = (): void => {
    if (opensOn !== 'already' && isSelfConnected(socket)) {
      failure = Object.assign(new Error('connected to itself: nobody listens there'), {
        code: 'ECONNREFUSED',
      })
      socket.destroy()
      return
    }
    isOpen = true
    events.opened()
    socket.on('data', (chunk: Buffer) => events.received(chunk))
  }
  socket
    .on('error', (error) => {
      failure ??= error
      // Its close is told only after all else that has happened meanwhile.
      if (socket.destroyed) events.closed(streamEnd(failure, isOpen, uri))
    })
    .on('end', () => events.peerFinished(end('closed-by-peer')))
    .on('finish', () => events.flushed())
    .on('close', () => events.closed(streamEnd(failure, isOpen, uri)))
  // A link just accepted must be in its owner's hands before it opens. A microtask of Node's costs several times as much.
  if (opensOn === 'already') process.nextTick(open)
  else socket.once(opensOn, open)

  return {
    write(chunk, flushed) {
      if (socket.destroyed) return false
      socket.write(chunk, (error) => {
        // Of writes that are cut short by the socket's end Node says the same as of those that went well.
        if (!error && !socket.destroyed) flushed()
      })
      // The kernel may say at once that the peer is gone; Node tells of it only later.
      return socket.errored === null
    },
    reading(wanted) {
      if (wanted) socket.resume()
      else socket.pause()
    },
    finish: () => void socket.end(),
    leave() {
      // TLS has a goodbye of its own. Else closing says what a half-close would, for nothing more can come.
      if (!socket.readableEnded || socket.writableLength > 0 || socket instanceof TLSSocket) return false
      socket.destroy()
      return true
    },
    destroy: () => void socket.destroy(),
    reset: () => resetStream(socket),
    addresses: () => addressesOf(socket),
    identity: () => identityOf(socket),
    unref: () => void socket.unref(),
  }
}

function addressesOf(socket: Socket): Link['addresses'] {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  if (localAddress === undefined || localPort === undefined) return undefined
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return {
    local: { host: localAddress, port: localPort },
    remote: { host: remoteAddress, port: remotePort },
  }
}

function identityOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  // Without a certificate Node gives an empty object, whatever its types say.
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>
  const name: string | string[] | undefined = subject?.CN
  return typeof name === 'string' ? name : undefined
}

/**
 * Says why a stream ended, from the error of its socket, if there was one.
 *
 * Before it was open everything is `dial-failed` with the error's code. A certificate that does not verify is no
 * exception, and its advice is `backoff` too: it may be renewed at any time, and whoever knows better says so by
 * the lifecycle's `advise`.
 */
function streamEnd(error: unknown, wasOpen: boolean, uri: string): End {
  const { code } = (error ?? {}) as { code?: string }
  const text = error instanceof Error && error.message !== '' ? error.message : (code ?? 'connection lost')
  const more = {
    detail: `${uri}: ${text}`,
    ...(code !== undefined && { code }),
    ...(error !== undefined && { cause: error }),
  }
  if (!wasOpen) return end('dial-failed', more)
  if (code === 'ETIMEDOUT') return end('silent', more)
  if (code?.startsWith('ERR_SSL_') !== true) return end('reset-by-peer', more)
  // With TLS 1.3 the peer judges our certificate only after the link has opened here.
  const refused = /ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code)
  return end(refused ? 'handshake-refused' : 'protocol-error', more)
}

/**
 * A dial to a free port of the range that the host also dials from can meet itself: TCP calls that a simultaneous
 * open, and a client that tries for long enough will see it.
 */
function isSelfConnected(socket: Socket): boolean {
  return (
    socket.remotePort !== undefined &&
    socket.remotePort === socket.localPort &&
    socket.remoteAddress === socket.localAddress
  )
}
