import { randomBytes } from 'node:crypto'
import { type Clock, type Millis, systemClock } from '@holdfast/core'
import { formatProxyConfig, type MiddleProxyAddress } from '../wire/proxy-config.js'
import type { FakeClient } from './fake-client.js'
import { type ClosedBy, FakeConnection } from './fake-connection.js'
import { FakeDatacenter } from './fake-datacenter.js'
import type { FakeTelegramRules } from './fake-telegram-rules.js'
import { usualRules } from './fake-telegram-rules.js'
import { DataCenter } from './telegram/data-center.js'
import { RsaKey } from './telegram/rsa-key.js'
import { TelegramSite } from './telegram-site.js'
import { Waiters } from './waiters.js'

/** Options of {@link fakeTelegram}; rules may be given along with them. */
export interface FakeTelegramOptions extends Partial<FakeTelegramRules> {
  /** Default: 1 to 5 and -1 to -5. */
  readonly dcIds?: readonly number[]
  /** The `default` of its configuration. Default: 2; `null` for none. */
  readonly defaultDc?: number | null
  /** Default: the host's. */
  readonly clock?: Clock
}

/** What an embedded Telegram has counted since it was started. */
export interface FakeTelegramStats {
  /** Connections of proxies that were taken. */
  readonly connections: number
  /** Clients: connection ids that made a request. */
  readonly clients: number
  readonly requests: number
  /** Requests that were answered. */
  readonly answered: number
  /** Requests whose connection ended, or was closed by us, before they were answered. */
  readonly lost: number
  /** Requests that came after we had closed the connection. */
  readonly late: number
  /** RPC_CLOSE_CONN messages for clients that we knew. */
  readonly closeConns: number
}

/** A key of an embedded Telegram. */
export interface FakeTelegramKey {
  /** PKCS #1 PEM, as `addPublicKey` of `@mtcute/core` takes it. */
  readonly pem: string
  readonly fingerprint: bigint
}

/** How {@link FakeTelegram.rotate} goes about it. */
export interface Rotation {
  /** @defaultValue 'fin' */
  readonly by?: ClosedBy
  /**
   * Whether the next connection is closed only when the data centre has as many ready ones as before.
   *
   * @defaultValue true
   */
  readonly awaitReplacement?: boolean
  /** How long to wait between two, besides, in milliseconds. Default: 0. */
  readonly pause?: Millis
}

/** A Telegram of one's own on loopback, in the hands of a test. */
export class FakeTelegram implements AsyncDisposable {
  /** In force for what is yet to come; a data centre may have its own. */
  readonly rules: FakeTelegramRules
  readonly datacenters: ReadonlyMap<number, FakeDatacenter>
  /** Stands in for core.telegram.org. */
  readonly site: TelegramSite
  /** What proxies have to know; changing it is for new connections. */
  proxySecret: Buffer = randomBytes(128)
  readonly #clock: Clock
  readonly #key: RsaKey
  readonly #behind: DataCenter
  readonly #behindResPq: DataCenter
  readonly #past = { connections: 0, clients: 0, requests: 0, answered: 0, lost: 0, late: 0, closeConns: 0 }
  readonly #waiters = new Waiters()

  /** Starts it. @internal */
  static async start({
    dcIds,
    defaultDc = 2,
    clock = systemClock(),
    ...rules
  }: FakeTelegramOptions): Promise<FakeTelegram> {
    const ids = dcIds ?? [1, 2, 3, 4, 5, -1, -2, -3, -4, -5]
    let telegram: FakeTelegram | null = null
    const config = (family: 'ipv4' | 'ipv6') => (): string =>
      telegram === null ? '' : telegram.#configText(defaultDc, family)
    const site = await TelegramSite.start({
      secret: () => telegram?.proxySecret ?? Buffer.alloc(0),
      config: config('ipv4'),
      configV6: config('ipv6'),
    })
    telegram = new FakeTelegram(ids, { ...usualRules, ...rules }, clock, site)
    try {
      await Promise.all([...telegram.datacenters.values()].map((datacenter) => datacenter.listen()))
    } catch (error) {
      await telegram[Symbol.asyncDispose]()
      throw error
    }
    return telegram
  }

  private constructor(ids: readonly number[], rules: FakeTelegramRules, clock: Clock, site: TelegramSite) {
    this.rules = rules
    this.site = site
    this.#clock = clock
    this.#key = sharedKey()
    const host = {
      rules: () => this.rules,
      connected: this.#connected.bind(this),
      changed: () => this.#waiters.look(),
    }
    this.datacenters = new Map(ids.map((id) => [id, new FakeDatacenter(id, host)]))
    const more = {
      now: () => clock.wall(),
      config: () => ({
        thisDc: 2,
        datacenters: [...this.datacenters.values()].map(({ id, ipv4 }) => ({ id, port: ipv4.port })),
      }),
    }
    this.#behind = new DataCenter({ key: this.#key, ...more })
    this.#behindResPq = new DataCenter({ key: null, ...more })
  }

  /** The data centre of this id. */
  dc(id: number): FakeDatacenter {
    const datacenter = this.datacenters.get(id)
    if (datacenter === undefined) throw new Error(`no data centre ${id} was asked for`)
    return datacenter
  }

