import type { Dialer, End, Endpoint, Link } from '@holdfast/core'
import { LineKeeper } from './line-keeper.js'

/**
 * A client that writes what it is told and keeps the lines that it gets, as netcat would: no keep-alive, no
 * resumption, no manners.
 *
 * @example
 * ```ts no-run
 * import { tcp } from '@holdfast/core/node'
 * import { RawClient } from '@holdfast/tcp-replication/testing'
 *
 * const client = new RawClient(tcp(), { uri: 'tcp://127.0.0.1:9092' })
 * client.send('REPLICATE ALL NOW')
 * ```
 */
export class RawClient {
  /** For what a test does to a connection: pause, destroy, raw bytes. */
  readonly link: Link
  readonly #lines = new LineKeeper()
  #taken = 0
  /** Why the connection ended, once it has. */
  ended: End | null = null

  constructor(dialer: Dialer, to: Endpoint) {
    this.link = dialer.dial(to, {
      opened: () => undefined,
      data: (chunk) => this.#lines.push(chunk),
      writable: () => undefined,
      ended: (why) => {
        this.ended = why
      },
    })
  }

  /** Writes lines. */
  send(...lines: readonly string[]): void {
    this.link.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** Everything received so far. */
  get lines(): readonly string[] {
    return this.#lines.all
  }

  /** What has come since the last call, without the PINGs that follow the greeting. */
  take(): string[] {
    const from = this.#taken
    this.#taken = this.lines.length
    return this.lines.slice(from).filter((line, index) => !line.startsWith('PING ') || from + index < 2)
  }
}
