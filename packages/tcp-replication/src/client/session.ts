import { type End, end, type LinkProtocol, type LinkScope } from '@holdfast/core'
import { count } from '../counts.js'
import type { Command, Dialect, KnownCommand } from '../wire/commands.js'
import { dialectOf } from '../wire/dialect.js'
import { ProtocolError } from '../wire/errors.js'
import { LineDecoder } from '../wire/line-decoder.js'
import { parseCommand } from '../wire/parse-command.js'
import { printable } from '../wire/printable.js'
import { AwaitedPositions } from './awaited-positions.js'
import { CommandWriter } from './command-writer.js'
import type { ClientContext } from './context.js'
import { FollowerOnLink } from './follower-on-link.js'
import { fetchMissed } from './missed-rows.js'
import { isMeantFor } from './on-channel.js'
import { RepeatedProblems } from './repeated-problems.js'
import type { StreamUpdates } from './stream-updates.js'

/** The code of an end that comes of an optional stream which the server does not have. */
export const notServed = 'not-served'

/** The client's end of one connection to a server, or of one link to a channel. */
export class Session implements LinkProtocol {
  readonly #client: ClientContext
  readonly #scope: LinkScope
  readonly #writer: CommandWriter
  readonly #repeated: RepeatedProblems
  readonly #decoder = new LineDecoder()
  readonly #streams = new Map<string, FollowerOnLink>()
  readonly #awaited: AwaitedPositions
  /** Where the last row went: rows of one stream after the other are handed over together. */
  #rowsOf: FollowerOnLink | null = null
  /** Lines that wait while missed rows are fetched. */
  #held: string[] | null = null
  #serverSeen = false
  /** The text of an ERROR that was the last line: whoever says more has not closed for it. */
  #serverError: string | null = null

