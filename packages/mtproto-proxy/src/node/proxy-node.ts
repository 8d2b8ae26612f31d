import { join } from 'node:path'
import {
  type DrainReport,
  type Env,
  HoldfastError,
  type Listener,
  type Millis,
  OptionError,
  type PoolState,
} from '@holdfast/core'
import { fileStore, sockets, type Transport } from '@holdfast/core/node'
import type { Subscription } from 'rxjs'
import type { ProxySettings } from '../config/settings.js'
import type { Gatekeeper } from '../gatekeeper.js'
import { noMetrics } from '../metrics/no-metrics.js'
import type { ProxyMetrics } from '../metrics/types.js'
import { gatekeeper, type LocalGatekeeper } from '../policy/gatekeeper.js'
import type { SecretFigures } from '../policy/policy.js'
import type { Tables } from '../policy/tables.js'
import { parseUsage } from '../policy/usage.js'
import { type MtprotoProxy, mtprotoProxy, type ProxyState, type RunningDataCenters } from '../proxy.js'
import type { ReplayStatus } from '../replay/replay-store.js'
import { backSide, type FrontLink } from '../split/back-side.js'
import { type FrontSide, frontSide } from '../split/front-side.js'
import type { SplitTransport } from '../split/split-endpoint.js'
import { cachedCopy } from '../telegram/cached-copy.js'
import type { LocalDataCenters } from '../telegram/data-centers.js'
import { ipToText } from '../wire/ip-address.js'
import { backCenters } from './back-centers.js'
import { watchBack } from './back-watch.js'
import { LoadedRules } from './gatekeeper-rules.js'
import { splitLink } from './split-link.js'
import { TelegramHalf } from './telegram-half.js'

/**
 * Which part of a proxy a process is. `both`: the whole. `front`, `back`: a half that decides about its own clients,
 * the back about none. `worker`, `workers-back`: parts of one proxy on one host, where the back decides for all, so that
 * counters, quotas and what was seen exist once.
 */
export type ProxyPart = 'both' | 'front' | 'back' | 'worker' | 'workers-back'

/** Options of {@link proxyNode}. */
export interface ProxyNodeOptions {
  readonly env: Env
  readonly settings: ProxySettings
  /** @defaultValue none are kept */
  readonly metrics?: ProxyMetrics
  /** @defaultValue `sockets()` of `@holdfast/core/node` */
  readonly transport?: Transport
  /**
   * The URI at which workers and their back meet, and which of both this is; `null`: what the settings say.
   *
   * @defaultValue null
   */
  readonly workers?: { readonly part: 'worker' | 'workers-back'; readonly at: string } | null
  /** Gives up starting. */
  readonly signal?: AbortSignal
}

/** A node as it is. */
export interface ProxyNodeState {
  readonly part: ProxyPart
  readonly phase: ProxyState['phase']
  readonly listeners: ProxyState['listeners']
  /** Pools of this process, by data centre. */
  readonly dataCenters: ReadonlyMap<number, PoolState>
  readonly fronted: number
  /** Age of Telegram's configuration, in milliseconds; `null` for a copy from an earlier run, and on a front. */
  readonly configAge: Millis | null
  /** The address of this host on the Internet, set or looked up; `null` where nobody knows it, as on a front. */
  readonly externalIp: string | null
  /** Of a front: its link to the back. */
  readonly back: PoolState | null
  /** Of a back: its fronts. */
  readonly fronts: readonly { readonly node: string | null; readonly clients: number }[]
  readonly secrets: readonly SecretFigures[]
  readonly replay: ReplayStatus | null
}

