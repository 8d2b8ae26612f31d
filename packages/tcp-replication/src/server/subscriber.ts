import {
  type End,
  type EndKind,
  end,
  type FeedReader,
  type LinkProtocol,
  type LinkScope,
  type Millis,
  type Timer,
} from '@holdfast/core'
import { count } from '../counts.js'
import type { Command, KnownCommand } from '../wire/commands.js'
import { describeCommand } from '../wire/describe-command.js'
import { ProtocolError } from '../wire/errors.js'
import { formatCommand } from '../wire/format-command.js'
import { LineDecoder } from '../wire/line-decoder.js'
import { parseCommand } from '../wire/parse-command.js'
import type { Retrying, ServerContext } from './context.js'
import type { Publisher } from './publisher.js'
import type { ClientIdentity, UpstreamHandlers } from './upstream.js'

/** Where a subscriber stands on one stream. */
export interface StreamLag {
  readonly stream: string
  readonly mode: FeedReader<number>['mode']
  /** The last token written to this connection. */
  readonly at: number
  /** How far the server's position is ahead of it. */
  readonly behind: number
}

/** The server's end of one client connection. */
export class Subscriber implements LinkProtocol, ClientIdentity, Retrying {
  readonly connectionId: string
  name = 'anon'
  readonly #server: ServerContext
  readonly #scope: LinkScope
  readonly #decoder = new LineDecoder()
  readonly #readers = new Map<Publisher, FeedReader<number>>()
  #syncing = false
  /** Set while the link is full: when it stays so, the client is cut off. */
  #patience: Timer | null = null

  constructor(scope: LinkScope, server: ServerContext) {
    this.#scope = scope
    this.#server = server
    this.connectionId = fiveLetters(server.env.random)
    this.#send({ name: 'SERVER', text: server.serverName })
    this.#ping()
    if (server.dialect === 'D2')
      for (const publisher of server.publishers.values()) this.#open(publisher, publisher.head)
    scope.ready()
  }

  /** Whether the client follows a stream. */
  follows(publisher: Publisher): boolean {
    return this.#readers.has(publisher)
  }

