import { type Accepting, type Acceptor, type Endpoint, end, type Link } from '@holdfast/core'
import { LineKeeper } from './line-keeper.js'

/** The server's end of one connection, in the hands of a test. */
export class ScriptedConnection {
  readonly #link: Link
  readonly #lines: LineKeeper

  /** @internal Made by {@link scriptedServer}. */
  constructor(link: Link, lines: LineKeeper) {
    this.#link = link
    this.#lines = lines
  }

  /** What the client has sent. */
  get lines(): readonly string[] {
    return this.#lines.all
  }

  /** Sends lines. */
  says(...lines: readonly string[]): void {
    this.#link.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** Closes after what was sent. */
  close(): void {
    this.#link.end(end('closed-by-us'))
  }
}

/** A replication server that says only what it is told. */
export interface ScriptedServer extends AsyncDisposable {
  readonly endpoint: Endpoint
  /** Every connection so far, oldest first. */
  readonly connections: readonly ScriptedConnection[]
}

/**
 * Listens, and has each connection greeted by the test.
 *
 * @param greet - called when a client has connected
 *
 * @example
 * ```ts no-run
 * import { tcp } from '@holdfast/core/node'
 * import { scriptedServer } from '@holdfast/tcp-replication/testing'
 *
 * await using server = await scriptedServer(tcp(), { uri: 'tcp://127.0.0.1:0' }, (client) => {
 *   client.says('SERVER example.com', 'PING 1', 'POSITION events 7')
 * })
 * console.log(`dial ${server.endpoint.uri}`)
 * ```
 */
export async function scriptedServer(
  acceptor: Acceptor,
  at: Endpoint,
  greet: (client: ScriptedConnection) => void,
): Promise<ScriptedServer> {
  const links = new Set<Link>()
  const connections: ScriptedConnection[] = []
  const accepting: Accepting = await acceptor.accept(at, {
    incoming: (take) => {
      const lines = new LineKeeper()
      const link = take({
        opened: () => {
          const connection = new ScriptedConnection(link, lines)
          connections.push(connection)
          greet(connection)
        },
        data: (chunk) => lines.push(chunk),
        writable: () => undefined,
        ended: () => links.delete(link),
      })
      links.add(link)
    },
    failed: () => undefined,
  })
  return {
    endpoint: accepting.endpoint,
    connections,
    async [Symbol.asyncDispose]() {
      for (const link of links) link.destroy(end('closed-by-us'))
      await accepting.close()
    },
  }
}
