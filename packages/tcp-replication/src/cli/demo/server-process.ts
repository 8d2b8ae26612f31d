import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Clock } from '@holdfast/core'
import { showPause as pause } from '@holdfast/core/service'
import type { StatusReport } from '../status-report.js'
import { within } from './waits.js'

const program = fileURLToPath(new URL('../../../bin/holdfast-tcp-replication.js', import.meta.url))

/** Where a {@link ServerProcess} serves, and what. */
export interface ServerProcessOptions {
  readonly clock: Clock
  readonly data: string
  readonly port: number
  readonly httpPort: number
  readonly streams: readonly string[]
}

/** The program's own `serve` in a process of its own, so that it can be killed for real. */
export class ServerProcess {
  readonly #clock: Clock
  readonly #args: readonly string[]
  /** Where its HTTP side answers. */
  readonly http: string
  #child: ChildProcess | null = null

  constructor(options: ServerProcessOptions, more: readonly string[] = []) {
    const { clock, data, port, httpPort, streams } = options
    this.#clock = clock
    const http = `127.0.0.1:${httpPort}`
    this.http = `http://${http}`
    const listen = `tcp://127.0.0.1:${port}`
    const where = ['--data', data, '--listen', listen, '--http', http, '--streams', streams.join(',')]
    this.#args = ['serve', ...where, '--log-level', 'silent', '--drain-within', '2', ...more]
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  /**
   * Starts it, and waits until it answers.
   *
   * @throws an `Error` when it ends instead, or does not answer in time
   */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [program, ...this.#args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#child = child
    const gone = once(child, 'exit').then(() => {
      throw new Error(`the server ended with ${child.exitCode ?? child.signalCode} while starting`)
    })
    await within(this.#clock, 'the server to start', Promise.race([this.#answers(child), gone]))
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

  async #answers(child: ChildProcess): Promise<void> {
    while (this.#child === child && (await this.status()) === null) await pause(this.#clock, 20)
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child?.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    try {
      await within(this.#clock, `the server to end at ${signal}`, ended)
    } finally {
      child.kill('SIGKILL')
    }
  }
}
