import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { StatusReport } from '../status-report.js'

const program = fileURLToPath(new URL('../../../bin/holdfast-tcp-replication.js', import.meta.url))

/** The program's own `serve` in a process of its own, so that it can be killed for real. */
export class ServerProcess {
  readonly #args: readonly string[]
  readonly http: string
  #child: ChildProcess | null = null

  constructor(options: {
    readonly data: string
    readonly port: number
    readonly httpPort: number
    readonly streams: readonly string[]
  }) {
    const { data, port, httpPort, streams } = options
    this.http = `http://127.0.0.1:${httpPort}`
    const listen = `tcp://127.0.0.1:${port}`
    this.#args = ['serve', '--data', data, '--listen', listen, '--http', `127.0.0.1:${httpPort}`]
    this.#args = [
      ...this.#args,
      '--streams',
      streams.join(','),
      '--log-level',
      'silent',
      '--drain-within',
      '2',
    ]
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  /** Starts it, and waits until it answers. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [program, ...this.#args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#child = child
    while ((await this.status()) === null) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode} while starting`)
    }
  }

  /** As the kernel does when memory runs out. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** As an operator does. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** What the server says of itself; `null` if it does not answer. */
  async status(): Promise<StatusReport | null> {
    try {
      const response = await fetch(`${this.http}/status`, { signal: AbortSignal.timeout(1000) })
      return (await response.json()) as StatusReport
    } catch {
      // It is not up: the caller asks again.
      return null
    }
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}