/** One process of a proxy. */
export interface ProxyNode extends AsyncDisposable {
  readonly state: ProxyNodeState
  /** Tables of the policy; `null` where a back decides. */
  readonly tables: Tables | null
  /**
   * Connects, and listens.
   *
   * @throws a `HoldfastError` `HF_LISTEN_FAILED` when an address cannot be bound
   */
  start(): Promise<void>
  /**
   * Takes other settings, all of them or none.
   *
   * @throws a `HoldfastError` `HF_MTPROTO_NEEDS_RESTART` that names what cannot be changed while it runs;
   *   `HF_LISTEN_FAILED` when a new port cannot be bound, in which case all else is in force, and the next reload tries again
   */
  reload(settings: ProxySettings): Promise<void>
  /** Lets packets under way get out within `within`, by default `shutdown_grace_ms`, and ends. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
}

/**
 * Makes of settings what they describe: a whole proxy, or a half of one.
 *
 * @throws a `HoldfastError`: `HF_MTPROTO_NO_TELEGRAM` without Telegram's configuration; `HF_MTPROTO_INSECURE_SPLIT`,
 *   `HF_MTPROTO_CERTIFICATE_UNREADABLE`, `HF_MTPROTO_TABLE_UNREADABLE`; `HF_STORE_CORRUPT` for a damaged cache
 */
export async function proxyNode(options: ProxyNodeOptions): Promise<ProxyNode> {
  const node = new Node(options)
  try {
    await node.prepare()
  } catch (error) {
    await node[Symbol.asyncDispose]()
    throw error
  }
  return node
}

class Node implements ProxyNode {
  readonly #options: ProxyNodeOptions
  readonly #part: ProxyPart
  readonly #metrics: ProxyMetrics
  readonly #transport: Transport
  readonly #rules = new LoadedRules()
  #settings: ProxySettings
  #telegram: TelegramHalf | null = null
  #front: FrontSide | null = null
  /** Of the link to the back. */
  #watching: Subscription | null = null
  #keeper: LocalGatekeeper | null = null
  #proxy: MtprotoProxy | null = null
  #back: Listener<FrontLink> | null = null
  #begin: () => Promise<void> = () => Promise.resolve()
  #reloaded: Promise<unknown> = Promise.resolve()

  constructor(options: ProxyNodeOptions) {
    const { settings, workers, metrics = noMetrics, transport = sockets() } = options
    this.#options = options
    this.#settings = settings
    this.#part = workers?.part ?? settings.role
    this.#metrics = metrics
    this.#transport = transport
  }

  get tables(): Tables | null {
    return this.#decides() ? (this.#keeper?.tables ?? null) : null
  }

  get state(): ProxyNodeState {
    const proxy = this.#proxy?.state
    const isUp = this.#back !== null && this.#back.state.phase !== 'closed'
    const externalIp = this.#telegram?.source.current.externalIp
    return {
      part: this.#part,
      phase: proxy?.phase ?? (isUp ? 'listening' : 'idle'),
      listeners: proxy?.listeners ?? [],
      dataCenters: this.#telegram?.centers.state ?? new Map(),
      fronted: proxy?.fronted ?? 0,
      configAge: this.#telegram?.source.age ?? null,
      externalIp: externalIp == null ? null : ipToText(externalIp),
      back: this.#front?.pool.state ?? null,
      fronts: [...(this.#back?.links.values() ?? [])].map(({ node, clients }) => ({ node, clients })),
      secrets: this.#decides() ? (this.#keeper?.secrets() ?? []) : [],
      replay: this.#decides() ? (this.#rules.replay?.status() ?? null) : null,
    }
  }

  /** All that can fail before anything listens. */
  async prepare(): Promise<void> {
    switch (this.#part) {
      case 'both': {
        const keeper = await this.#openKeeper()
        const { centers } = await this.#openTelegram()
        this.#serveClients(centers, keeper)
        return
      }
      case 'front':
      case 'worker': {
        const keeper = await this.#openKeeper()
        const front = this.#openFront(await this.#splitTransport(), keeper)
        this.#serveClients(backCenters(front), this.#decides() ? keeper : front.gatekeeper)
        return
      }
      case 'back':
      case 'workers-back': {
        const keeper = this.#decides() ? await this.#openKeeper() : null
        const { centers } = await this.#openTelegram()
        this.#serveFronts(await this.#splitTransport(), centers, keeper)
      }
    }
  }

  start(): Promise<void> {
    return this.#begin()
  }

  reload(settings: ProxySettings): Promise<void> {
    // One after the other: they come by a signal and by the admin endpoint.
    const reloaded = this.#reloaded.then(() => this.#reload(settings))
    this.#reloaded = reloaded.catch(() => undefined)
    return reloaded
  }

  async #reload(settings: ProxySettings): Promise<void> {
    const rules = this.#keeper === null ? null : await this.#rules.load(settings)
    const failure = await this.#reloadProxy(settings)
    this.#settings = settings
    if (rules !== null) this.#keeper?.reload(rules)
    await this.#telegram?.reload(settings)
    if (failure !== null) throw failure
  }

  /**
   * @returns the failure to bind a new port, which is no reason not to take the rest
   * @throws a `HoldfastError` `HF_MTPROTO_NEEDS_RESTART` before anything was changed
   */
  async #reloadProxy(settings: ProxySettings): Promise<HoldfastError | null> {
    try {
      await this.#proxy?.reload(this.#seenByProxy(settings))
      return null
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'HF_LISTEN_FAILED') return error
      throw error
    }
  }

