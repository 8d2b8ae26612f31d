import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/holdfast-conference.js', import.meta.url))

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

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [bin, ...args], { stdio: 'pipe' })
    this.child.stdout?.on('data', (chunk: Buffer) => this.#heard('out', chunk))
    this.child.stderr?.on('data', (chunk: Buffer) => this.#heard('err', chunk))
    this.child.on('exit', () => this.#wake())
  }

  /** Types something. */
  write(text: string): void {
    this.child.stdin?.write(text)
  }

  /** Waits until something is found in what the program has said. */
  async until<T>(find: (out: string) => T | null | undefined): Promise<T> {
    for (;;) {
      const found = find(this.out)
      if (found !== null && found !== undefined) return found
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`ended with ${this.child.exitCode}: ${this.out}${this.err}`)
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Waits until the program has said something. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until((out) => pattern.exec(out))
  }

  /** As the kernel does when memory runs out. */
  async kill9(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }

  /** Waits for the end. */
  async ended(): Promise<Ran> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close')
    return { code: this.child.exitCode, out: this.out, err: this.err }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9()
  }

  #heard(where: 'out' | 'err', chunk: Buffer): void {
    this[where] += chunk.toString('utf8')
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** Runs the program to its end, with this as its input. */
export async function run(args: readonly string[], input = ''): Promise<Ran> {
  await using program = new Program(args)
  program.child.stdin?.end(input)
  return await program.ended()
}
