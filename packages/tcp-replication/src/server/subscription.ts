import type { FeedReader, LinkScope, WriteResult } from '@holdfast/core'
import { count } from '../counts.js'
import type { KnownCommand } from '../wire/commands.js'
import type { ServerContext } from './context.js'
import type { Publisher } from './publisher.js'

/** Where a subscriber stands on one stream. */
export interface StreamLag {
  readonly stream: string
  readonly mode: FeedReader<number>['mode']
  /** The last token written to this connection. */
  readonly at: number
  /** How far the server's position is ahead of it. */
  readonly behind: number
}

/** What a subscription needs of its connection. */
export interface SubscriptionHost {
  readonly server: ServerContext
  readonly scope: LinkScope
  /** The client's name in logs. */
  readonly label: string
  send(command: KnownCommand): void
  write(bytes: Uint8Array): WriteResult
}

/** One stream on one connection, from its first REPLICATE on (7.2). */
export class Subscription {
  readonly #publisher: Publisher
  readonly #host: SubscriptionHost
  #reader: FeedReader<number> | null = null
  /** From where the client asked anew while the rows that it had asked for before were still coming. */
  #askedAnew: number | 'NOW' | null = null
  /** How far the client had come when the source failed. */
  #failedAt: number | null = null

  constructor(publisher: Publisher, host: SubscriptionHost) {
    this.#publisher = publisher
    this.#host = host
  }

  /** How far the client has been brought; `null` while it does not follow. */
  get lag(): StreamLag | null {
    const { stream, head } = this.#publisher
    if (this.#reader === null) return null
    const { mode, at } = this.#reader
    return { stream, mode, at, behind: head - at }
  }

  /**
   * The client asks for everything after `token`. Asked anew before the rows have come, it gets those first: so a
   * client has at most one read of a stream under way, however often it asks.
   */
  replicate(token: number | 'NOW'): void {
    if (this.#reader?.mode === 'catching-up') this.#askedAnew = token
    else this.#begin(token)
  }

  /** Follows from the head on, without a POSITION. */
  follow(): void {
    this.#open(this.#publisher.head)
  }

  /** The link takes data again. */
  writable(): void {
    this.#reader?.writable()
  }

  /** Tells where an idle stream stands. */
  announce(): void {
    if (this.#isUpToDate) this.tellPosition()
  }

  /** The stream started over at the publisher's head: tell, and go on from there (9.3.5). */
  restart(): void {
    if (this.#reader === null) return
    const { head } = this.#publisher
    const { at } = this.#reader
    this.#askedAnew = null
    if (at < head) this.#lost(at, head)
    this.tellPosition()
    this.#open(head)
  }

  /** Goes on where the source failed. */
  retry(): void {
    if (this.#failedAt !== null) this.#begin(this.#failedAt)
  }

  /** Tells the announced position, or how far the client has been brought. */
  tellPosition(token: number = this.#publisher.head): void {
    const { instance, dialect } = this.#host.server
    const { stream } = this.#publisher
    const by = dialect === 'D1' ? { instance: null, previous: null } : { instance, previous: token }
    this.#host.send({ name: 'POSITION', stream, ...by, token })
  }

  get #isUpToDate(): boolean {
    return this.#reader?.mode === 'live' && this.#reader.at === this.#publisher.head
  }

  #begin(token: number | 'NOW'): void {
    const { server } = this.#host
    const { head, stream } = this.#publisher
    this.#failedAt = null
    const from = token === 'NOW' ? head : token
    if (from >= head) {
      if (from > head) count(server.counters.resets, stream)
      this.tellPosition()
      if (!this.#isUpToDate) this.#open(head)
      return
    }
    const first = server.source.first(stream)
    if (from < first) this.#lost(from, first)
    this.#open(Math.max(from, first), (at) => this.tellPosition(at))
  }

  /** Follows from a position on; `caughtUp` is called once, when the rows of the past have been written. */
  #open(from: number, caughtUp?: (at: number) => void): void {
    this.#reader?.close()
    let isOpen = false
    this.#reader = this.#publisher.feed.open(this.#host.scope, from, {
      send: (items) => {
        let result: WriteResult = 'sent'
        for (const { bytes } of items) result = this.#host.write(bytes)
        return result
      },
      caughtUp: (at, again) => {
        if (!again) caughtUp?.(at)
        if (isOpen) this.#beginAnew()
      },
      failed: (why) => this.#failed(why),
    })
    isOpen = true
    if (this.#reader.mode === 'live') this.#beginAnew()
  }

  #beginAnew(): void {
    const from = this.#askedAnew
    this.#askedAnew = null
    if (from !== null) this.#begin(from)
  }

  #failed(why: 'too-old' | Error): void {
    const { server, label } = this.#host
    const { counters, env, source } = server
    const { stream } = this.#publisher
    const at = this.#reader?.at ?? 0
    this.#reader = null
    if (why === 'too-old') {
      const first = source.first(stream)
      this.#lost(at, first)
      this.#open(first, (reached) => this.tellPosition(reached))
      return
    }
    this.#askedAnew = null
    count(counters.sourceFailures, stream)
    env.log.error({ name: env.name, client: label, stream, err: why }, 'reading the source failed')
    this.#host.send({
      name: 'ERROR',
      text: `failed to handle replicate: reading ${stream} after ${at} failed`,
    })
    this.#failedAt = at
    server.retryLater(this.#publisher)
  }

  /** The protocol has no answer for it, so it is an ERROR, which old clients log and ours act upon. */
  #lost(from: number, first: number): void {
    const { stream } = this.#publisher
    this.#host.send({
      name: 'ERROR',
      text: `stream ${stream} has lost rows after ${from}: it begins at ${first}`,
    })
  }
}
