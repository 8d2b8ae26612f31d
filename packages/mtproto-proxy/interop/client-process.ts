import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ClientReport, ClientTask } from './clients/client-program.js'

/** The programs in `clients/`. */
export type ClientName = 'tdlib' | 'mtcute' | 'gramjs'

const alive = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** A real client in a process of its own: a library may leave things behind, or abort at its end. */
export class ClientProcess {
  readonly #child: ChildProcess
  readonly #reports: ClientReport[] = []
  #isOver = false
  #errors = ''
  #look: () => void = () => undefined

  constructor(name: ClientName, task: ClientTask) {
    const program = fileURLToPath(new URL(`./clients/${name}.ts`, import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, program, JSON.stringify(task)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    alive.add(child)
    createInterface({ input: child.stdout }).on('line', (line) => {
      // Libraries print things of their own.
      if (line.startsWith('{"kind":')) this.#reports.push(JSON.parse(line) as ClientReport)
      this.#look()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + String(chunk)).slice(-2000)
    })
    child.stdin.on('error', () => undefined)
    child.once('close', () => {
      alive.delete(child)
      this.#isOver = true
      this.#look()
    })
  }

  /** Its next report. Fails when it ends without one, or takes too long. */
  async next(withinMs: number): Promise<ClientReport> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const report = this.#reports.shift()
      if (report !== undefined) return report
      if (this.#isOver) throw new Error(`the client ended without a report\n${this.#errors}`)
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`the client did not report within ${withinMs} ms\n${this.#errors}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#look = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Asks how its calls went, and has it go on with them or not. */
  ask(andThen: 'count' | 'stop'): void {
    this.#child.stdin?.write(`${andThen}\n`)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
