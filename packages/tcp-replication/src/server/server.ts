import {
  type Acceptor,
  type DrainReport,
  type End,
  type Endpoint,
  type Env,
  HoldfastError,
  type Keepalive,
  type Listener,
  type ListenerLimits,
  type ListenerState,
  listen,
  type Millis,
  OptionError,
  type Timer,
} from '@holdfast/core'
import { lastValueFrom, type Observable } from 'rxjs'
import { count } from '../counts.js'
import type { ReplicationSource, SourceEvent } from '../source/types.js'
import type { Dialect } from '../wire/commands.js'
import { UnsendableError } from '../wire/errors.js'
import { formatCommand } from '../wire/format-command.js'
import type { ServerContext, SlowReaderLimits } from './context.js'
import { Publisher } from './publisher.js'
import { punctualSource } from './punctual-source.js'
import { ServerCounters, type ServerStats } from './stats.js'
import { Subscriber } from './subscriber.js'
import type { StreamLag } from './subscription.js'
import type { ClientIdentity, UpstreamHandlers } from './upstream.js'

/** Options of {@link replicationServer}. */
export interface ReplicationServerOptions {
  readonly env: Env
  readonly acceptor: Acceptor
  /** The protocol has neither encryption nor authentication: bind to loopback, or behind a tunnel (1). */
  readonly at: Endpoint
  readonly source: ReplicationSource
  /** What clients compare with the name they expect; Synapse's `server_name`. */
  readonly serverName: string
  /**
   * `D1` for workers up to v1.12, `D2` for v1.13 to v1.66.
   *
   * @defaultValue 'D1'
   */
  readonly dialect?: Dialect
  /**
   * In D2 the name of the process that writes the rows.
   *
   * @defaultValue 'master'
   */
  readonly instance?: string
  /**
   * Whether to refuse what Synapse of 2019 refuses, such as blank lines.
   *
   * @defaultValue 'lenient'
   */
  readonly mode?: 'strict' | 'lenient'
  readonly upstream?: UpstreamHandlers
  /** @defaultValue 10,000 links, 1,000 of them handshaking */
  readonly limits?: ListenerLimits
  readonly slow?: Partial<SlowReaderLimits>
  /**
   * How long a read of the source may take, in milliseconds; then it counts as failed. `Infinity` for any time.
   *
   * @defaultValue 30000
   */
  readonly readWithin?: Millis
  /**
   * How often an idle stream's POSITION is repeated, in milliseconds, so that clients can tell quiet from stuck;
   * `Infinity` for never, as Synapse of 2019 does.
   *
   * @defaultValue 30000
   */
  readonly positionEvery?: Millis
  /** @defaultValue a PING every 5 s, silence noticed after 25 s once the client has sent a PING (6) */
  readonly keepalive?: Pick<Keepalive, 'sendEvery' | 'hearWithin'>
  /**
   * How long a drain lets what was written be flushed, in milliseconds.
   *
   * @defaultValue 5000
   */
  readonly drainWithin?: Millis
}

/** A client connection as an operator sees it. */
export interface ConnectionInfo extends ClientIdentity {
  readonly unsent: number
  readonly streams: readonly StreamLag[]
}

/** Serves a source to any number of clients, each from its own position. */
export interface ReplicationServer extends AsyncDisposable {
  readonly endpoint: Endpoint
  readonly state: ListenerState
  readonly state$: Observable<ListenerState>
  readonly stats: ServerStats
  /** Every connection at this moment. */
  connections(): ConnectionInfo[]
  /** Announced position of each stream. */
  positions(): ReadonlyMap<string, number>
  /** Sends a SYNC to every connection (D1 only). */
  sync(text: string): void
  /** Tells every client that the server shuts down, and closes. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends every connection at once. */
  close(why?: Partial<End>): void
}

/**
 * Binds and serves.
 *
 * @throws an `OptionError` that names the field; a `HoldfastError` `HF_LISTEN_FAILED`
 *
 * @example
 * ```ts
 * import { memoryNetwork, testEnv } from '@holdfast/core/testing'
 * import { memorySource, replicationServer } from '@holdfast/tcp-replication'
 *
 * const env = testEnv()
 * const source = memorySource({ streams: ['events'] })
 * const acceptor = memoryNetwork(env.clock)
 * await using server = await replicationServer({ env, acceptor, at: { uri: 'memory:main' }, source, serverName: 'example.com' })
 * server.state.phase // => 'listening'
 * ```
 */
export async function replicationServer(options: ReplicationServerOptions): Promise<ReplicationServer> {
  if (typeof options.serverName !== 'string' || options.serverName.includes('\n')) {
    throw new OptionError('serverName', 'one line of text', options.serverName)
  }
  const { readWithin = Infinity } = options
  if (!(readWithin > 0)) throw new OptionError('readWithin', 'a number above 0', readWithin)
  checkWritable(options)
  const server = new Server(options)
  await server.bind()
  return server
}

/** What cannot be written as a line would end every connection when it is first written. */
function checkWritable({
  serverName,
  instance = 'master',
  dialect = 'D1',
  source,
}: ReplicationServerOptions): void {
  if (source.streams.length === 0) throw new OptionError('source.streams', 'at least one stream', '[]')
  const position = { name: 'POSITION', instance, previous: 0, token: 0 } as const
  try {
    formatCommand({ name: 'SERVER', text: serverName }, dialect)
    for (const stream of source.streams) formatCommand({ ...position, stream }, dialect)
  } catch (cause) {
    const field = cause instanceof UnsendableError ? cause.field : 'serverName'
    throw new OptionError(field, 'text that fits into a line, without spaces in names', String(cause))
  }
}

