import { Buffer } from 'node:buffer'
import {
  type Env,
  end,
  type FeedReader,
  type LinkProtocol,
  type LinkScope,
  type Timer,
  type WriteResult,
} from '@holdfast/core'
import { count } from '../counts.js'
import type { EncodedRows } from '../server/encode-rows.js'
import type { Publisher } from '../server/publisher.js'
import type { ServerCounters } from '../server/stats.js'
import type { KnownCommand } from '../wire/commands.js'
import { ProtocolError } from '../wire/errors.js'
import { formatCommand } from '../wire/format-command.js'
import { parseCommand } from '../wire/parse-command.js'

/** How long a REPLICATE waits for others, in milliseconds: one answer is heard by all who ask, and workers start together. */
const answerAfter = 20

/** What the links of a server to its channel share. */
export interface ChannelContext {
  readonly env: Env
  readonly instance: string
  readonly publishers: ReadonlyMap<string, Publisher>
  readonly counters: ServerCounters
  heard(command: KnownCommand): void
}

/** A server's end of one link to a channel: says where it stands, then what is new (14.4). */
export class ChannelPublication implements LinkProtocol {
  readonly #scope: LinkScope
  readonly #server: ChannelContext
  readonly #readers = new Map<Publisher, FeedReader<number>>()
  #answering: Timer | null = null

  constructor(scope: LinkScope, server: ChannelContext) {
    this.#scope = scope
    this.#server = server
    for (const publisher of server.publishers.values()) {
      publisher.catchUp()
      this.restart(publisher)
    }
    scope.ready()
  }

  message(message: Uint8Array | string): void {
    const { counters, env } = this.#server
    const line = typeof message === 'string' ? message : Buffer.from(message).toString()
    // What a server says comes from us, or is none of our business.
    const command = parseCommand(line, { from: 'client', dialect: 'D2' })
    if (command === null) return
    if (command instanceof ProtocolError) {
      if (command.code !== 'HF_REPLICATION_INVALID_COMMAND') {
        env.log.debug({ name: env.name }, `passed over: ${command.errorText}`)
      }
      return
    }
    count(counters.inboundCommands, command.name)
    if (command.name === 'REPLICATE') this.#answer()
    else if (command.name !== 'UNKNOWN') this.#server.heard(command)
  }

  probe(): void {
    this.#scope.link.ping?.()
  }

  writable(): void {
    for (const reader of this.#readers.values()) reader.writable()
  }

  /** Tells where idle streams stand; of the others rows tell. */
  announce(): void {
    for (const [publisher, { mode, at }] of this.#readers) {
      publisher.catchUp()
      if (mode === 'live' && at === publisher.head) this.#tellPosition(publisher)
    }
  }

  /** The stream begins, or starts over, at the publisher's head: tell, and go on from there. */
  restart(publisher: Publisher): void {
    this.#readers.get(publisher)?.close()
    this.#tellPosition(publisher)
    const reader = publisher.feed.open(this.#scope, publisher.head, {
      send: (items) => this.#send(items),
      caughtUp: () => undefined,
      failed: (cause) => this.#scope.fail(end('adapter-threw', { cause, detail: String(cause) })),
    })
    this.#readers.set(publisher, reader)
  }

  #answer(): void {
    if (this.#answering !== null) return
    this.#answering = this.#scope.after(answerAfter, () => {
      this.#answering = null
      this.announce()
    })
  }

  #tellPosition({ stream, head }: Publisher): void {
    const { instance, counters } = this.#server
    count(counters.outboundCommands, 'POSITION')
    const at = { previous: head, token: head }
    this.#scope.link.write(formatCommand({ name: 'POSITION', stream, instance, ...at }, 'D2'))
  }

  /** Every line is a message of its own. */
  #send(items: readonly EncodedRows[]): WriteResult {
    let result: WriteResult = 'sent'
    for (const { bytes, lines } of items) {
      count(this.#server.counters.outboundCommands, 'RDATA', lines)
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
      for (const line of text.split('\n')) if (line !== '') result = this.#scope.link.write(line)
    }
    return result
  }
}
