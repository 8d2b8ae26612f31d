import { type Budget, OptionError } from '@holdfast/core'
import type { FederationAckCommand, KnownCommand, UserSyncCommand } from '../wire/commands.js'
import { encodeJson } from '../wire/json.js'

/** What became of a command: `refused` means that the queue is full and the command was dropped. */
export type CommandResult = 'sent' | 'queued' | 'refused'

/**
 * What waits for a connection (H8.6): who is syncing is state, told anew on each connection; of acknowledgements
 * only the newest counts; the rest is queued within bounds.
 */
export class UpstreamQueue {
  readonly #limit: Budget
  readonly #syncing = new Map<string, UserSyncCommand>()
  readonly #queued: KnownCommand[] = []
  #queuedBytes = 0
  #acknowledgement: FederationAckCommand | null = null

  constructor(limit: Budget) {
    if (!(limit.bytes > 0)) throw new OptionError('queue.bytes', 'a number above 0', limit.bytes)
    this.#limit = limit
  }

  /** Remembers who is syncing. */
  userSync(command: UserSyncCommand): void {
    if (command.state === 'start') this.#syncing.set(command.user, command)
    else this.#syncing.delete(command.user)
  }

  /** Keeps a command for the next connection. */
  keep(command: KnownCommand): CommandResult {
    if (command.name === 'USER_SYNC') return 'queued'
    if (command.name === 'FEDERATION_ACK') {
      if (this.#acknowledgement === null || command.token > this.#acknowledgement.token)
        this.#acknowledgement = command
      return 'queued'
    }
    const bytes = encodeJson(command).length
    const { bytes: mostBytes, count: most = Infinity } = this.#limit
    if (this.#queuedBytes + bytes > mostBytes || this.#queued.length >= most) return 'refused'
    this.#queued.push(command)
    this.#queuedBytes += bytes
    return 'queued'
  }

  /** Takes everything that a new connection is to be told, in order (8.1). */
  take(): KnownCommand[] {
    const acknowledgement = this.#acknowledgement === null ? [] : [this.#acknowledgement]
    this.#acknowledgement = null
    this.#queuedBytes = 0
    return [...this.#syncing.values(), ...acknowledgement, ...this.#queued.splice(0)]
  }
}
