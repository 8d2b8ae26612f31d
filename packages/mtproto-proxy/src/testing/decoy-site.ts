import { once } from 'node:events'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { resetStream } from '@holdfast/core/node'
import { Waiters } from './waiters.js'

/** Options of {@link decoySite}. */
export interface DecoySiteOptions {
  /** PEM texts: speaks real HTTPS with them, and answers every request by {@link DecoySiteOptions.page}. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /**
   * What an HTTPS request, or a connection without `tls`, is answered by; without `tls` as soon as its first bytes have
   * come.
   *
   * @defaultValue nothing without `tls`, a short page with it
   */
  readonly page?: string | Uint8Array
}

/** One connection to a {@link DecoySite}. */
export interface DecoyConnection {
  /** Everything that came, byte by byte as it was on the wire. */
  readonly received: Buffer
  readonly isClosed: boolean
  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void
  /** Says FIN. */
  end(): void
  /** Says RST. */
  reset(): void
}

/** A web site that bad clients are handed on to, and that keeps what it got. */
export class DecoySite implements AsyncDisposable {
  /** Every connection so far, oldest first. */
  readonly connections: readonly DecoyConnection[]
  readonly #connections: Recording[] = []
  readonly #server: Server
  readonly #https: HttpsServer | null
  readonly #page: string | Uint8Array | null
  readonly #waiters = new Waiters()

  /** Starts it. @internal */
  static async start(options: DecoySiteOptions): Promise<DecoySite> {
    const site = new DecoySite(options)
    if (site.#https !== null) {
      site.#https.listen(0, '127.0.0.1')
      await once(site.#https, 'listening')
    }
    site.#server.listen(0, '127.0.0.1')
    await once(site.#server, 'listening')
    return site
  }

  private constructor({ tls, page }: DecoySiteOptions) {
    this.connections = this.#connections
    this.#page = tls === undefined ? (page ?? null) : null
    this.#https =
      tls === undefined
        ? null
        : createHttpsServer(tls, (_request, response) => void response.end(page ?? 'Nothing to see here.\n'))
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const to =
        this.#https === null
          ? null
          : connect({ port: portOf(this.#https), host: '127.0.0.1', allowHalfOpen: true })
      this.#connections.push(new Recording(socket, to, this.#page, () => this.#waiters.look()))
      this.#waiters.look()
    })
  }

  /** Where it listens, on loopback. */
  get port(): number {
    return portOf(this.#server)
  }

  /** Waits until something is so; looked at whenever anything happened here. */
  until(isMet: () => boolean): Promise<void> {
    return this.#waiters.until(isMet)
  }

  /** Stops listening and drops every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const servers = [this.#server, ...(this.#https === null ? [] : [this.#https])]
    const closed = servers.map((server) => once(server.close(), 'close'))
    for (const connection of this.#connections) connection.reset()
    await Promise.all(closed)
  }
}

/**
 * Starts a site on a free port of 127.0.0.1, for tests of fronting: plain TCP that answers what it is told, or real
 * HTTPS. Either way every byte is kept.
 *
 * @example
 * ```ts no-run
 * import { decoySite } from '@holdfast/mtproto-proxy/testing'
 *
 * await using site = await decoySite({ page: 'HTTP/1.1 400 Bad Request\r\n\r\n' })
 * console.log(`have bad clients fronted to 127.0.0.1:${site.port}`)
 * await site.until(() => (site.connections[0]?.received.length ?? 0) >= 517)
 * ```
 */
export function decoySite(options: DecoySiteOptions = {}): Promise<DecoySite> {
  return DecoySite.start(options)
}

class Recording implements DecoyConnection {
  isClosed = false
  readonly #chunks: Buffer[] = []
  readonly #socket: Socket

  constructor(socket: Socket, behind: Socket | null, page: string | Uint8Array | null, changed: () => void) {
    this.#socket = socket
    socket
      .on('data', (chunk: Buffer) => {
        if (this.#chunks.length === 0 && page !== null) socket.write(page)
        this.#chunks.push(chunk)
        behind?.write(chunk)
        changed()
      })
      .on('end', () => (behind ?? socket).end())
      .on('error', () => undefined)
      .on('close', () => {
        this.isClosed = true
        behind?.destroy()
        changed()
      })
    behind?.on('error', () => socket.destroy()).pipe(socket)
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  end(): void {
    this.#socket.end()
  }

  reset(): void {
    if (!this.#socket.destroyed) resetStream(this.#socket)
  }
}

function portOf(server: Server | HttpsServer): number {
  return (server.address() as AddressInfo).port
}
