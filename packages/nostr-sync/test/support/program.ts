import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const bin = join(import.meta.dirname, '../../bin/holdfast-nostr-sync.js')

/** What a program said, and how it exited. */
export interface Run {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The command line, running. */
export class Program implements AsyncDisposable {
  out = ''
  err = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(args: readonly string[], input = '') {
    this.#child = spawn(process.execPath, [bin, ...args], { stdio: 'pipe' })
    this.#ended = once(this.#child, 'close')
    this.#child.stdout?.on('data', (text: Buffer) => (this.out += text.toString()))
    this.#child.stderr?.on('data', (text: Buffer) => (this.err += text.toString()))
    this.#child.stdin?.end(input)
  }

  /** Waits until it says this on standard error. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.err)
      if (found !== null) return found
      if (this.#child.exitCode !== null) throw new Error(`exited with ${this.#child.exitCode}: ${this.err}`)
      await Promise.race([once(this.#child.stderr as NodeJS.ReadableStream, 'data'), this.#ended])
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async end(): Promise<Run> {
    await this.#ended
    return { code: this.#child.exitCode, out: this.out, err: this.err }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

/** Runs it to its end. */
export function run(...args: readonly string[]): Promise<Run> {
  return new Program(args).end()
}
