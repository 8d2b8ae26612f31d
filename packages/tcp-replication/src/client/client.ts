import {
  type DrainReport,
  type End,
  end,
  HoldfastError,
  type Lifecycle,
  type LifecycleState,
  lifecycle,
  type Millis,
  OptionError,
} from '@holdfast/core'
import { lastValueFrom, type Observable, Subject } from 'rxjs'
import { count } from '../counts.js'
import { randomLetters } from '../random-letters.js'
import type { Dialect, KnownCommand, UserIpCommand } from '../wire/commands.js'
import { describeCommand } from '../wire/describe-command.js'
import { formatCommand } from '../wire/format-command.js'
import { maxLineBytes } from '../wire/line-decoder.js'
import type { ClientContext } from './context.js'
import { defaultBackoff } from './default-backoff.js'
import { describeProblem } from './describe-problem.js'
import { Follower } from './follower.js'
import { LimitedLog } from './limited-log.js'
import type { OnChannel } from './on-channel.js'
import type { ClientProblem, ReplicationClientOptions } from './options.js'
import { Session } from './session.js'
import { ClientCounters, type ClientStats } from './stats.js'
import { type CommandResult, UpstreamQueue } from './upstream-queue.js'

/** How far a client has come on one stream. */
export interface StreamProgress {
  readonly stream: string
  /** The newest position that the server has announced or sent rows of. */
  readonly received: number | null
  readonly applied: number | null
  /** `null` without a store. */
  readonly durable: number | null
  readonly stopped: boolean
}

/** Follows the streams of a server, across every loss of the connection. */
export interface ReplicationClient extends AsyncDisposable {
  readonly state: LifecycleState
  /** `ready` once every stream has had its position on the present link. */
  readonly state$: Observable<LifecycleState>
  /** Hot; completes when the client ends. */
  readonly problems$: Observable<ClientProblem>
  readonly stats: ClientStats
  /** How long ago the last line came, a PING for example, on whichever link, in milliseconds; before the first, since the client was made. */
  readonly sinceLastLine: Millis
  /** The server's name, once it is known. */
  readonly serverName: string | null
  /** What the server speaks, once it is known. */
  readonly dialect: Dialect | null
  /** One entry for each stream that is followed. */
  progress(): StreamProgress[]
  /**
   * Loads the stored positions and connects.
   *
   * @throws (rejects) a `HoldfastError` `HF_CURSOR_LOAD_FAILED` when a store cannot be read
   */
  start(): Promise<void>
  /** Waits until every stream has had its position; its rows may still wait to be applied, see {@link caughtUp}. */
  whenReady(o?: { readonly signal?: AbortSignal; readonly within?: Millis }): Promise<void>
  /**
   * Waits until all that a server had of the past is applied, and its position saved, across as many links as that takes.
   *
   * @throws (rejects) a `HoldfastError`: `HF_LIFECYCLE_ENDED` when there will be no link any more, `HF_CURSOR_UNSETTLED` when
   *   applying or saving failed; that is tried again, so that this may be called again
   */
  caughtUp(): Promise<void>
  /** Tells the server that a user has started or stopped syncing here. */
  userSync(user: string, state: 'start' | 'end', lastSyncMs?: Millis): CommandResult
  /** The federation stream is durably handled up to `token`. While disconnected only the newest is kept. */
  federationAck(token: number): CommandResult
  /** Asks the server to remove a pusher. */
  removePusher(appId: string, pushKey: string, user: string): CommandResult
  /** Asks the server to invalidate an entry of a cache, everywhere. */
  invalidateCache(cache: string, keys: unknown): CommandResult
  /** Tells the server from where a user was seen. */
  userIp(details: Omit<UserIpCommand, 'name'>): CommandResult
  /**
   * Waits for a SYNC with exactly this text.
   *
   * @throws (rejects) a `HoldfastError` `HF_REPLICATION_CLIENT_ENDED` when the client ends first
   */
  awaitSync(text: string): Promise<void>
  /** Stops taking rows, lets the batches being applied finish, saves the positions, and closes. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends at once and for good. */
  close(why?: Partial<End>): void
}

/**
 * Makes a client; it connects once started.
 *
 * @throws an `OptionError` that names the field
 */
export function replicationClient(options: ReplicationClientOptions): ReplicationClient {
  checkNames(options)
  return new Client(options, null)
}

/** A client on a channel, otherwise like {@link replicationClient}. */
export function clientOnChannel(options: ReplicationClientOptions, channel: OnChannel): ReplicationClient {
  checkNames(options)
  return new Client(options, channel)
}

