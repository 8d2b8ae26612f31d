import {
  type DrainReport,
  type End,
  type Env,
  type Keepalive,
  type Lifecycle,
  type LifecycleState,
  lifecycle,
  type Millis,
  OptionError,
  type Timer,
} from '@holdfast/core'
import { type RedisCredentials, redisChannel } from '@holdfast/core/redis'
import { lastValueFrom, type Observable, Subject } from 'rxjs'
import { Publisher } from '../server/publisher.js'
import { punctualSource } from '../server/punctual-source.js'
import { ServerCounters, type ServerStats } from '../server/stats.js'
import type { ReplicationSource, SourceEvent } from '../source/types.js'
import { usualBackoff } from '../usual-backoff.js'
import type { KnownCommand } from '../wire/commands.js'
import { formatCommand } from '../wire/format-command.js'
import { type ChannelContext, ChannelPublication } from './channel-publication.js'

/** Options of {@link redisReplicationServer}. */
export interface RedisReplicationServerOptions {
  readonly env: Env
  /** Where Redis is: `redis://HOST:PORT/DATABASE`, `rediss://…` or `unix:PATH`, without credentials. */
  readonly uri: string
  readonly credentials?: RedisCredentials
  /** The homeserver's name, which is the name of the channel. */
  readonly serverName: string
  readonly source: ReplicationSource
  /**
   * The name of the process that writes the rows. No two on a channel may have the same.
   *
   * @defaultValue 'master'
   */
  readonly instance?: string
  /**
   * How long a read of the source may take, in milliseconds; then it counts as failed. `Infinity` for any time.
   *
   * @defaultValue 30000
   */
  readonly readWithin?: Millis
  /**
   * How often an idle stream's POSITION is repeated, in milliseconds: who lost a message learns of it by then.
   *
   * @defaultValue 30000
   */
  readonly positionEvery?: Millis
  /** @defaultValue a PING of Redis every 10 s, silence noticed after 30 s */
  readonly keepalive?: Pick<Keepalive, 'sendEvery' | 'hearWithin'>
}

/** Publishes a source on a channel of Redis. */
export interface RedisReplicationServer extends AsyncDisposable {
  readonly state: LifecycleState
  readonly state$: Observable<LifecycleState>
  readonly stats: ServerStats
  /** What others say that is neither row, position nor REPLICATE. Hot; completes when the server ends. */
  readonly commands$: Observable<KnownCommand>
  /** Announced position of each stream. */
  positions(): ReadonlyMap<string, number>
  /** Waits until the channel is subscribed to and the positions are published. */
  whenReady(o?: { readonly signal?: AbortSignal; readonly within?: Millis }): Promise<void>
  /** Lets Redis take what was published, and closes. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends at once and for good. */
  close(why?: Partial<End>): void
}

/**
 * Feeds the workers on a channel of Redis, beginning at once (14.4).
 *
 * Rows that are appended while Redis cannot be reached are not published later: the POSITION after the reconnect says
 * that they were missed, and workers fetch them, with `streamUpdatesHandler` for example.
 *
 * @throws an `OptionError` that names the field
 */
export function redisReplicationServer(options: RedisReplicationServerOptions): RedisReplicationServer {
  const { readWithin = 30_000, instance = 'master', source } = options
  if (!(readWithin > 0)) throw new OptionError('readWithin', 'a number above 0', readWithin)
  for (const stream of source.streams) {
    formatCommand({ name: 'POSITION', stream, instance, previous: 0, token: 0 }, 'D2')
  }
  return new Server(options)
}

class Server implements RedisReplicationServer, ChannelContext {
  readonly env: Env
  readonly instance: string
  readonly counters = new ServerCounters()
  readonly publishers = new Map<string, Publisher>()
  readonly #source: ReplicationSource
  readonly #life: Lifecycle<ChannelPublication>
  readonly #commands$ = new Subject<KnownCommand>()
  readonly #unsubscribe: () => void
  readonly #heartbeat: Timer | null

  constructor(options: RedisReplicationServerOptions) {
    const { env, uri, credentials = {}, serverName, instance = 'master', readWithin = 30_000 } = options
    const { keepalive, positionEvery = 30_000 } = options
    this.env = env
    this.instance = instance
    this.#source = punctualSource(options.source, env.clock, readWithin)
    for (const stream of options.source.streams) {
      const publisher = new Publisher(stream, {
        ...{ env, instance, dialect: 'D2', source: this.#source, counters: this.counters },
        longestLine: Infinity,
        lost: (lost) => this.#life.current?.restart(lost),
      })
      this.publishers.set(stream, publisher)
    }
    this.#life = lifecycle<ChannelPublication>({
      env,
      dialer: redisChannel({ credentials, clock: env.clock }),
      endpoints: [{ uri, channel: serverName }],
      protocol: (scope) => new ChannelPublication(scope, this),
      keepalive: { sendEvery: 10_000, hearWithin: 30_000, ...keepalive, arm: 'at-open' },
      backoff: usualBackoff,
    })
    this.#unsubscribe = this.#source.subscribe((event) => this.#changed(event))
    this.#heartbeat =
      positionEvery === Infinity ? null : env.clock.sweep(positionEvery, () => this.#life.current?.announce())
    void lastValueFrom(this.#life.state$, { defaultValue: null }).then(() => this.#stop())
    this.#life.start()
  }

  get state(): LifecycleState {
    return this.#life.state
  }

  get state$(): Observable<LifecycleState> {
    return this.#life.state$
  }

  get stats(): ServerStats {
    return this.counters
  }

  get commands$(): Observable<KnownCommand> {
    return this.#commands$.asObservable()
  }

  positions(): ReadonlyMap<string, number> {
    return new Map([...this.publishers].map(([stream, { head }]) => [stream, head]))
  }

  async whenReady(o?: { readonly signal?: AbortSignal; readonly within?: Millis }): Promise<void> {
    await this.#life.whenReady(o)
  }

  heard(command: KnownCommand): void {
    this.#commands$.next(command)
  }

  drain(o?: { readonly within?: Millis }): Promise<DrainReport> {
    return this.#life.drain(o)
  }

  close(why?: Partial<End>): void {
    this.#life.close(why)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life[Symbol.asyncDispose]()
  }

  #changed(event: SourceEvent): void {
    const publisher = this.publishers.get(event.stream)
    if (publisher === undefined) return
    if (event.kind === 'appended') publisher.appended(event)
    else {
      publisher.reset(event.to)
      this.#life.current?.restart(publisher)
    }
  }

  #stop(): void {
    this.#heartbeat?.cancel()
    this.#unsubscribe()
    this.#commands$.complete()
  }
}
