import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What can happen to a wire: cut by RST; nothing gets through and nobody is told; whole again, what froze is cut. */
export type WireOrder = 'reset' | 'partition' | 'heal'

const program = fileURLToPath(new URL('wire.program.ts', import.meta.url))

/** A wire to a port of this host, in a process of its own, so that it takes no turn of anybody's event loop. */
export class WireProcess implements AsyncDisposable {
  readonly port: number
  readonly #child: ChildProcess

  static async start(to: number): Promise<WireProcess> {
    const child = fork(program, [String(to)], {
      execArgv: ['--single-threaded-gc', '--import', 'tsx', '--conditions=@holdfast/source'],
    })
    const [port] = (await once(child, 'message')) as [number]
    return new WireProcess(port, child)
  }

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
  }

  async tell(order: WireOrder): Promise<void> {
    this.#child.send(order)
    await once(this.#child, 'message')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