function checkNames(options: ReplicationClientOptions): void {
  // Half a line leaves room for the name of an instance in D2.
  if (options.name.includes('\n') || options.name.length > maxLineBytes / 8)
    throw new OptionError('name', 'one short line of text', options.name)
  for (const { stream } of options.streams) {
    if (stream === '' || /[ \n]/.test(stream))
      throw new OptionError('streams', 'names without spaces', stream)
  }
}

/** How long a drain, or closing, waits for batches that are being applied. */
const usualDrainWithin: Millis = 5000

class Client implements ReplicationClient, ClientContext {
  readonly name: string
  readonly mode: 'strict' | 'lenient'
  readonly followers = new Map<string, Follower>()
  readonly queue: UpstreamQueue
  readonly updates
  readonly requireServerName: boolean
  readonly catchUpStalledAfter: Millis
  readonly stats = new ClientCounters()
  dialect: Dialect | null
  readonly fixedDialect: Dialect | null
  readonly channel: OnChannel | null
  readonly #options: ReplicationClientOptions
  readonly #life: Lifecycle<Session>
  readonly #problems$ = new Subject<ClientProblem>()
  readonly #syncs = new Map<string, { resolve: () => void; reject: (error: Error) => void }[]>()
  readonly #processId: string
  #closing: Promise<string[]> | null = null
  /** Said before anything else of it is done. */
  #isClosing = false
  #lastLine: Millis
  readonly #logged: LimitedLog
  serverName: string | null

