import type { Env } from '@holdfast/core'
import type { Appended } from '../control-endpoint.js'
import type { Oracle } from './oracle.js'

/** Appends small batches to all streams, as fast as they are acknowledged up to a rate, until it is stopped. */
export class Writer {
  readonly #http: string
  readonly #streams: readonly string[]
  readonly #oracle: Oracle
  readonly #env: Env
  #running: Promise<void> | null = null
  #stopped = false
  #count = 0

  constructor(http: string, streams: readonly string[], oracle: Oracle, env: Env) {
    this.#http = http
    this.#streams = streams
    this.#oracle = oracle
    this.#env = env
  }

  start(): void {
    this.#running = Promise.all(this.#streams.map((stream) => this.#write(stream))).then(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  /** One batch of many rows. */
  async burst(stream: string, rows: number, bytes: number): Promise<void> {
    await this.#append(
      stream,
      Array.from({ length: rows }, () => this.#row('x'.repeat(bytes))),
    )
  }

  async #write(stream: string): Promise<void> {
    while (!this.#stopped) {
      const rows = Array.from({ length: 1 + Math.floor(this.#env.random() * 4) }, () => this.#row(stream))
      if (!(await this.#append(stream, rows))) await this.#pause(100)
      await this.#pause(5)
    }
  }

  #row(text: string): string {
    this.#count += 1
    return JSON.stringify([this.#count, text])
  }

  /** What is not acknowledged may or may not be in the log; nothing was promised of it. */
  async #append(stream: string, rows: readonly string[]): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(5000)
      const response = await fetch(`${this.#http}/append?stream=${stream}`, {
        method: 'POST',
        body: rows.join('\n'),
        signal,
      })
      const { tokens } = (await response.json()) as Appended
      const [token] = tokens
      if (token === undefined) return false
      this.#oracle.acknowledge(stream, token, rows)
      return true
    } catch {
      return false
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#env.clock.after(ms, resolve))
  }
}
