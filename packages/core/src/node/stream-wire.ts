import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import type { End, Link } from '../index.js'
import { end } from '../index.js'
import { resetStream } from './reset-stream.js'
import type { Wire, WireEvents } from './wired-link.js'

/** When a stream counts as open: on that event of the socket, or at once, because it already is. */
export type OpensOn = 'connect' | 'secureConnect' | 'already'

/** Moves the bytes of a link through a socket of Node: TCP, TLS over it, or a unix socket. */
export class StreamWire implements Wire {
  readonly #socket: Socket
  readonly #uri: string
  readonly #events: WireEvents
  #isOpen = false
  #failure: unknown
  /** We have given it up: nobody asks how it ended. */
  #isDropped = false

  constructor(socket: Socket, uri: string, opensOn: OpensOn, events: WireEvents) {
    this.#socket = socket
    this.#uri = uri
    this.#events = events
    socket
      .on('error', (error) => {
        this.#failure ??= error
        // Its close is told only after all else that has happened meanwhile.
        if (socket.destroyed) this.#closed()
      })
      .on('end', () => events.peerFinished(end('closed-by-peer')))
      .on('finish', () => events.flushed())
      .on('close', () => this.#closed())
    const open = (): void => this.#open(opensOn)
    // A link just accepted must be in its owner's hands before it opens. A microtask of Node's costs several times as much.
    if (opensOn === 'already') process.nextTick(open)
    else socket.once(opensOn, open)
  }

  write(chunk: Uint8Array | string, flushed: () => void): boolean {
    const socket = this.#socket
    if (socket.destroyed) return false
    socket.write(chunk, (error) => {
      // Of writes that are cut short by the socket's end Node says the same as of those that went well.
      if (!error && !socket.destroyed) flushed()
    })
    // The kernel may say at once that the peer is gone; Node tells of it only later.
    return socket.errored === null
  }

  reading(wanted: boolean): void {
    if (wanted) this.#socket.resume()
    else this.#socket.pause()
  }

  finish(): void {
    this.#socket.end()
  }

  leave(): boolean {
    const socket = this.#socket
    // TLS has a goodbye of its own. Else closing says what a half-close would, for nothing more can come.
    if (!socket.readableEnded || socket.writableLength > 0 || socket instanceof TLSSocket) return false
    this.destroy()
    return true
  }

  destroy(): void {
    this.#isDropped = true
    this.#socket.destroy()
  }

  reset(): void {
    this.#isDropped = true
    resetStream(this.#socket)
  }

  addresses(): Link['addresses'] {
    return addressesOf(this.#socket)
  }

  identity(): string | undefined {
    return identityOf(this.#socket)
  }

  unref(): void {
    this.#socket.unref()
  }

  #open(opensOn: OpensOn): void {
    const socket = this.#socket
    if (opensOn !== 'already' && isSelfConnected(socket)) {
      this.#failure = Object.assign(new Error('connected to itself: nobody listens there'), {
        code: 'ECONNREFUSED',
      })
      socket.destroy()
      return
    }
    this.#isOpen = true
    this.#events.opened()
    socket.on('data', (chunk: Buffer) => this.#events.received(chunk))
  }

  #closed(): void {
    if (!this.#isDropped) this.#events.closed(streamEnd(this.#failure, this.#isOpen, this.#uri))
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
