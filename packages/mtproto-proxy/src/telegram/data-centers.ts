import type { Dialer, Endpoint, Env, Millis, Pool, PoolState } from '@holdfast/core'
import { HoldfastError } from '@holdfast/core'
import { Subscription } from 'rxjs'
import type { ProxyMetrics } from '../metrics/types.js'
import type { DataCenters, Tunnel, TunnelClient, TunnelEnd, TunnelRequest } from '../tunnel.js'
import type { MiddleProxyAddress } from '../wire/proxy-config.js'
import type { ConnId } from '../wire/rpc.js'
import { type DataCenterSettings, livePoolSettings, type TelegramAccess } from './data-center-settings.js'
import { DcClient } from './dc-client.js'
import type { DcLink } from './dc-link.js'
import { dcPool, tunnelEnd } from './dc-pool.js'

/** Options of {@link dataCenters}. */
export interface DataCentersOptions extends DataCenterSettings {
  readonly env: Env
  readonly metrics: ProxyMetrics
  readonly dialer: Dialer
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Uint8Array
  /**
   * Calls back once at the end of this turn of the event loop, such as `setImmediate`: what many clients send in one
   * turn is then one write.
   *
   * @defaultValue every packet is written at once
   */
  readonly afterTurn?: (run: () => void) => void
  /** What Telegram says now; {@link LocalDataCenters.reload} takes what it says later. */
  readonly telegram: TelegramAccess
}

/** The data centres that this process has connections to. */
export interface LocalDataCenters extends DataCenters, AsyncDisposable {
  /** The state of each data centre's pool, by its id. */
  readonly state: ReadonlyMap<number, PoolState>
  /** Opens connections to all data centres that Telegram names. */
  start(): void
  /**
   * Takes other settings, or what Telegram says now. Connections stay; new ones go to the new addresses, with the new
   * secret. What is new has a pool from its first client on.
   */
  reload(o: { readonly telegram?: TelegramAccess; readonly settings?: DataCenterSettings }): void
  /**
   * Waits until one connection is ready.
   *
   * @throws `HF_NOT_READY` after `within`, or when it is closed
   */
  whenUsable(o?: { readonly within?: Millis }): Promise<void>
  /** Takes no more clients, and ends the connections once they have none, at the latest after `within`. */
  drain(o?: { readonly within?: Millis }): Promise<void>
  /** Ends everything at once. */
  close(): void
}

/**
 * Makes the data centres' side of a proxy. Idle until started.
 *
 * @throws an `OptionError` for settings that cannot be used
 */
export function dataCenters(options: DataCentersOptions): LocalDataCenters {
  return new Pools(options)
}

class Pools implements LocalDataCenters {
  readonly #options: DataCentersOptions
  readonly #pools = new Map<number, Pool<DcClient, DcLink>>()
  /** Addresses of data centres that have a pool: kept when Telegram does not name them any more. */
  readonly #addresses = new Map<number, readonly MiddleProxyAddress[]>()
  readonly #waiting = new Set<() => void>()
  #telegram: TelegramAccess
  #settings: DataCenterSettings
  /** Of the pools, while somebody waits for them. */
  #watching = new Subscription()
  #conns = 0n
  #isOver = false

  constructor(options: DataCentersOptions) {
    this.#options = options
    this.#settings = options
    this.#telegram = options.telegram
    // Telegram sees where we start, and nothing else of our clients' number.
    for (const byte of options.randomBytes(6)) this.#conns = (this.#conns << 8n) | BigInt(byte)
  }

