import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { type WaitOptions, waitUntil } from './wait-until.js'

/** What to run, and where its output goes. */
export interface ProcessOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** Standard output and error of every run are appended to this file. */
  readonly logPath: string
  /** Standard output goes to this file instead, so that it can be read apart from what is only logged. */
  readonly outputPath?: string
  /** The user that runs it, when not the present one. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** The signal that asks the process to end; SIGTERM unless told. */
  readonly stopSignal?: NodeJS.Signals
}

const alive = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** One program that can be started, killed and started again; it never outlives this Node.js process. */
export class ManagedProcess {
  readonly #options: ProcessOptions
  #child: ChildProcess | undefined
  #ending: string | undefined

  constructor(options: ProcessOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  /** How the last run ended, or undefined when it still runs. */
  get ending(): string | undefined {
    return this.#ending
  }

  start(): void {
    if (this.#child !== undefined) throw new Error(`${this.name} runs already`)
    const { command, args, cwd, env, logPath, outputPath = logPath, user } = this.#options
    const log = openSync(logPath, 'a')
    const output = openSync(outputPath, 'a')
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', output, log], ...user })
    closeSync(output)
    closeSync(log)
    this.#child = child
    this.#ending = undefined
    alive.add(child)
    const ended = (how: string) => {
      alive.delete(child)
      this.#child = undefined
      this.#ending = how
    }
    child.once('error', (error) => ended(`could not run: ${error.message}`))
    child.once('exit', (code, signal) => ended(`ended with ${signal ?? `exit code ${code ?? 0}`}`))
  }

  /** Ends it at once, without any chance to clean up, as `kill -9` does. */
  async kill9(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Asks it to end, and kills it when it has not ended by the deadline. */
  async stop(deadlineMs = 10_000): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const gone = once(child, 'exit')
    child.kill(this.#options.stopSignal ?? 'SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
    await gone
    clearTimeout(killer)
  }

  /** Waits for a condition of the running program; fails with the end of its log as soon as it ends. */
  waitFor<T>(
    what: string,
    probe: () => T | Promise<T>,
    options: WaitOptions = {},
  ): Promise<Exclude<T, undefined | false>> {
    const hopeless = () =>
      this.#ending === undefined ? undefined : `${this.name} ${this.#ending}\n${this.#lastLines(20)}`
    return waitUntil(what, probe, { hopeless, ...options })
  }

  /** The size of the log now; with `waitForLog` it tells old lines from those still to come. */
  logMark(): number {
    return this.#log().length
  }

  /** Waits for a log line that matches, written after `mark`. */
  waitForLog(pattern: RegExp, mark = 0, options: WaitOptions = {}): Promise<RegExpExecArray> {
    const probe = () => pattern.exec(this.#log().slice(mark)) ?? undefined
    return this.waitFor(`${this.name} logs ${String(pattern)}`, probe, options)
  }

  #log(): string {
    try {
      return readFileSync(this.#options.logPath, 'utf8')
    } catch {
      return ''
    }
  }

  #lastLines(count: number): string {
    return this.#log().split('\n').slice(-count).join('\n')
  }
}
