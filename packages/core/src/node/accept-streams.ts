import { lstat, unlink } from 'node:fs/promises'
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import type { Accepting, AcceptSink, Endpoint } from '../index.js'
import { HoldfastError } from '../index.js'
import { offer } from './offer.js'
import { resetStream } from './reset-stream.js'
import { addressUri, boundUri } from './socket-address.js'
import { StreamWire } from './stream-wire.js'
import { type Wire, WiredLink, type WireEvents, type WireOptions } from './wired-link.js'

/** How streams of one kind are accepted. */
export interface StreamAcceptance {
  readonly at: Endpoint
  /** Goes into the URIs of what is bound and of who connects. */
  readonly scheme: string
  readonly listen: ListenOptions & { readonly fd?: number }
  readonly sink: AcceptSink
  readonly settings: WireOptions
  /**
   * What a connection that was taken becomes.
   *
   * @defaultValue the plain stream
   */
  readonly wire?: (socket: Socket, uri: string, events: WireEvents) => Wire
}

const plain = (socket: Socket, uri: string, events: WireEvents): Wire =>
  new StreamWire(socket, uri, 'already', events)

/**
 * Listens and offers every connection to the sink; one that is not taken during the call is reset.
 *
 * @throws a {@link HoldfastError} `HF_LISTEN_FAILED` when the address cannot be bound
 */
export async function acceptStreams(options: StreamAcceptance): Promise<Accepting> {
  const { at, scheme, listen, sink, settings, wire = plain } = options
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  server.on('connection', (socket) => {
    // Whatever becomes of it, an error of a connection that nobody took must not end the process.
    socket.on('error', () => undefined)
    const remote = remoteOf(socket, scheme)
    offer(sink, remote, {
      refuse: () => resetStream(socket),
      take: (linkSink) =>
        new WiredLink(remote, linkSink, settings, (events) => wire(socket, remote.uri, events)),
    })
  })
  await bind(server, listen, at)
  tellFailures(server, sink)
  return {
    endpoint: { ...at, uri: boundUri(scheme, server.address()) },
    close() {
      // Its callback waits for every connection; the port itself is free as soon as this returns.
      server.close()
      return Promise.resolve()
    },
  }
}

/** Who is at the other end; `address` and `port` are there where peers have them. */
export function remoteOf(socket: Socket, scheme: string): Endpoint {
  const { remoteAddress, remotePort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return { uri: `${scheme}:` }
  const uri = addressUri(scheme, remoteAddress, remotePort)
  return { uri, address: remoteAddress, port: remotePort }
}

/**
 * Connections that may wait to be accepted: a herd that comes back after a restart would otherwise be told to try again by
 * TCP, a second or three later. Linux takes no more unless `net.core.somaxconn` says so.
 */
const backlog = 4_096

/** @throws a {@link HoldfastError} `HF_LISTEN_FAILED` when the address cannot be bound */
export async function bind(server: Server, options: ListenOptions, at: Endpoint): Promise<void> {
  const listen = { backlog, ...options }
  try {
    await listening(server, listen)
  } catch (cause) {
    if (!(await removeStaleSocket(cause, listen.path))) throw listenFailed(at.uri, cause)
    await listening(server, listen).catch((again: unknown) => {
      throw listenFailed(at.uri, again)
    })
  }
}

/** Passes on what breaks a bound server; a shortage of descriptors or memory passes by itself. */
export function tellFailures(server: Server, sink: AcceptSink): void {
  server.on('error', (cause: NodeJS.ErrnoException) => {
    if (['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ECONNABORTED'].includes(cause.code ?? '')) return
    server.close()
    sink.failed(cause)
  })
}

function listening(server: Server, listen: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** A unix socket whose owner died stays behind as a file; it goes if nobody answers on it. */
async function removeStaleSocket(cause: unknown, path: string | undefined): Promise<boolean> {
  if (path === undefined || (cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') return false
  if (!(await lstat(path)).isSocket()) return false
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
  if (!answers) await unlink(path)
  return !answers
}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else is there; stop it, or choose another address (port 0 picks a free one)',
  EACCES: 'not permitted; use a port above 1023, or a folder that this user may write to',
  EADDRNOTAVAIL: 'this host has no such address; use one of its own, or 0.0.0.0 for all',
  ENOENT: 'its folder does not exist; create it first',
  ENOTFOUND: 'the name does not resolve; use an address of this host',
}

/** The error of {@link Acceptor.accept}; its message says what to do. */
function listenFailed(uri: string, cause: unknown): HoldfastError {
  const { code = '' } = cause as NodeJS.ErrnoException
  const todo = advice[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new HoldfastError('HF_LISTEN_FAILED', `cannot listen on ${uri}: ${todo} (${code})`, { cause })
}