  constructor(scope: LinkScope, client: ClientContext) {
    this.#scope = scope
    this.#client = client
    this.#writer = new CommandWriter(client, scope)
    this.#repeated = new RepeatedProblems((problem) => client.report(problem))
    if (client.channel === null) {
      this.#writer.send({ name: 'NAME', text: client.name })
      this.#writer.ping()
    } else scope.armKeepalive()
    for (const [stream, follower] of client.followers) {
      if (follower.stopped) continue
      const onLink = new FollowerOnLink(follower, scope)
      this.#streams.set(stream, onLink)
    }
    const asked = [...this.#streams.keys()].filter((stream) => client.followers.get(stream)?.served === true)
    this.#awaited = new AwaitedPositions(scope, asked, {
      all: () => scope.ready(),
      stalled: (streams) => this.#stalled(streams),
      missing: (streams) => this.#missing(streams),
    })
    // A D2 server answers each REPLICATE, and to all of its clients: until the dialect is known, one is enough.
    const [first, ...others] = asked
    if (first !== undefined && client.dialect !== 'D2') this.#replicate(first)
    if (client.dialect === 'D1') for (const stream of others) this.#replicate(stream)
    if (client.dialect === 'D2') this.#writer.send({ name: 'REPLICATE', stream: null, token: null })
    if (client.dialect !== null) this.#writer.tellUpstream()
    this.#awaited.begin(client.catchUpStalledAfter)
  }

  /** Sends a command now. */
  upstream(command: KnownCommand): boolean {
    return this.#writer.upstream(command)
  }

  // What the link says -----------------------------------------------------------------------------------------

  data(chunk: Uint8Array): void {
    const { lines, error } = this.#decoder.push(chunk)
    if (lines.length > 0) this.#client.heard()
    if (this.#held !== null) this.#held.push(...lines)
    else this.#lines(lines)
    this.#sealRows()
    if (error !== null) this.#refuse(error.errorText)
  }

  /** A channel brings each line as a message, however long (14.4). */
  message(message: Uint8Array | string): void {
    const line = typeof message === 'string' ? message : Buffer.from(message).toString()
    this.#client.heard()
    if (this.#held !== null) this.#held.push(line)
    else this.#line(line)
    this.#sealRows()
  }

  probe(): void {
    if (this.#client.channel === null) this.#writer.ping()
    else this.#scope.link.ping?.()
  }

  /** A server says why before it closes (4.1). */
  explain(): string | undefined {
    return this.#serverError === null ? undefined : `the server said: ${printable(this.#serverError, 500)}`
  }

  ended({ kind, detail = '' }: End): void {
    const client = this.#client
    if (kind === 'overflow') client.report({ kind: 'overflow', detail })
    if (this.#awaited.isOver) for (const follower of client.followers.values()) follower.served = true
    // The server may have been replaced by one that speaks otherwise: what was learned is to be learned anew.
    else client.dialect = client.fixedDialect
  }

  farewell({ kind }: End): string | undefined {
    const isMissed = kind === 'silent' || kind === 'suspect-after-sleep'
    return isMissed && this.#client.channel === null ? 'ERROR ping timeout\n' : undefined
  }

  // Lines ------------------------------------------------------------------------------------------------------

  #lines(lines: readonly string[]): void {
    for (const [index, line] of lines.entries()) {
      if (!this.#line(line)) return
      if (this.#held !== null) {
        this.#held.push(...lines.slice(index + 1))
        return
      }
    }
  }

  /** @returns whether to go on with the next line */
  #line(line: string): boolean {
    const client = this.#client
    if (client.dialect === null) this.#learn(dialectOf(line))
    const dialect = client.dialect ?? 'D1'
    const command = parseCommand(line, { from: 'server', dialect, mode: client.mode })
    if (command === null) return true
    if (command instanceof ProtocolError) return this.#notUnderstood(command)
    count(client.stats.inboundCommands, command.name)
    if (client.channel !== null && !isMeantFor(client.channel, command)) return true
    if (!this.#serverSeen && command.name !== 'SERVER' && client.requireServerName) {
      return this.#refuse('SERVER expected first')
    }
    this.#serverError = null
    return this.#handle(command)
  }

  /** @returns whether to go on with the next line */
  #notUnderstood({ code, command, errorText }: ProtocolError): boolean {
    if (this.#client.channel === null) return this.#refuse(errorText)
    // What workers say to the main process is heard by all; only what nobody may say is worth a word.
    if (code !== 'HF_REPLICATION_INVALID_COMMAND') {
      this.#repeated.report({ kind: 'bad-line', command: command ?? '', text: errorText })
    }
    return true
  }

  #learn(dialect: Dialect | null): void {
    if (dialect === null) return
    this.#client.dialect = dialect
    const [, ...others] = this.#awaited.streams
    if (dialect === 'D1') for (const stream of others) this.#replicate(stream)
    this.#writer.tellUpstream()
  }

  #handle(command: Command): boolean {
    switch (command.name) {
      case 'RDATA':
        this.#row(command.stream, command.token, command.row)
        return true
      case 'POSITION':
        this.#position(command.stream, command.previous, command.token)
        return true
      case 'SERVER':
        return this.#server(command.text)
      case 'PING':
        this.#scope.armKeepalive()
        return true
      case 'ERROR':
        return this.#error(command.text)
      case 'SYNC':
        this.#client.synced(command.text)
        return true
      case 'UNKNOWN':
        this.#repeated.report({ kind: 'unknown-command', command: printable(command.command, 100) })
        return true
      default:
        return true
    }
  }

  #server(name: string): boolean {
    this.#serverSeen = true
    const wrong = this.#client.judgeServer(name)
    return wrong === null || this.#refuse('Wrong remote', wrong)
  }

  /** @returns whether to go on with the next line */
  #error(text: string): boolean {
    this.#sealRows()
    this.#serverError = text
    const unknown = /Exception\('unknown stream %s', u?'(\S+)'\)$/.exec(text)
    // Of an optional stream that is no error, and told as what it is.
    if (unknown !== null && !this.#notServed(unknown[1] ?? '')) return false
    this.#client.report({ kind: 'server-error', text })
    const lost = /^stream (\S+) has lost rows after -?\d+: it begins at (-?\d+)$/.exec(text)
    if (lost !== null) this.#streams.get(lost[1] ?? '')?.lost(Number(lost[2]))
    return true
  }

  #row(stream: string, token: number | 'batch', text: string): void {
    const onLink = this.#streams.get(stream)
    if (onLink === undefined) {
      this.#notFollowed(stream)
      return
    }
    this.#awaited.progress()
    if (onLink !== this.#rowsOf) this.#sealRows()
    this.#rowsOf = onLink
    if (this.#client.dialect !== 'D2') onLink.row(token, text)
    else if (onLink.positioned) this.#liveRow(onLink, token, text)
  }

  #sealRows(): void {
    this.#rowsOf?.sealWhole()
    this.#rowsOf = null
  }

  /** D2: what repeats is dropped, because there positions only rise (v1.16). */
  #liveRow(onLink: FollowerOnLink, token: number | 'batch', text: string): void {
    if (token === 'batch' || token > (onLink.at ?? -Infinity)) onLink.row(token, text)
    else count(this.#client.stats.duplicates, onLink.follower.stream, onLink.dropBatch() + 1)
  }

  #position(stream: string, previous: number | null, token: number): void {
    const onLink = this.#streams.get(stream)
    if (onLink === undefined) {
      this.#notFollowed(stream)
      this.#settleSoon({ postpones: false })
      return
    }
    this.#awaited.progress()
    if (this.#client.dialect === 'D2') this.#positionAfter(onLink, previous, token)
    else {
      onLink.position(token)
      this.#positioned(stream)
    }
  }

  /** D2: whoever was not where the writer was before has missed rows, and fetches them (14.2). */
  #positionAfter(onLink: FollowerOnLink, previous: number | null, token: number): void {
    const { follower } = onLink
    const { updates } = this.#client
    const { at } = onLink
    onLink.dropBatch()
    if (at === null || token <= at || at === previous) {
      onLink.position(token)
      this.#positioned(follower.stream)
    } else if (updates === null) {
      onLink.missed(token)
      this.#positioned(follower.stream)
    } else this.#fetch(onLink, at, token, updates)
  }

  #fetch(onLink: FollowerOnLink, from: number, upTo: number, updates: StreamUpdates): void {
    const { stream } = onLink.follower
    onLink.catchUp()
    const release = this.#scope.link.pause()
    this.#held = []
    fetchMissed({
      ...{ updates, stream, from, upTo },
      scope: this.#scope,
      pageWithin: this.#client.catchUpStalledAfter,
      row: (token, text) => onLink.row(token, text),
      applied: () => {
        onLink.sealWhole()
        return onLink.follower.cursor.settled()
      },
    }).then(
      this.#scope.guard((complete: boolean) => {
        if (complete) onLink.position(upTo)
        else {
          onLink.missed(upTo)
        }
        this.#positioned(stream)
        const held = this.#held ?? []
        this.#held = null
        this.#lines(held)
        this.#sealRows()
        // Last, because what waits on the link came after these.
        release()
      }),
      this.#scope.guard((cause: unknown) => {
        this.#scope.fail(
          end('protocol-error', {
            cause,
            detail: `missed rows of ${stream} could not be fetched: ${String(cause)}`,
          }),
        )
      }),
    )
  }

  #positioned(stream: string): void {
    if (this.#awaited.positioned(stream)) this.#settleSoon({ postpones: true })
  }

  #settleSoon(o: { readonly postpones: boolean }): void {
    const { followers, dialect } = this.#client
    if (this.#awaited.isOver || dialect !== 'D2') return
    if (this.#awaited.streams.every((other) => followers.get(other)?.optional === true))
      this.#awaited.settle(o)
  }

  #missing(streams: readonly string[]): void {
    // While something is fetched, the end of it brings another position.
    if (this.#held === null) for (const stream of streams) this.#notServed(stream)
  }

  #stalled(streams: readonly string[]): void {
    if (this.#held !== null) return
    const detail = `the server sends no position of ${streams.join(', ')}`
    this.#scope.fail(end('handshake-timeout', { detail }))
  }

  /** @returns whether the link goes on */
  #notServed(stream: string): boolean {
    const follower = this.#client.followers.get(stream)
    if (follower?.optional !== true || !follower.served) return true
    follower.served = false
    this.#client.report({ kind: 'not-served', stream })
    if (this.#client.dialect === 'D2') {
      this.#positioned(stream)
      return true
    }
    // In D1 the server closes next, and the other streams are asked for anew.
    const detail = `the server has no stream ${stream}`
    this.#scope.fail(end('handshake-refused', { code: notServed, detail }))
    return false
  }

  #notFollowed(stream: string): void {
    // In D2 everybody gets everything.
    if (this.#client.dialect !== 'D2') this.#repeated.report({ kind: 'unknown-stream', stream })
  }

  // Writing ----------------------------------------------------------------------------------------------------

  #replicate(stream: string): void {
    this.#writer.send({ name: 'REPLICATE', stream, token: this.#streams.get(stream)?.asked ?? 'NOW' })
  }

  /** Says why, then closes. */
  #refuse(errorText: string, why: End = end('protocol-error', { detail: errorText })): false {
    this.#sealRows()
    this.#writer.send({ name: 'ERROR', text: errorText })
    this.#scope.link.end(why)
    return false
  }
}
