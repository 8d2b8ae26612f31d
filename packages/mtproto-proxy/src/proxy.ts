import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import type { DrainReport, Env, Millis, PoolState } from '@holdfast/core'
import { sockets, type Transport } from '@holdfast/core/node'
import { BehaviorSubject, type Observable } from 'rxjs'
import { FrontDoor, type ListenerFigures } from './client/front-door.js'
import { Fronting } from './client/fronting.js'
import { reloadDiff } from './config/diff.js'
import type { ProxySettings } from './config/settings.js'
import type { Gatekeeper } from './gatekeeper.js'
import { noMetrics } from './metrics/no-metrics.js'
import type { ProxyMetrics } from './metrics/types.js'
import { randomBlocks } from './random-blocks.js'
import type { DataCenters } from './tunnel.js'

/** The data centres' side as a proxy runs it: this process's own pools, or a back over the split link. */
export interface RunningDataCenters extends DataCenters {
  /** The state of each data centre's pool, where this process has them. */
  readonly state: ReadonlyMap<number, PoolState>
  /** Begins to connect. */
  start(): void
  /** Waits until clients can be served. */
  whenUsable(o?: { readonly within?: Millis }): Promise<void>
  /** Takes no more clients, and ends once it has none, at the latest after `within`. */
  drain(o?: { readonly within?: Millis }): Promise<void>
  /** Ends everything at once. */
  close(): void
}

/** Options of {@link mtprotoProxy}. */
export interface MtprotoProxyOptions {
  readonly env: Env
  readonly settings: ProxySettings
  readonly dataCenters: RunningDataCenters
  readonly gatekeeper: Gatekeeper
  /** @defaultValue none are kept */
  readonly metrics?: ProxyMetrics
  /** @defaultValue `sockets()` of `@holdfast/core/node` */
  readonly transport?: Transport
}

/** Where a proxy is. */
export interface ProxyState {
  /** `starting`: not listening before a connection to Telegram is ready. */
  readonly phase: 'idle' | 'starting' | 'listening' | 'draining' | 'closed'
  readonly listeners: readonly ListenerFigures[]
  /** Pools of this process, by data centre. */
  readonly dataCenters: ReadonlyMap<number, PoolState>
  /** Bad clients that are relayed to the decoy. */
  readonly fronted: number
}

/** A Telegram proxy. */
export interface MtprotoProxy extends AsyncDisposable {
  /** As it is now. */
  readonly state: ProxyState
  /** Replays, tells changes of phase and reloads, never errors, completes once closed. */
  readonly state$: Observable<ProxyState>
  /**
   * Connects to Telegram, and listens as soon as one connection is ready.
   *
   * @throws a `HoldfastError` `HF_LISTEN_FAILED` when a port cannot be bound
   */
  start(): Promise<void>
  /**
   * Takes other settings, all of them or, if one cannot be changed while it runs, none. Listeners that stay keep their
   * clients. Data centres and gatekeeper are reloaded by whoever made them.
   *
   * @throws a `HoldfastError` `HF_MTPROTO_NEEDS_RESTART` that names what cannot be changed; `HF_LISTEN_FAILED` when a
   *   new port cannot be bound, in which case all else is in force
   */
  reload(settings: ProxySettings): Promise<void>
  /**
   * Stops listening, lets packets under way get out, closes all clients, tells Telegram of each, and closes the
   * connections to it.
   *
   * @param o - `within`: by default `shutdown_grace_ms`
   */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends everything at once. */
  close(): void
}

/** Makes a proxy of its two sides. Idle until started. */
export function mtprotoProxy(options: MtprotoProxyOptions): MtprotoProxy {
  return new Proxy(options)
}

class Proxy implements MtprotoProxy {
  readonly #options: MtprotoProxyOptions
  readonly #door: FrontDoor
  readonly #fronting: Fronting
  #settings: ProxySettings
  #phase: ProxyState['phase'] = 'idle'
  readonly #states$: BehaviorSubject<ProxyState>

  constructor(options: MtprotoProxyOptions) {
    const { env, settings, dataCenters, gatekeeper, metrics = noMetrics, transport = sockets() } = options
    this.#options = options
    this.#settings = settings
    this.#fronting = new Fronting({
      env,
      dialer: transport,
      resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
      isOurs: (address, port) => this.#door.isOurPort(port) && isOwnAddress(address),
    })
    this.#door = new FrontDoor({
      env,
      acceptor: transport,
      metrics,
      gatekeeper,
      dataCenters,
      fronting: this.#fronting,
      randomBytes: randomBlocks(),
      client: settings.client,
      maxConnections: settings.maxConnections,
    })
    this.#states$ = new BehaviorSubject(this.state)
  }

  get state(): ProxyState {
    return {
      phase: this.#phase,
      listeners: this.#door.listeners,
      dataCenters: this.#options.dataCenters.state,
      fronted: this.#fronting.active,
    }
  }

  get state$(): Observable<ProxyState> {
    return this.#states$.asObservable()
  }

  async start(): Promise<void> {
    if (this.#phase !== 'idle') return
    this.#become('starting')
    const { dataCenters } = this.#options
    dataCenters.start()
    await dataCenters.whenUsable()
    await this.#open(this.#settings.listeners)
    if (this.#isRunning()) this.#become('listening')
  }

  async reload(settings: ProxySettings): Promise<void> {
    const { listeners } = reloadDiff(this.#settings, settings)
    this.#settings = settings
    await Promise.all(listeners.stop.map((name) => this.#door.close(name)))
    this.#door.update(settings)
    if (this.#phase !== 'listening') return
    try {
      // Also those that could not be bound before.
      await this.#open(settings.listeners.filter(({ name }) => !this.#door.has(name)))
    } finally {
      this.#become(this.#phase)
    }
  }

  async drain(o: { readonly within?: Millis } = {}): Promise<DrainReport> {
    const { env, dataCenters } = this.#options
    const within = o.within ?? this.#settings.shutdownGrace
    const began = env.clock.now()
    if (this.#isRunning()) this.#become('draining')
    const reports = await this.#door.drain({ within })
    await dataCenters.drain({ within: Math.max(1, began + within - env.clock.now()) })
    this.#over()
    return {
      finished: reports.reduce((sum, { finished }) => sum + finished, 0),
      cut: reports.flatMap(({ cut }) => cut),
      took: env.clock.now() - began,
      timedOut: reports.some(({ timedOut }) => timedOut),
    }
  }

  close(): void {
    this.#door.closeAll()
    this.#options.dataCenters.close()
    this.#over()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  async #open(listeners: ProxySettings['listeners']): Promise<void> {
    let failure: Error | null = null
    for (const listener of listeners) {
      if (!this.#isRunning()) break
      try {
        await this.#door.open(listener)
      } catch (error) {
        // One that cannot be bound is no reason not to bind the others.
        failure ??= error as Error
      }
    }
    // Closed while a port was being bound.
    if (!this.#isRunning()) this.#door.closeAll()
    if (failure !== null) throw failure
  }

  #isRunning(): boolean {
    return this.#phase === 'starting' || this.#phase === 'listening'
  }

  #over(): void {
    if (this.#phase === 'closed') return
    this.#become('closed')
    this.#states$.complete()
  }

  #become(phase: ProxyState['phase']): void {
    const { env } = this.#options
    if (phase !== this.#phase)
      env.log.info({ name: env.name, from: this.#phase, to: phase }, `proxy: ${phase}`)
    this.#phase = phase
    this.#states$.next(this.state)
  }
}

function isOwnAddress(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return address === '0.0.0.0' || address === '::' || own.some((each) => each.address === address)
}
