import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a {@link NodeProcess} says of itself. */
export interface NodeFigures {
  /** Resident memory after collecting garbage, in bytes. */
  readonly resident: number
  /** Clients in the tunnel; of a back, those of its fronts. */
  readonly clients: number
  readonly handshaking: number
  /** Of a front: whether its link to the back is there. */
  readonly hasBack: boolean
  /** Of a front: clients that wait for it. */
  readonly parked: number
  /** How many connections ended, by their code or kind. */
  readonly ends: Readonly<Record<string, number>>
  /** In Prometheus' format. */
  readonly metrics: string
}

const program = fileURLToPath(new URL('node.program.ts', import.meta.url))

/** A proxy from source in a process of its own, which can be killed. */
export class NodeProcess implements AsyncDisposable {
  /** Where clients connect; 0 for a back. */
  readonly port: number
  readonly #child: ChildProcess

  static async start(config: Record<string, unknown>): Promise<NodeProcess> {
    const child = fork(program, [JSON.stringify(config)], {
      execArgv: ['--single-threaded-gc', '--import', 'tsx', '--conditions=@holdfast/source', '--expose-gc'],
    })
    const [port] = (await once(child, 'message')) as [number]
    return new NodeProcess(port, child)
  }

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
  }

  async figures(): Promise<NodeFigures> {
    this.#child.send('figures')
    const [figures] = (await once(this.#child, 'message')) as [NodeFigures]
    return figures
  }

  /** Asks again and again until something is so. */
  async until(isMet: (figures: NodeFigures) => boolean): Promise<void> {
    while (!isMet(await this.figures())) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  /** SIGKILL: it has no time for anything. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}

/** The values of a counter in Prometheus' format, by one of its labels. */
export function counted(metrics: string, name: string, label: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const line of metrics.split('\n')) {
    const [, value] = new RegExp(`${label}="([^"]*)"`).exec(line) ?? []
    if (value === undefined || !line.startsWith(`mtproto_proxy_${name}{`)) continue
    found.set(value, (found.get(value) ?? 0) + Number(line.split(' ').at(-1)))
  }
  return found
}