  /** What clients must know for a whole key exchange (`answers: 'mtproto'`). */
  get publicKey(): FakeTelegramKey {
    return { pem: this.#key.pem, fingerprint: this.#key.fingerprint }
  }

  /** Every connection that has not ended, by data centre, oldest first. */
  get connections(): readonly FakeConnection[] {
    return [...this.datacenters.values()].flatMap(({ connections }) => connections)
  }

  /** Clients that are on a connection now. */
  get clients(): readonly FakeClient[] {
    return [...this.datacenters.values()].flatMap(({ clients }) => clients)
  }

  /** What it has counted so far. */
  get stats(): FakeTelegramStats {
    const sum = { ...this.#past }
    for (const connection of this.connections) add(sum, connection, connection.phase !== 'ready')
    return sum
  }

  /**
   * Closes each connection that is there now, one after another, as Telegram does every 30 to 70 seconds.
   *
   * Whoever rotates again before replacements have become stable measures the proxy's backoff besides.
   *
   * @returns when all are closed, and replaced if that is waited for: a proxy that does not connect again makes it wait
   *   for ever
   */
  async rotate({ by = 'fin', awaitReplacement = true, pause = 0 }: Rotation = {}): Promise<void> {
    for (const connection of this.connections) {
      const datacenter = this.dc(connection.dcId)
      const before = datacenter.ready.length
      connection.close(by)
      if (awaitReplacement) await this.until(() => datacenter.ready.length >= before)
      if (pause > 0) await new Promise<void>((resolve) => this.#clock.after(pause, resolve))
    }
  }

  /** Closes all connections at once. */
  closeAll(by: ClosedBy = 'fin'): void {
    for (const datacenter of this.datacenters.values()) datacenter.closeAll(by)
  }

  /** Waits until something is so; looked at whenever anything happened here. */
  until(isMet: () => boolean): Promise<void> {
    return this.#waiters.until(isMet)
  }

  /** Resets what is open and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.datacenters.values()].map((datacenter) => datacenter.stop()))
    await this.site[Symbol.asyncDispose]()
  }

  #connected(
    datacenter: FakeDatacenter,
    socket: ConstructorParameters<typeof FakeConnection>[2],
  ): FakeConnection {
    this.#past.connections += 1
    const connection: FakeConnection = new FakeConnection(datacenter.id, this.#past.connections, socket, {
      clock: this.#clock,
      proxySecret: () => this.proxySecret,
      rules: () => datacenter.rule(),
      answers: (payload, client) => this.#answers(datacenter.rule(), payload, client),
      changed: () => this.#waiters.look(),
      ended: () => {
        datacenter.forget(connection)
        add(this.#past, connection, true)
        this.#waiters.look()
      },
    })
    return connection
  }

  #answers({ answers }: FakeTelegramRules, payload: Buffer, client: FakeClient): readonly Uint8Array[] {
    if (typeof answers === 'function') return answers(payload, client)
    switch (answers) {
      case 'echo':
        return [payload]
      case 'res-pq':
        return this.#behindResPq.answer(payload)
      case 'mtproto':
        return this.#behind.answer(payload)
      case 'nothing':
        return []
    }
  }

  #configText(defaultDc: number | null, family: 'ipv4' | 'ipv6'): string {
    const addresses = [...this.datacenters.values()].map((datacenter) => {
      const address = datacenter[family]
      return [datacenter.id, address === null ? [] : [address]] as const
    })
    return formatProxyConfig({
      defaultDc,
      datacenters: new Map<number, readonly MiddleProxyAddress[]>(addresses),
    })
  }
}

/**
 * Starts a Telegram on loopback: a middle proxy for each data centre, the pages that a proxy fetches its configuration
 * from, and behind them a data centre with an RSA key of its own. Real clients that are given this key can do all that
 * they do with Telegram before they sign in.
 *
 * @example
 * ```ts no-run
 * import { fakeTelegram } from '@holdfast/mtproto-proxy/testing'
 *
 * await using telegram = await fakeTelegram({ dcIds: [1, 2] })
 * console.log('give the proxy', telegram.site.urls)
 * await telegram.until(() => telegram.dc(2).ready.length > 0)
 * telegram.rules.handshakeDelay = 500 // replacements are slow to come
 * await telegram.rotate({ by: 'rst' })
 * console.log(telegram.stats.lost, 'answers were lost')
 * ```
 */
export function fakeTelegram(options: FakeTelegramOptions = {}): Promise<FakeTelegram> {
  return FakeTelegram.start(options)
}

type Sum = { -readonly [Key in keyof FakeTelegramStats]: number }

function add(sum: Sum, connection: FakeConnection, isOver: boolean): void {
  sum.late += connection.lateRequests
  for (const client of connection.clients.values()) {
    sum.clients += 1
    sum.requests += client.requests
    sum.answered += client.answered
    sum.closeConns += client.closeConns
  }
  if (isOver) sum.lost += connection.inFlight
}

let rsaKey: RsaKey | null = null

/** One for the process: making one takes a tenth of a second or more. */
function sharedKey(): RsaKey {
  rsaKey ??= new RsaKey()
  return rsaKey
}