  async drain(o: { readonly within?: Millis } = {}): Promise<DrainReport> {
    const within = o.within ?? this.#settings.shutdownGrace
    if (this.#proxy !== null) return this.#proxy.drain({ within })
    const report = await this.#back?.drain({ within })
    this.#telegram?.centers.close()
    return report ?? { finished: 0, cut: [], took: 0, timedOut: false }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.[Symbol.asyncDispose]()
    await this.#back?.[Symbol.asyncDispose]()
    await this.#front?.[Symbol.asyncDispose]()
    this.#watching?.unsubscribe()
    await this.#telegram?.[Symbol.asyncDispose]()
    await this.#keeper?.[Symbol.asyncDispose]()
  }

  /** Whether this process decides who may come in. */
  #decides(): boolean {
    return this.#part !== 'worker' && this.#part !== 'back'
  }

  async #openKeeper(): Promise<LocalGatekeeper> {
    const { cacheDir } = this.#settings
    const keepsUsage = cacheDir !== null && this.#decides()
    this.#keeper = await gatekeeper({
      env: this.#options.env,
      rules: await this.#rules.load(this.#settings),
      metrics: this.#metrics,
      ...(keepsUsage && { usage: fileStore({ path: join(cacheDir, 'usage.json'), parse: parseUsage }) }),
    })
    return this.#keeper
  }

  async #openTelegram(): Promise<TelegramHalf> {
    const { env, signal } = this.#options
    const { cacheDir } = this.#settings
    this.#telegram = await TelegramHalf.open({
      env,
      settings: this.#settings,
      metrics: this.#metrics,
      dialer: this.#transport,
      cache: cacheDir === null ? undefined : cachedCopy(cacheDir),
      signal,
    })
    return this.#telegram
  }

  #openFront({ transport, endpoint }: SplitTransport, keeper: Gatekeeper): FrontSide {
    const { env } = this.#options
    const { split } = this.#settings
    this.#front = frontSide({
      env,
      dialer: transport,
      back: endpoint,
      node: split?.nodeName ?? env.name,
      metrics: this.#metrics,
      mayFront: (newcomer) => keeper.mayFront(newcomer),
      ...(split !== null && { grace: split.grace, maxParked: split.maxParked }),
    })
    if (this.#part === 'front') this.#watching = watchBack(env, this.#front.pool, endpoint.uri)
    return this.#front
  }

  #serveClients(dataCenters: RunningDataCenters, keeper: Gatekeeper): void {
    const proxy = mtprotoProxy({
      env: this.#options.env,
      settings: this.#seenByProxy(this.#settings),
      metrics: this.#metrics,
      transport: this.#transport,
      dataCenters,
      gatekeeper: keeper,
    })
    this.#proxy = proxy
    this.#begin = () => proxy.start()
  }

  #serveFronts(
    { transport, endpoint }: SplitTransport,
    centers: LocalDataCenters,
    keeper: Gatekeeper | null,
  ) {
    const { env } = this.#options
    const { split } = this.#settings
    const fronts = split?.allowedFronts ?? []
    this.#begin = async () => {
      centers.start()
      this.#back = await backSide({
        env,
        acceptor: transport,
        at: endpoint,
        node: split?.nodeName ?? env.name,
        dataCenters: centers,
        gatekeeper: keeper,
        ...(fronts.length > 0 && { fronts }),
      })
    }
  }

  async #splitTransport(): Promise<SplitTransport> {
    const { workers } = this.#options
    if (workers != null) return { transport: this.#transport, endpoint: { uri: workers.at } }
    const { role, split } = this.#settings
    if (split === null) throw new OptionError('settings.split', `given for a ${role}`, split)
    return splitLink(split)
  }

  /** A worker looks at a front's settings only: what else has changed is for its back. */
  #seenByProxy(settings: ProxySettings): ProxySettings {
    return this.#part === 'worker' ? { ...settings, role: 'front' } : settings
  }
}
