import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FakeTelegramOptions, FakeTelegramStats, Rotation } from '../../src/testing/fake-telegram.js'
import type { FakeTelegramRules } from '../../src/testing/fake-telegram-rules.js'

/** What a {@link TelegramProcess} is told to do. It answers with its figures when it is done. */
export type TelegramOrder =
  | { readonly kind: 'figures' }
  | { readonly kind: 'rotate'; readonly how: Rotation }
  | { readonly kind: 'rules'; readonly rules: Partial<FakeTelegramRules> }

const program = fileURLToPath(new URL('telegram.program.ts', import.meta.url))

/** An embedded Telegram in a process of its own, so that it takes no turn of anybody's event loop. */
export class TelegramProcess implements AsyncDisposable {
  /** What goes into a proxy's configuration for it. */
  readonly config: Readonly<Record<string, unknown>>
  readonly #child: ChildProcess

  static async start(options: FakeTelegramOptions): Promise<TelegramProcess> {
    const child = fork(program, [JSON.stringify(options)], {
      execArgv: ['--single-threaded-gc', '--import', 'tsx', '--conditions=@holdfast/source'],
    })
    const [urls] = (await once(child, 'message')) as [{ readonly secret: string; readonly config: string }]
    return new TelegramProcess(child, urls)
  }

  private constructor(child: ChildProcess, urls: { readonly secret: string; readonly config: string }) {
    this.#child = child
    this.config = {
      proxy_secret_url: urls.secret,
      proxy_config_url: urls.config,
      external_ip: '127.0.0.1',
    }
  }

  async figures(): Promise<FakeTelegramStats> {
    return await this.#tell({ kind: 'figures' })
  }

  /** Has it close all its connections, one after the other. */
  async rotate(how: Rotation): Promise<void> {
    await this.#tell({ kind: 'rotate', how })
  }

  async behave(rules: Partial<FakeTelegramRules>): Promise<void> {
    await this.#tell({ kind: 'rules', rules })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  async #tell(order: TelegramOrder): Promise<FakeTelegramStats> {
    this.#child.send(order)
    const [stats] = (await once(this.#child, 'message')) as [FakeTelegramStats]
    return stats
  }
}
