import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { bundle } from '../../../bench/bundle.js'

/** A program of this folder in a process of its own, which said something at its start. */
export class Part implements AsyncDisposable {
  readonly said: string
  readonly #child: ChildProcess

  static async start(program: string, ...args: readonly string[]): Promise<Part> {
    const child = fork(await bundle(`packages/nostr-sync/bench/${program}.program.ts`), args)
    const [said] = (await once(child, 'message')) as [string]
    return new Part(said, child)
  }

  private constructor(said: string, child: ChildProcess) {
    this.said = said
    this.#child = child
  }

  /** Has it do something, and waits until it is done. */
  async tell(what: object): Promise<void> {
    const done = once(this.#child, 'message')
    this.#child.send(what)
    await done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}