  /** How far the client has been brought on each stream it follows. */
  get lag(): StreamLag[] {
    return [...this.#readers].map(([{ stream, head }, { mode, at }]) => ({
      stream,
      mode,
      at,
      behind: head - at,
    }))
  }

  /** Bytes that wait for the kernel to take them. */
  get unsent(): number {
    return this.#scope.link.unflushed
  }

  // What the link says -----------------------------------------------------------------------------------------

  data(chunk: Uint8Array): void {
    const { lines, error } = this.#decoder.push(chunk)
    for (const line of lines) if (!this.#line(line)) return
    if (error !== null) this.#refuse(error.errorText)
  }

  writable(): void {
    this.#patience?.cancel()
    this.#patience = null
    for (const reader of this.#readers.values()) reader.writable()
  }

  probe(): void {
    this.#ping()
  }

  retire(): void {
    this.#send({ name: 'ERROR', text: 'server shutting down' })
  }

  farewell({ kind }: End): string | undefined {
    return kind === 'silent' || kind === 'suspect-after-sleep' ? 'ERROR ping timeout\n' : undefined
  }

  ended(): void {
    if (this.#syncing) this.#tell('clearUserSync', { name: 'CLEAR_USER_SYNC', instance: this.connectionId })
  }

  // What the server says ---------------------------------------------------------------------------------------

  /** Sends a SYNC, which some clients wait for. */
  sync(text: string): void {
    this.#send({ name: 'SYNC', text })
  }

  /** Tells where an idle stream stands. */
  announce(publisher: Publisher): void {
    const reader = this.#readers.get(publisher)
    if (reader?.mode === 'live' && reader.at === publisher.head) this.#position(publisher, publisher.head)
  }

  /** The stream started over at the publisher's head: tell, and go on from there (9.3.5). */
  restart(publisher: Publisher): void {
    const reader = this.#readers.get(publisher)
    if (reader === undefined) return
    reader.close()
    this.#readers.delete(publisher)
    if (reader.at < publisher.head) this.#lost(publisher, reader.at, publisher.head)
    this.#position(publisher, publisher.head)
    this.#open(publisher, publisher.head)
  }

  // One line ---------------------------------------------------------------------------------------------------

  /** @returns whether to go on with the next line */
  #line(line: string): boolean {
    const { dialect, mode, counters, env } = this.#server
    const command = parseCommand(line, { from: 'client', dialect, mode })
    if (command === null) return true
    if (command instanceof ProtocolError) {
      if (command.command !== null) count(counters.inboundCommands, command.command)
      return this.#refuse(command.errorText)
    }
    count(counters.inboundCommands, command.name)
    if (command.name !== 'PING')
      env.log.debug({ name: env.name, client: this.label }, describeCommand(command))
    return this.#handle(command)
  }

  /** The name and the connection's id, as in Synapse's logs. */
  get label(): string {
    return `${this.name}-${this.connectionId}`
  }

  #handle(command: Command): boolean {
    switch (command.name) {
      case 'PING':
        this.#scope.armKeepalive()
        return true
      case 'NAME':
        this.name = command.text
        return true
      case 'REPLICATE':
        return command.stream === null
          ? this.#tellPositions()
          : this.#replicate(command.stream, command.token)
      case 'ERROR':
        this.#server.env.log.warn(
          { name: this.#server.env.name, client: this.label },
          `the client reports: ${command.text}`,
        )
        return true
      case 'USER_SYNC':
        this.#syncing ||= this.#server.dialect === 'D1'
        this.#tell('userSync', { ...command, instance: command.instance ?? this.connectionId })
        return true
      case 'CLEAR_USER_SYNC':
        this.#tell('clearUserSync', command)
        return true
      case 'FEDERATION_ACK':
        this.#tell('federationAck', command)
        return true
      case 'REMOVE_PUSHER':
        this.#tell('removePusher', command)
        return true
      case 'INVALIDATE_CACHE':
        this.#tell('invalidateCache', command)
        return true
      case 'USER_IP':
        this.#tell('userIp', command)
        return true
      case 'REMOTE_SERVER_UP':
        this.#tell('remoteServerUp', command.text)
        return true
      case 'SERVER':
      case 'RDATA':
      case 'POSITION':
      case 'SYNC':
      case 'UNKNOWN':
        // The parser lets none of these through from a client.
        return true
    }
  }

  #tell<K extends keyof UpstreamHandlers>(
    kind: K,
    command: Parameters<NonNullable<UpstreamHandlers[K]>>[0],
  ): void {
    const { upstream, env } = this.#server
    const handler = upstream[kind] as
      | ((command: unknown, client: ClientIdentity) => void | Promise<void>)
      | undefined
    const failed = (failure: unknown): void => {
      env.log.error({ name: env.name, client: this.label, err: failure }, `the ${kind} handler failed`)
    }
    try {
      handler?.call(upstream, command, this)?.catch(failed)
    } catch (failure) {
      failed(failure)
    }
  }

  // Subscriptions ----------------------------------------------------------------------------------------------

  #replicate(stream: string, token: number | 'NOW'): boolean {
    const { publishers } = this.#server
    const chosen = stream === 'ALL' ? [...publishers.values()] : [publishers.get(stream)]
    for (const publisher of chosen) {
      if (publisher === undefined) {
        return this.#refuse(
          `failed to handle replicate: Exception('unknown stream %s', '${stream.slice(0, 100)}')`,
        )
      }
      this.#subscribe(publisher, token)
    }
    return true
  }

  #subscribe(publisher: Publisher, token: number | 'NOW'): void {
    this.#readers.get(publisher)?.close()
    this.#readers.delete(publisher)
    const { head, stream } = publisher
    const from = token === 'NOW' ? head : token
    if (from >= head) {
      if (from > head) count(this.#server.counters.resets, stream)
      this.#position(publisher, head)
      this.#open(publisher, head)
      return
    }
    const first = this.#server.source.first(stream)
    if (from < first) this.#lost(publisher, from, first)
    this.#open(publisher, Math.max(from, first), (at) => this.#position(publisher, at))
  }

  /** Follows a stream from a position on; `caughtUp` is called once, when the rows of the past have been written. */
  #open(publisher: Publisher, from: number, caughtUp?: (at: number) => void): void {
    const reader = publisher.feed.open(this.#scope, from, {
      send: (items) => {
        let result: 'sent' | 'full' | 'refused' = 'sent'
        for (const { bytes } of items) result = this.#write(bytes)
        return result
      },
      caughtUp: (at, again) => {
        if (!again) caughtUp?.(at)
      },
      failed: (why) => this.#failed(publisher, why),
    })
    this.#readers.set(publisher, reader)
  }

  #failed(publisher: Publisher, why: 'too-old' | Error): void {
    const { counters, env, source } = this.#server
    const at = this.#readers.get(publisher)?.at ?? 0
    this.#readers.delete(publisher)
    if (why === 'too-old') {
      const first = source.first(publisher.stream)
      this.#lost(publisher, at, first)
      this.#open(publisher, first, (at) => this.#position(publisher, at))
      return
    }
    count(counters.sourceFailures, publisher.stream)
    env.log.error(
      { name: env.name, client: this.label, stream: publisher.stream, err: why },
      'reading the source failed',
    )
    this.#send({
      name: 'ERROR',
      text: `failed to handle replicate: reading ${publisher.stream} after ${at} failed`,
    })
    this.#server.retryLater(this, publisher, at)
  }

  /** Tried again when the source next says something. */
  retry(publisher: Publisher, from: number): void {
    if (!this.#readers.has(publisher)) this.#subscribe(publisher, from)
  }

  /** The protocol has no answer for it, so it is an ERROR, which old clients log and ours act upon. */
  #lost({ stream }: Publisher, from: number, first: number): void {
    this.#send({ name: 'ERROR', text: `stream ${stream} has lost rows after ${from}: it begins at ${first}` })
  }

  #tellPositions(): boolean {
    for (const publisher of this.#server.publishers.values()) this.#position(publisher, publisher.head)
    return true
  }

  #position({ stream }: Publisher, token: number): void {
    const { instance, dialect } = this.#server
    this.#send({
      name: 'POSITION',
      stream,
      instance: dialect === 'D1' ? null : instance,
      previous: dialect === 'D1' ? null : token,
      token,
    })
  }

  // Writing ----------------------------------------------------------------------------------------------------

  #ping(): void {
    this.#send({ name: 'PING', text: String(this.#server.env.clock.wall()) })
  }

  #send(command: KnownCommand): void {
    const { counters, dialect } = this.#server
    count(counters.outboundCommands, command.name)
    this.#write(`${formatCommand(command, dialect)}\n`)
  }

  #write(bytes: Uint8Array | string): 'sent' | 'full' | 'refused' {
    const result = this.#scope.link.write(bytes)
    if (result === 'full' && this.#patience === null) this.#beginToWait(this.#server.slow.within)
    return result
  }

  #beginToWait(within: Millis): void {
    this.#patience = this.#scope.after(within, () => {
      this.#patience = null
      if (this.unsent <= this.#server.slow.bytes) {
        this.#beginToWait(within)
        return
      }
      this.#server.counters.failedToKeepUp += 1
      this.#refuse('Failed to keep up', 'overflow')
    })
  }

  /** Says why, then closes. */
  #refuse(errorText: string, kind: EndKind = 'protocol-error'): false {
    this.#send({ name: 'ERROR', text: errorText })
    this.#scope.link.end(end(kind, { detail: errorText }))
    return false
  }
}

function fiveLetters(random: () => number): string {
  return Array.from({ length: 5 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('')
}
