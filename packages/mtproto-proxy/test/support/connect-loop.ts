import { connect } from 'node:net'
import { testClient } from '../../src/testing/test-client.js'
import { numbered, secret } from './running-proxy.js'

/** Clients that connect, ask one thing and leave, several at a time, until they are stopped. */
export class ConnectLoop implements AsyncDisposable {
  /** Why the kernel or the proxy refused a connection, each time. */
  readonly refused: string[] = []
  /** Clients that were answered. */
  answered = 0
  /** Clients that were let in and closed before they were answered: they came as a worker left. */
  cut = 0
  readonly #port: number
  readonly #running: Promise<unknown>
  #isStopped = false

  static start(port: number): ConnectLoop {
    return new ConnectLoop(port)
  }

  private constructor(port: number) {
    this.#port = port
    this.#running = Promise.all([this.#knock(), this.#knock(), this.#ask(), this.#ask(), this.#ask()])
  }

  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Only whether a connection opens. */
  async #knock(): Promise<void> {
    while (!this.#isStopped) {
      await pause()
      await new Promise<void>((resolve) => {
        const socket = connect({ port: this.#port, host: '127.0.0.1' }, () => socket.destroy())
        let isOpen = false
        socket.once('connect', () => (isOpen = true))
        socket.once('error', (error: NodeJS.ErrnoException) => {
          if (!isOpen) this.refused.push(error.code ?? error.message)
        })
        socket.once('close', () => resolve())
      })
    }
  }

  async #ask(): Promise<void> {
    while (!this.#isStopped) {
      await pause()
      await using client = testClient({ port: this.#port, secret })
      if ((await client.ask(numbered(1))) === null) this.cut += 1
      else this.answered += 1
    }
  }
}

/** Between two of one: a machine that is busy with clients alone starts no worker. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10))
}
