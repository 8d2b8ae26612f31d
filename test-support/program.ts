import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a program left behind. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** How a program is started. */
export interface ProgramOptions {
  /** On top of the variables that the test has. */
  readonly env?: Readonly<Record<string, string>>
  /** All of its standard input, which stays open otherwise. */
  readonly input?: string
}

/** A program of Node.js in a process of its own, and what it has said. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess
  out = ''
  err = ''
  readonly #closed: Promise<void>
  #hasEnded = false
  #waiting: (() => void)[] = []

  constructor(path: string, args: readonly string[], { env, input }: ProgramOptions = {}) {
    this.child = spawn(process.execPath, [path, ...args], { stdio: 'pipe', env: { ...process.env, ...env } })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#heard('out', text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#heard('err', text))
    this.#closed = new Promise((resolve) => {
      const closed = (): void => {
        this.#hasEnded = true
        this.#wake()
        resolve()
      }
      this.child.once('close', closed)
      this.child.on('error', (failure) => {
        this.#heard('err', `${failure.message}\n`)
        // What was never there may not close either.
        if (this.child.pid === undefined) closed()
      })
    })
    if (input !== undefined) this.child.stdin?.end(input)
  }

  /** Types something. */
  write(text: string): void {
    this.child.stdin?.write(text)
  }

  /** Waits until something is found in what it has said on standard output. */
  async until<T>(find: (out: string) => T | null | undefined): Promise<T> {
    for (;;) {
      const found = find(this.out)
      if (found !== null && found !== undefined) return found
      if (this.#hasEnded) throw new Error(`ended with ${this.child.exitCode}: ${this.out}${this.err}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Waits until it has said something. */
  says(pattern: RegExp, where: 'out' | 'err' = 'out'): Promise<RegExpExecArray> {
    return this.until(() => pattern.exec(this[where]))
  }

  /** Waits for the end. */
  async ended(): Promise<Ran> {
    await this.#closed
    return { code: this.child.exitCode, out: this.out, err: this.err }
  }

  /** As the kernel does when memory runs out. */
  async kill9(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill9()
  }

  #heard(where: 'out' | 'err', text: string): void {
    this[where] += text
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** The built program of a package, for its tests. */
export interface BuiltProgram {
  readonly path: string
  /** Starts it. */
  readonly start: (args: readonly string[], options?: ProgramOptions) => Program
  /** Runs it to its end. */
  readonly run: (...args: readonly string[]) => Promise<Ran>
}

/** The program that begins there. */
export function programAt(url: URL): BuiltProgram {
  const path = fileURLToPath(url)
  return {
    path,
    start: (args, options) => new Program(path, args, options),
    async run(...args) {
      await using program = new Program(path, args, { input: '' })
      return await program.ended()
    },
  }
}
