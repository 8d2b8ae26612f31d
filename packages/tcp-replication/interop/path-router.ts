import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { LOOPBACK } from './loopback.js'

/** What went where. */
export interface Routed {
  /** Status of each answer of the relay, with the stream it was about. */
  readonly catchUps: { readonly stream: string; readonly status: number }[]
  others: number
}

/**
 * Stands where a worker makes its HTTP replication calls: asking for missed rows goes to one port, all else to the
 * other. A worker has one address for both.
 */
export class PathRouter {
  readonly routed: Routed = { catchUps: [], others: 0 }
  readonly #server: Server

  constructor(catchUpPort: number, otherPort: number) {
    this.#server = createServer((incoming, outgoing) => {
      const [, stream] = /\/get_repl_stream_updates\/([^/]+)\//.exec(incoming.url ?? '') ?? []
      const { method, url: path, headers } = incoming
      const port = stream === undefined ? otherPort : catchUpPort
      const onward = request({ host: LOOPBACK, port, method, path, headers }, (answer) => {
        const status = answer.statusCode ?? 0
        if (stream === undefined) this.routed.others += 1
        else this.routed.catchUps.push({ stream, status })
        outgoing.writeHead(status, answer.headers)
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.writeHead(502).end())
      incoming.pipe(onward)
    })
  }

  /** Listens, and gives the port. */
  async start(port: number): Promise<void> {
    this.#server.listen(port, LOOPBACK)
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}
