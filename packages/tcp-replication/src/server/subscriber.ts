import {
  type End,
  type EndKind,
  end,
  type LinkProtocol,
  type LinkScope,
  type Millis,
  type Timer,
  type WriteResult,
} from '@holdfast/core'
import { count } from '../counts.js'
import { randomLetters } from '../random-letters.js'
import type { Command, KnownCommand } from '../wire/commands.js'
import { describeCommand } from '../wire/describe-command.js'
import { ProtocolError } from '../wire/errors.js'
import { formatCommand } from '../wire/format-command.js'
import { LineDecoder } from '../wire/line-decoder.js'
import { parseCommand } from '../wire/parse-command.js'
import { printable } from '../wire/printable.js'
import type { ServerContext } from './context.js'
import { PacedWriter } from './paced-writer.js'
import type { Publisher } from './publisher.js'
import { type StreamLag, Subscription, type SubscriptionHost } from './subscription.js'
import type { ClientIdentity, UpstreamHandlers } from './upstream.js'
import { UpstreamCalls } from './upstream-calls.js'

/** What a client calls itself goes into logs, metrics and status: more of it than this is left out. */
const longestName = 255
/** ERRORs of one connection that are logged. */
const mostReports = 10

/** The server's end of one client connection. */
export class Subscriber implements LinkProtocol, ClientIdentity, SubscriptionHost {
  readonly connectionId: string
  name = 'anon'
  readonly server: ServerContext
  readonly scope: LinkScope
  readonly #decoder = new LineDecoder()
  readonly #subscriptions = new Map<Publisher, Subscription>()
  readonly #upstream: UpstreamCalls
  readonly #writer: PacedWriter
  #syncing = false
  #reports = 0
  /** Set while the link is full: when it stays so, the client is cut off. */
  #patience: Timer | null = null

  constructor(scope: LinkScope, server: ServerContext) {
    this.scope = scope
    this.server = server
    this.#writer = new PacedWriter(scope.link)
    this.#upstream = new UpstreamCalls(server, this, scope.link)
    this.connectionId = randomLetters(5, () => server.env.random())
    this.send({ name: 'SERVER', text: server.serverName })
    this.#ping()
    if (server.dialect === 'D2')
      for (const publisher of server.publishers.values()) this.#subscription(publisher).follow()
    scope.ready()
  }

  /** How far the client has been brought on each stream it follows. */
  get lag(): StreamLag[] {
    return [...this.#subscriptions.values()].flatMap(({ lag }) => lag ?? [])
  }

  /** Bytes that wait for the kernel to take them. */
  get unsent(): number {
    return this.scope.link.unflushed + this.#writer.waiting
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
    if (this.#writer.writable())
      for (const subscription of this.#subscriptions.values()) subscription.writable()
    else this.#beginToWait(this.server.slow.within)
  }

  probe(): void {
    this.#ping()
  }

  retire(): void {
    this.#sendError('server shutting down')
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
    this.send({ name: 'SYNC', text })
  }

  /** Tells where an idle stream stands. */
  announce(publisher: Publisher): void {
    this.#subscriptions.get(publisher)?.announce()
  }

  /** The stream started over at the publisher's head: tell, and go on from there (9.3.5). */
  restart(publisher: Publisher): void {
    this.#subscriptions.get(publisher)?.restart()
  }

  /** The source may answer again. */
  retry(publisher: Publisher): void {
    this.#subscriptions.get(publisher)?.retry()
  }

  // One line ---------------------------------------------------------------------------------------------------

  /** @returns whether to go on with the next line */
  #line(line: string): boolean {
    const { dialect, mode, counters, env } = this.server
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
        this.scope.armKeepalive()
        return true
      case 'NAME':
        this.name = printable(command.text, longestName)
        return true
      case 'REPLICATE':
        return command.stream === null
          ? this.#tellPositions()
          : this.#replicate(command.stream, command.token)
      case 'ERROR':
        this.#report(command.text)
        return true
      case 'USER_SYNC':
        this.#syncing ||= this.server.dialect === 'D1'
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

  /** A peer has little to report before it closes: one that goes on shall not fill the disk. */
  #report(text: string): void {
    const { env } = this.server
    if (this.#reports++ >= mostReports) return
    env.log.warn({ name: env.name, client: this.label }, `the client reports: ${printable(text, 200)}`)
  }

  #tell<K extends keyof UpstreamHandlers>(
    kind: K,
    command: Parameters<NonNullable<UpstreamHandlers[K]>>[0],
  ): void {
    this.#upstream.tell(kind, command)
  }

  // Subscriptions ----------------------------------------------------------------------------------------------

  #replicate(stream: string, token: number | 'NOW'): boolean {
    const { publishers } = this.server
    const chosen = stream === 'ALL' ? [...publishers.values()] : [publishers.get(stream)]
    for (const publisher of chosen) {
      if (publisher === undefined) {
        return this.#refuse(
          `failed to handle replicate: Exception('unknown stream %s', '${stream.slice(0, 100)}')`,
        )
      }
      this.#subscription(publisher).replicate(token)
    }
    return true
  }

  #subscription(publisher: Publisher): Subscription {
    let subscription = this.#subscriptions.get(publisher)
    if (subscription === undefined) {
      subscription = new Subscription(publisher, this)
      this.#subscriptions.set(publisher, subscription)
    }
    return subscription
  }

  #tellPositions(): boolean {
    for (const publisher of this.server.publishers.values()) this.#subscription(publisher).tellPosition()
    return true
  }

  // Writing ----------------------------------------------------------------------------------------------------

  #ping(): void {
    this.send({ name: 'PING', text: String(this.server.env.clock.wall()) })
  }

  /** Writes a command. */
  send(command: KnownCommand): void {
    const { counters, dialect } = this.server
    count(counters.outboundCommands, command.name)
    this.write(`${formatCommand(command, dialect)}\n`)
  }

  /** Writes lines; when the link stays full, the client is cut off. */
  write(bytes: Uint8Array | string): WriteResult {
    const result = this.#writer.write(bytes)
    if (result === 'full' && this.#patience === null) this.#beginToWait(this.server.slow.within)
    return result
  }

  #beginToWait(within: Millis): void {
    this.#patience = this.scope.after(within, () => {
      this.#patience = null
      if (this.unsent <= this.server.slow.bytes) {
        this.#beginToWait(within)
        return
      }
      this.server.counters.failedToKeepUp += 1
      this.#refuse('Failed to keep up', 'overflow')
    })
  }

  /** Past what waits: it would come too late. */
  #sendError(text: string): void {
    const { counters, dialect } = this.server
    count(counters.outboundCommands, 'ERROR')
    this.scope.link.write(`${formatCommand({ name: 'ERROR', text }, dialect)}\n`)
  }

  /** Says why, then closes. */
  #refuse(errorText: string, kind: EndKind = 'protocol-error'): false {
    this.#sendError(errorText)
    this.scope.link.end(end(kind, { detail: errorText }))
    return false
  }
}
