import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What there is to look at, see `inspected.program.ts`. */
export interface Inspected {
  readonly lifecycles: number
  readonly lostPerSecond: number
  readonly how: 'inspected' | 'plain'
}

/** A process that is looked at. */
export class InspectedProcess implements Disposable {
  readonly #child: ChildProcess
  /** Where the inspector is; empty without one. */
  readonly url: string

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  static async start({ lifecycles, lostPerSecond, how }: Inspected): Promise<InspectedProcess> {
    const program = fileURLToPath(new URL('inspected.program.ts', import.meta.url))
    const child = fork(program, [String(lifecycles), String(lostPerSecond), how], {
      execArgv: ['--conditions=@holdfast/source', '--import', 'tsx'],
    })
    const [{ url }] = (await once(child, 'message')) as [{ url: string | null }]
    return new InspectedProcess(child, url ?? '')
  }

  /** Seconds of processor time since the last call. */
  async cpuSeconds(): Promise<number> {
    this.#child.send('measure')
    const [{ cpuSeconds }] = (await once(this.#child, 'message')) as [{ cpuSeconds: number }]
    return cpuSeconds
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
