import { type ChildProcess, fork, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { bundle } from '../../../bench/bundle.js'

/** A node that passes messages on. */
export interface Between {
  readonly port: number
  readonly dhtKey: string
  readonly realKey: string
}

/** What came of a flood. */
export interface Flooded {
  readonly messages: number
  readonly seconds: number
  /** From when a message was said to when it was heard, on average. */
  readonly latencySeconds: number
}

/**
 * Two peers in a process of their own, one of which says what the other one hears, by way of a third alone: made of
 * libtoxcore, or of this software where that is not installed. Both programs take the same commands.
 */
export class Flood implements AsyncDisposable {
  /** Keys of the two. */
  readonly source: string
  readonly sink: string
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, keys: readonly string[]) {
    this.#child = child
    this.#lines = lines
    this.source = keys[0] ?? ''
    this.sink = keys[1] ?? ''
  }

  /** @param program - made of libtoxcore; `null` for ours */
  static async start(program: string | null): Promise<Flood> {
    const stdio: ('pipe' | 'inherit' | 'ipc')[] = ['pipe', 'pipe', 'inherit']
    const ours = 'packages/conference/bench/flood.program.ts'
    const child =
      program === null ? fork(await bundle(ours), { stdio: [...stdio, 'ipc'] }) : spawn(program, { stdio })
    if (!child.stdout) throw new Error('the program has no output')
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const said = await lines.next()
    return new Flood(child, lines, String(said.value).split(' ').slice(1))
  }

  /** Waits until all three are in one conference, to which `between` invites. */
  async meet({ port, dhtKey, realKey }: Between): Promise<void> {
    await this.#do(`meet 127.0.0.1 ${port} ${dhtKey} ${realKey}`)
  }

  /** Says so many messages of so many bytes, with no more than `window` of them on their way. */
  async flood(messages: number, bytes: number, window: number): Promise<Flooded> {
    const words = (await this.#do(`flood ${messages} ${bytes} ${window}`)).split(' ')
    const [heard = 0, seconds = 0, latencySeconds = 0] = words.slice(1).map(Number)
    return { messages: heard, seconds, latencySeconds }
  }

  async #do(command: string): Promise<string> {
    this.#child.stdin?.write(`${command}\n`)
    return String((await this.#lines.next()).value)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    return Promise.resolve()
  }
}