class Server implements ReplicationServer, ServerContext {
  readonly env: Env
  readonly serverName: string
  readonly dialect: Dialect
  readonly instance: string
  readonly mode: 'strict' | 'lenient'
  readonly source: ReplicationSource
  readonly upstream: UpstreamHandlers
  readonly slow: SlowReaderLimits
  readonly counters = new ServerCounters()
  readonly publishers = new Map<string, Publisher>()
  readonly #options: ReplicationServerOptions
  /** Streams of which a connection waits for the source to answer again. */
  readonly #toRetry = new Set<Publisher>()
  #listener: Listener<Subscriber> | null = null
  #heartbeat: Timer | null = null
  #unsubscribe: (() => void) | null = null

  constructor(options: ReplicationServerOptions) {
    const {
      env,
      source,
      serverName,
      dialect = 'D1',
      instance = 'master',
      mode = 'lenient',
      upstream = {},
      readWithin = 30_000,
    } = options
    this.env = env
    this.source = punctualSource(source, env.clock, readWithin)
    this.serverName = serverName
    this.dialect = dialect
    this.instance = instance
    this.mode = mode
    this.upstream = upstream
    this.slow = { bytes: 65_536, within: 60_000, ...options.slow }
    this.#options = options
    for (const stream of source.streams) {
      this.publishers.set(
        stream,
        new Publisher(stream, {
          env,
          source: this.source,
          dialect,
          instance,
          counters: this.counters,
          lost: (publisher) => this.#restart(publisher),
        }),
      )
    }
  }

  async bind(): Promise<void> {
    const { env, acceptor, at, limits, keepalive, drainWithin, positionEvery = 30_000 } = this.#options
    this.#listener = await listen<Subscriber>({
      env,
      acceptor,
      at,
      limits: limits ?? { links: 10_000, handshaking: 1000 },
      keepalive: { sendEvery: 5000, hearWithin: 25_000, ...keepalive, arm: 'manual' },
      ...(drainWithin !== undefined && { drainWithin }),
      protocol: (scope) => {
        const subscriber = new Subscriber(scope, this)
        scope.defer((why) => count(this.counters.closeReasons, why.kind))
        return subscriber
      },
    })
    this.#unsubscribe = this.source.subscribe((event) => this.#changed(event))
    for (const publisher of this.publishers.values()) publisher.catchUp()
    if (positionEvery !== Infinity) this.#heartbeat = env.clock.sweep(positionEvery, () => this.#announce())
    void lastValueFrom(this.#listener.state$, { defaultValue: null }).then(() => this.#stop())
  }

  get endpoint(): Endpoint {
    return this.#bound.endpoint
  }

  get state(): ListenerState {
    return this.#bound.state
  }

  get state$(): Observable<ListenerState> {
    return this.#bound.state$
  }

  get stats(): ServerStats {
    return this.counters
  }

  connections(): ConnectionInfo[] {
    return [...this.#bound.links.values()].map(({ connectionId, name, unsent, lag }) => ({
      connectionId,
      name,
      unsent,
      streams: lag,
    }))
  }

  positions(): ReadonlyMap<string, number> {
    return new Map([...this.publishers].map(([stream, { head }]) => [stream, head]))
  }

  sync(text: string): void {
    for (const subscriber of this.#bound.links.values()) subscriber.sync(text)
  }

  drain(o?: { readonly within?: Millis }): Promise<DrainReport> {
    return this.#bound.drain(o)
  }

  close(why?: Partial<End>): void {
    this.#bound.close(why)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bound[Symbol.asyncDispose]()
  }

  retryLater(publisher: Publisher): void {
    this.#toRetry.add(publisher)
  }

  #changed(event: SourceEvent): void {
    const publisher = this.publishers.get(event.stream)
    if (publisher === undefined) return
    if (event.kind === 'appended') publisher.appended(event)
    else this.#startOver(publisher, event.to)
    this.#retry(publisher)
  }

  #startOver(publisher: Publisher, at: number): void {
    count(this.counters.resets, publisher.stream)
    publisher.reset(at)
    this.#restart(publisher)
  }

  #restart(publisher: Publisher): void {
    for (const subscriber of this.#bound.links.values()) subscriber.restart(publisher)
  }

  #retry(publisher: Publisher): void {
    if (!this.#toRetry.delete(publisher)) return
    for (const subscriber of this.#bound.links.values()) subscriber.retry(publisher)
  }

  #announce(): void {
    for (const publisher of this.publishers.values()) {
      const head = this.source.head(publisher.stream)
      // A source that does not say so would leave its clients waiting until the old position comes again.
      if (head < publisher.head) this.#startOver(publisher, head)
      publisher.catchUp()
      this.#retry(publisher)
      for (const subscriber of this.#bound.links.values()) subscriber.announce(publisher)
    }
  }

  #stop(): void {
    this.#heartbeat?.cancel()
    this.#unsubscribe?.()
  }

  get #bound(): Listener<Subscriber> {
    const listener = this.#listener
    if (listener === null) throw new HoldfastError('HF_REPLICATION_NOT_BOUND', 'the server is not bound yet')
    return listener
  }
}
