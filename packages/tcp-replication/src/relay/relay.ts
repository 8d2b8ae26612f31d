import { type DrainReport, type End, HoldfastError, type Millis, type Off } from '@holdfast/core'
import { type ReplicationClient, replicationClient } from '../client/client.js'
import { LimitedLog } from '../client/limited-log.js'
import type { ReplicationClientOptions } from '../client/options.js'
import { type ReplicationServer, type ReplicationServerOptions, replicationServer } from '../server/server.js'
import type { UpstreamHandlers } from '../server/upstream.js'
import type { AppendLog } from '../source/append-log.js'
import { RelayStream } from './relay-stream.js'
import { UserSyncs } from './user-syncs.js'

/** Options of {@link replicationRelay}. */
export interface ReplicationRelayOptions {
  readonly upstream: Omit<ReplicationClientOptions, 'streams'>
  readonly downstream: Omit<ReplicationServerOptions, 'source' | 'serverName' | 'upstream' | 'env'>
  /** Keeps the rows, so that each client resumes from its own position, and the relay from its own. */
  readonly log: AppendLog
  /**
   * Where to begin with streams that the log knows nothing of.
   *
   * @defaultValue 'NOW'
   */
  readonly from?: number | 'NOW'
  /** How long to wait for the upstream server's name, unless the log knows it; forever by default. */
  readonly nameWithin?: Millis
  readonly signal?: AbortSignal
}

/** One connection to a server, fanned out to many clients that each resume on their own. */
export interface ReplicationRelay extends AsyncDisposable {
  readonly client: ReplicationClient
  readonly server: ReplicationServer
  /** Rejects when the relay cannot go on; resolves when it was drained or closed. */
  readonly finished: Promise<void>
  /** Drains both sides: nothing more is received or sent, and the positions are saved. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends both sides at once. */
  close(why?: Partial<End>): void
}

const serverKey = 'server name'

/**
 * Connects upstream, and serves what comes from there once the server's name is known: clients compare it.
 *
 * Commands of the clients are passed on. A user counts as syncing until the last client says otherwise.
 *
 * @throws an `OptionError`; a `HoldfastError` `HF_LISTEN_FAILED`, or `HF_NOT_READY` when the name does not come in time
 */
export async function replicationRelay(options: ReplicationRelayOptions): Promise<ReplicationRelay> {
  const relay = new Relay(options)
  try {
    await relay.start(options)
    return relay
  } catch (failure) {
    relay.close()
    throw failure
  }
}

class Relay implements ReplicationRelay {
  readonly client: ReplicationClient
  readonly finished: Promise<void>
  readonly #options: ReplicationRelayOptions
  readonly #streams: readonly RelayStream[]
  readonly #syncs = new UserSyncs()
  readonly #warnings: LimitedLog
  #server: ReplicationServer | null = null
  #finish: { resolve: () => void; reject: (cause: unknown) => void } | null = null
  #unwatch: Off | null = null

  constructor(options: ReplicationRelayOptions) {
    const { log, upstream, from = 'NOW' } = options
    const { clock } = upstream.env
    const failed = (cause: unknown): void => this.#fail(cause)
    this.#options = options
    this.#warnings = new LimitedLog(upstream.env)
    this.#streams = log.streams.map((stream) => new RelayStream({ stream, log, clock, from, failed }))
    const serverName = upstream.serverName ?? log.position(serverKey)?.epoch
    this.client = replicationClient({
      ...upstream,
      ...(serverName !== undefined && { serverName }),
      streams: this.#streams.map(({ followed }) => followed),
    })
    this.finished = new Promise((resolve, reject) => (this.#finish = { resolve, reject }))
    // Whoever does not ask is told by the log.
    this.finished.catch(() => undefined)
  }

  get server(): ReplicationServer {
    if (this.#server !== null) return this.#server
    throw new HoldfastError('HF_REPLICATION_RELAY_NOT_READY', 'the relay serves once its upstream has a name')
  }

  async start({ downstream, upstream, log, nameWithin, signal }: ReplicationRelayOptions): Promise<void> {
    const { env } = upstream
    const watching = this.client.state$.subscribe({
      next: ({ phase }) => {
        if (phase === 'waiting') for (const stream of this.#streams) stream.linkEnded()
        if (phase === 'failed')
          this.#fail(
            new HoldfastError('HF_REPLICATION_RELAY_FAILED', 'the upstream cannot be followed any more'),
          )
      },
      error: (cause: unknown) => this.#fail(cause),
    })
    this.#unwatch = () => watching.unsubscribe()
    await this.client.start()
    if (this.client.serverName === null) {
      await this.client.whenReady({
        ...(signal && { signal }),
        ...(nameWithin !== undefined && { within: nameWithin }),
      })
    }
    const serverName = this.client.serverName ?? ''
    await log.transaction((tx) => tx.setPosition(serverKey, { at: 0, epoch: serverName }))
    this.#server = await replicationServer({
      ...downstream,
      env,
      source: log,
      serverName,
      upstream: this.#handlers(),
    })
  }

  async drain(o?: { readonly within?: Millis }): Promise<DrainReport> {
    const [report] = await Promise.all([this.server.drain(o), this.client.drain(o)])
    this.#unwatch?.()
    for (const stream of this.#streams) await stream.flushed()
    this.#finish?.resolve()
    return report
  }

  close(why?: Partial<End>): void {
    this.#unwatch?.()
    this.client.close(why)
    this.#server?.close(why)
    this.#finish?.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.client[Symbol.asyncDispose]()
    await this.#server?.[Symbol.asyncDispose]()
    for (const stream of this.#streams) await stream.flushed()
  }

  #fail(cause: unknown): void {
    const { env } = this.#options.upstream
    env.log.error({ name: env.name, err: cause }, 'the relay cannot go on')
    this.#finish?.reject(cause)
    this.client.close()
    this.#server?.close()
  }

  #startSync(user: string, from: string, lastSyncMs: number): void {
    const { isFirst, forgotten } = this.#syncs.start(user, from)
    if (isFirst) this.client.userSync(user, 'start', lastSyncMs)
    for (const other of forgotten) this.client.userSync(other, 'end')
    if (forgotten.length === 0) return
    const { env } = this.#options.upstream
    this.#warnings.warn(
      { name: env.name },
      'too many users are syncing: those of the quietest client are forgotten',
    )
  }

  #handlers(): UpstreamHandlers {
    const { client } = this
    return {
      userSync: ({ user, state, lastSyncMs, instance }, { connectionId }) => {
        const from = instance ?? connectionId
        if (state === 'start') this.#startSync(user, from, lastSyncMs)
        else if (this.#syncs.end(user, from)) client.userSync(user, state, lastSyncMs)
      },
      clearUserSync: ({ instance }) => {
        for (const user of this.#syncs.clear(instance)) client.userSync(user, 'end')
      },
      federationAck: ({ token }) => void client.federationAck(token),
      removePusher: ({ appId, pushKey, user }) => void client.removePusher(appId, pushKey, user),
      invalidateCache: ({ cache, keys }) => void client.invalidateCache(cache, keys),
      userIp: ({ name: _name, ...details }) => void client.userIp(details),
    }
  }
}
