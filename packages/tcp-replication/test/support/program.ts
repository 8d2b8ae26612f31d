import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/holdfast-tcp-replication.js', import.meta.url))

/** What a program left behind. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The built program in a process of its own. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess
  out = ''
  err = ''
  #waiting: (() => void)[] = []

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...env } })
    this.child.stdout?.on('data', (chunk: Buffer) => this.#heard('out', chunk))
    this.child.stderr?.on('data', (chunk: Buffer) => this.#heard('err', chunk))
  }

  /** Waits until the program has said something. */
  async says(pattern: RegExp, where: 'out' | 'err' = 'out'): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this[where])
      if (found !== null) return found
      if (this.child.exitCode !== null)
        throw new Error(`ended with ${this.child.exitCode}: ${this.out}${this.err}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Waits for the end. */
  async ended(): Promise<Ran> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close')
    return { code: this.child.exitCode, out: this.out, err: this.err }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }

  #heard(where: 'out' | 'err', chunk: Buffer): void {
    this[where] += chunk.toString('utf8')
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** Runs the program to its end. */
export async function run(...args: readonly string[]): Promise<Ran> {
  await using program = new Program(args)
  return await program.ended()
}
