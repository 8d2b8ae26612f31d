import type { LinkScope } from '@holdfast/core'
import { count } from '../counts.js'
import type { KnownCommand } from '../wire/commands.js'
import { formatCommand } from '../wire/format-command.js'
import type { ClientContext } from './context.js'

/** Says commands on one link, and what waited for it first. */
export class CommandWriter {
  readonly #client: ClientContext
  readonly #scope: LinkScope
  #toldUpstream = false

  constructor(client: ClientContext, scope: LinkScope) {
    this.#client = client
    this.#scope = scope
  }

  /** Sends a command now; `false` if the link does not take it. */
  send(command: KnownCommand): boolean {
    const { stats, dialect, channel } = this.#client
    count(stats.outboundCommands, command.name)
    const line = formatCommand(command, dialect ?? 'D1')
    return this.#scope.link.write(channel === null ? `${line}\n` : line) !== 'refused'
  }

  ping(): void {
    this.send({ name: 'PING', text: String(this.#client.wall()) })
  }

  /** Sends a command of the application's now; `false` if it has to wait for what came before it. */
  upstream(command: KnownCommand): boolean {
    return this.#toldUpstream && this.send(command)
  }

  /** The dialect is known: sends what waited for that. Once; later calls do nothing. */
  tellUpstream(): void {
    if (this.#toldUpstream) return
    this.#toldUpstream = true
    for (const command of this.#client.queue.take()) {
      try {
        this.send(command)
      } catch (cause) {
        this.#client.unsendable(command, cause)
      }
    }
  }
}