  constructor(options: ReplicationClientOptions, channel: OnChannel | null) {
    const {
      env,
      name,
      mode = 'lenient',
      dialect = 'auto',
      queue,
      updates,
      requireServerName = false,
    } = options
    this.name = name
    this.channel = channel
    this.mode = mode
    this.dialect = this.fixedDialect = dialect === 'auto' ? null : dialect
    this.queue = new UpstreamQueue(queue ?? { bytes: 1024 * 1024, count: 10_000 })
    this.updates = updates ?? null
    this.requireServerName = requireServerName
    this.catchUpStalledAfter = options.catchUpStalledAfter ?? 60_000
    this.#options = options
    this.#logged = new LimitedLog(env)
    this.#lastLine = env.clock.now()
    this.serverName = options.serverName ?? null
    this.#processId = randomLetters(5, () => env.random())
    for (const followed of options.streams) {
      const { staging = { bytes: 16 * 1024 * 1024 }, backlog = { bytes: 4 * 1024 * 1024 } } =
        options.buffers ?? {}
      const follower = new Follower(followed, {
        env,
        staging,
        backlog,
        report: (problem) => this.report(problem),
        delivered: (stream, rows) => {
          count(this.stats.deliveries, stream)
          count(this.stats.rows, stream, rows)
        },
        isClosing: () => this.#isClosing,
      })
      this.followers.set(followed.stream, follower)
    }
    this.#life = lifecycle<Session>({
      env,
      dialer: options.dialer,
      endpoints: options.endpoints,
      protocol: (scope) => new Session(scope, this),
      keepalive: { sendEvery: 5000, hearWithin: 25_000, ...options.keepalive, arm: 'manual' },
      // A catch-up may take long; the session watches that it goes on.
      handshakeWithin: Infinity,
      backoff: options.backoff ?? defaultBackoff,
      ...(options.stableAfter !== undefined && { stableAfter: options.stableAfter }),
    })
    void lastValueFrom(this.#life.state$, { defaultValue: null }).then(() => this.#ended())
  }

  get state(): LifecycleState {
    return this.#life.state
  }

  get state$(): Observable<LifecycleState> {
    return this.#life.state$
  }

  get problems$(): Observable<ClientProblem> {
    return this.#problems$.asObservable()
  }

  get sinceLastLine(): Millis {
    return this.#options.env.clock.now() - this.#lastLine
  }

  progress(): StreamProgress[] {
    return [...this.followers.values()].map(
      ({ stream, stopped, cursor: { received, applied, durable } }) => ({
        stream,
        received: received?.at ?? null,
        applied: applied?.at ?? null,
        durable: durable?.at ?? null,
        stopped,
      }),
    )
  }

  async start(): Promise<void> {
    await Promise.all([...this.followers.values()].map(({ cursor }) => cursor.load()))
    this.#life.start()
  }

  async whenReady(o?: { readonly signal?: AbortSignal; readonly within?: Millis }): Promise<void> {
    await this.#life.whenReady(o)
  }

  async caughtUp(): Promise<void> {
    for (;;) {
      await this.#life.whenReady()
      const all = [...this.followers.values()].map(({ cursor }) => ({ cursor, upTo: cursor.received?.at }))
      await Promise.all(all.map(({ cursor }) => cursor.settled()))
      // What was dropped with its link comes again on the next one.
      const isApplied = all.every(
        ({ cursor, upTo }) => upTo === undefined || (cursor.applied !== null && cursor.applied.at >= upTo),
      )
      if (isApplied) return
    }
  }

  // Upstream ---------------------------------------------------------------------------------------------------

  userSync(user: string, state: 'start' | 'end', lastSyncMs = this.wall()): CommandResult {
    const command = { name: 'USER_SYNC', instance: this.#processId, user, state, lastSyncMs } as const
    const result = this.#upstream(command)
    this.queue.userSync(command)
    return result
  }

  federationAck(token: number): CommandResult {
    return this.#upstream({
      name: 'FEDERATION_ACK',
      instance: this.dialect === 'D2' ? this.name : null,
      token,
    })
  }

  removePusher(appId: string, pushKey: string, user: string): CommandResult {
    return this.#upstream({ name: 'REMOVE_PUSHER', appId, pushKey, user })
  }

  invalidateCache(cache: string, keys: unknown): CommandResult {
    return this.#upstream({ name: 'INVALIDATE_CACHE', cache, keys })
  }

  userIp(details: Omit<UserIpCommand, 'name'>): CommandResult {
    return this.#upstream({ name: 'USER_IP', ...details })
  }

  awaitSync(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) {
        reject(endedError())
        return
      }
      const waiting = this.#syncs.get(text) ?? []
      waiting.push({ resolve, reject })
      this.#syncs.set(text, waiting)
    })
  }

  #upstream(command: KnownCommand): CommandResult {
    // What cannot be written is the caller's mistake, and told at once.
    formatCommand(command, this.dialect ?? 'D1')
    return this.#life.current?.upstream(command) === true ? 'sent' : this.queue.keep(command)
  }

  // What a session asks ----------------------------------------------------------------------------------------

  wall(): Millis {
    return this.#options.env.clock.wall()
  }

  heard(): void {
    this.#lastLine = this.#options.env.clock.now()
  }

  unsendable(command: KnownCommand, cause: unknown): void {
    const { env } = this.#options
    if (command.name === 'USER_SYNC') this.queue.userSync({ ...command, state: 'end' })
    env.log.error({ name: env.name, err: cause }, `dropped: ${describeCommand(command)}`)
  }

  report(problem: ClientProblem): void {
    const { env } = this.#options
    this.#logged.warn({ name: env.name }, describeProblem(problem))
    count(this.stats.problems, problem.kind)
    this.#problems$.next(problem)
  }

  judgeServer(name: string): End | null {
    const known = this.serverName
    this.serverName ??= name
    if (known === null || known === name) return null
    const detail = `the server is ${name}, not ${known}`
    const expected = this.#options.serverName !== undefined
    return end('handshake-refused', { detail, advice: { kind: expected ? 'backoff' : 'never' } })
  }

  synced(text: string): void {
    const waiting = this.#syncs.get(text)
    this.#syncs.delete(text)
    for (const { resolve } of waiting ?? []) resolve()
  }

  // Ending -----------------------------------------------------------------------------------------------------

  async drain(o?: { readonly within?: Millis }): Promise<DrainReport> {
    const { clock } = this.#options.env
    this.#isClosing = true
    const began = clock.now()
    const report = await this.#life.drain(o)
    const cut = await this.#closeCursors((o?.within ?? usualDrainWithin) - (clock.now() - began))
    const took = clock.now() - began
    return { ...report, cut: [...report.cut, ...cut], took, timedOut: report.timedOut || cut.length > 0 }
  }

  close(why?: Partial<End>): void {
    this.#isClosing = true
    this.#life.close(why)
    void this.#closeCursors()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    this.#life.close()
    await this.#closeCursors()
  }

  /** @returns the streams whose batch was still being applied, or saved, when the time was over */
  #closeCursors(within: Millis = usualDrainWithin): Promise<string[]> {
    const { clock } = this.#options.env
    // Once: whoever waited for an application that hangs shall not wait again.
    this.#closing ??= new Promise((resolve) => {
      const open = new Set(this.followers.keys())
      const over = (): void => resolve([...open])
      const timer = clock.after(Math.max(0, within), over)
      const closed = [...this.followers.values()].map(async ({ stream, cursor }) => {
        await cursor.close()
        open.delete(stream)
      })
      void Promise.all(closed).then(() => {
        timer.cancel()
        over()
      })
    })
    return this.#closing
  }

  #ended(): void {
    for (const waiting of this.#syncs.values()) for (const { reject } of waiting) reject(endedError())
    this.#syncs.clear()
    this.#problems$.complete()
  }

  get #isOver(): boolean {
    return this.state.phase === 'closed' || this.state.phase === 'failed'
  }
}

function endedError(): HoldfastError {
  return new HoldfastError('HF_REPLICATION_CLIENT_ENDED', 'the client ended before the SYNC came')
}