  get state(): ReadonlyMap<number, PoolState> {
    return new Map([...this.#pools].map(([dcId, pool]) => [dcId, pool.state]))
  }

  start(): void {
    for (const dcId of this.#telegram.config.datacenters.keys()) this.#pool(dcId)
  }

  reload(o: { readonly telegram?: TelegramAccess; readonly settings?: DataCenterSettings }): void {
    this.#telegram = o.telegram ?? this.#telegram
    this.#settings = o.settings ?? this.#settings
  }

  open(request: TunnelRequest, client: TunnelClient): Tunnel | { readonly refused: TunnelEnd } {
    if (this.#isOver) return { refused: 'closed' }
    const pool = this.#pool(request.dcId) ?? this.#defaultPool(request.dcId)
    if (pool === null) return { refused: 'unknown-dc' }
    const session = new DcClient(request, client)
    const binding = pool.bind(session)
    if ('refused' in binding) return { refused: tunnelEnd(binding.refused) }
    session.bound(() => binding.release())
    if (binding.state === 'parked') session.hold()
    return session
  }

  whenUsable({ within }: { readonly within?: Millis } = {}): Promise<void> {
    if (this.#isUsable()) return Promise.resolve()
    if (this.#isOver) return Promise.reject(notUsable(this.state))
    return new Promise((resolve, reject) => {
      const { clock } = this.#options.env
      const settle = (): void => {
        timer?.cancel()
        this.#waiting.delete(settle)
        if (this.#isUsable()) resolve()
        else reject(notUsable(this.state))
        if (this.#waiting.size === 0) this.#watching.unsubscribe()
      }
      const timer = within === undefined ? null : clock.after(within, settle)
      this.#waiting.add(settle)
      if (this.#waiting.size > 1) return
      this.#watching = new Subscription()
      for (const pool of this.#pools.values()) this.#watch(pool)
    })
  }

  async drain(o: { readonly within?: Millis } = {}): Promise<void> {
    this.#end()
    await Promise.all([...this.#pools.values()].map((pool) => pool.drain(o)))
  }

  close(): void {
    this.#end()
    for (const pool of this.#pools.values()) pool.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  #end(): void {
    this.#isOver = true
    this.#settle()
  }

  #isUsable(): boolean {
    return [...this.#pools.values()].some((pool) => pool.state.links.some(({ phase }) => phase === 'ready'))
  }

  /** The default data centre, for a client that names one which there is not (spec 6.1). */
  #defaultPool(dcId: number): Pool<DcClient, DcLink> | null {
    const { defaultDc } = this.#telegram.config
    return defaultDc === null || defaultDc === dcId ? null : this.#pool(defaultDc)
  }

  /** The pool of a data centre; made when it is first wanted. */
  #pool(dcId: number): Pool<DcClient, DcLink> | null {
    const existing = this.#pools.get(dcId)
    if (existing !== undefined) return existing
    if (this.#endpoint(dcId) === null) return null
    const { env, dialer, metrics, randomBytes, afterTurn } = this.#options
    const settings = livePoolSettings({
      fixed: {
        env: { ...env, name: `dc ${dcId}` },
        metrics: metrics.dataCenter(dcId),
        randomBytes,
        afterTurn,
        nextConnId: () => this.#nextConnId(),
      },
      telegram: () => this.#telegram,
      settings: () => this.#settings,
    })
    const endpoint = (): Endpoint => this.#endpoint(dcId) ?? nowhere
    const made = dcPool({ dcId, settings, metrics, dialer, endpoint })
    this.#pools.set(dcId, made)
    if (this.#waiting.size > 0) this.#watch(made)
    made.start()
    return made
  }

  #nextConnId(): ConnId {
    this.#conns += 1n
    return this.#conns
  }

  /** Only while somebody waits: a pool tells of each client that comes and goes. */
  #watch(pool: Pool<DcClient, DcLink>): void {
    const { env } = this.#options
    this.#watching.add(
      pool.state$.subscribe({
        next: () => this.#isUsable() && this.#settle(),
        error: (err: unknown) => env.log.error({ name: env.name, err }, 'a pool broke down'),
      }),
    )
  }

  #settle(): void {
    for (const settle of [...this.#waiting]) settle()
  }

  /** One of the addresses that Telegram names for it now, or did when it last named any. */
  #endpoint(dcId: number): Endpoint | null {
    const named = this.#telegram.config.datacenters.get(dcId)
    if (named !== undefined && named.length > 0) this.#addresses.set(dcId, named)
    const addresses = this.#addresses.get(dcId) ?? []
    const address = addresses[Math.floor(this.#options.env.random() * addresses.length)]
    if (address === undefined) return null
    const { host, port } = address
    return { uri: `tcp://${host.includes(':') ? `[${host}]` : host}:${port}` }
  }
}

const nowhere: Endpoint = { uri: 'tcp://0.0.0.0:0' }

function notUsable(pools: ReadonlyMap<number, PoolState>): HoldfastError {
  const ids = [...pools.keys()].join(', ')
  return new HoldfastError(
    'HF_NOT_READY',
    `no connection to any data centre of Telegram (${ids === '' ? 'none is known' : ids}) became ready in time; the log says why each failed`,
  )
}
