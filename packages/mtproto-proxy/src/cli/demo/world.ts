import { randomBytes } from 'node:crypto'
import type { Env } from '@holdfast/core'
import { nodeEnv, sockets } from '@holdfast/core/node'
import { type MovableClock, movableClock, seededRandom } from '@holdfast/core/testing'
import { Registry } from 'prom-client'
import { proxySettings } from '../../config/to-settings.js'
import { prometheusMetrics } from '../../metrics/prometheus-metrics.js'
import { gatekeeper } from '../../policy/gatekeeper.js'
import { type MtprotoProxy, mtprotoProxy } from '../../proxy.js'
import type { DataCenterSettings, TelegramAccess } from '../../telegram/data-center-settings.js'
import { dataCenters, type LocalDataCenters } from '../../telegram/data-centers.js'
import { type FakeTelegram, fakeTelegram } from '../../testing/fake-telegram.js'
import { type TestClient, testClient } from '../../testing/test-client.js'
import { programName } from '../program-name.js'
import { Crowd, readPacket } from './crowd.js'
import { partFor } from './downloads.js'

/** How migrations of clients have gone. */
export interface Migrations {
  /** To another connection at once, after a wait for one, and with the packet that had not left. */
  readonly moved: number
  /** Closed, for a packet was on its way that nobody knows the fate of. */
  readonly midSend: number
  /** Closed, for there was no connection in time. */
  readonly empty: number
}

/** How long a connection may say nothing; usually twenty seconds, which nobody wants to look at. */
const hearWithin = 2000

/** As a proxy has them by default but for what takes its time: more connections, and Telegram's minute must be a moment here. */
const settings: DataCenterSettings = {
  clientsPerConnection: 40,
  // As for the usual 300 clients on a connection.
  credits: { packetsTotal: 600, bytesTotal: 9_216_000 },
  stableAfter: 100,
  pingEvery: 500,
  hearWithin,
}

interface Parts {
  readonly env: Env
  readonly clock: MovableClock
  readonly telegram: FakeTelegram
  readonly centers: LocalDataCenters
  readonly proxy: MtprotoProxy
  readonly registry: Registry
  readonly secret: string
}

/** An embedded Telegram, a proxy before it, and a crowd of clients, all on loopback in this process. */
export class World implements AsyncDisposable {
  readonly clock: MovableClock
  readonly telegram: FakeTelegram
  readonly proxy: MtprotoProxy
  readonly crowd: Crowd
  /** One more client, as a Telegram app. */
  readonly connect: () => TestClient
  /** Packets that reached Telegram more than once. */
  repeated = 0
  /** Connections that Telegram has closed. */
  closings = 0
  readonly #centers: LocalDataCenters
  readonly #registry: Registry
  readonly #seen = new Set<string>()

  /** Starts Telegram, then the proxy. */
  static async start(seed: number): Promise<World> {
    const host = nodeEnv({ name: programName, random: seededRandom(seed) })
    const clock = movableClock(host.clock)
    const env = { ...host, clock }
    const telegram = await fakeTelegram({ dcIds: [2] })
    const secret = randomBytes(16).toString('hex')
    const registry = new Registry()
    const metrics = prometheusMetrics(registry)
    const proxyOptions = proxySettings({ listen_ip: '127.0.0.1', ports: [{ name: 'main', port: 0, secret }] })
    const centers = dataCenters({
      ...settings,
      env,
      metrics,
      dialer: sockets(),
      randomBytes,
      telegram: accessTo(telegram),
    })
    const rules = { rules: [], tables: new Map(), secrets: proxyOptions.secrets, replay: null }
    const keeper = await gatekeeper({ env, rules, metrics })
    const proxy = mtprotoProxy({
      env,
      settings: proxyOptions,
      metrics,
      dataCenters: centers,
      gatekeeper: keeper,
    })
    await proxy.start()
    return new World({ env, clock, telegram, centers, proxy, registry, secret })
  }

  private constructor({ env, clock, telegram, centers, proxy, registry, secret }: Parts) {
    this.clock = clock
    this.telegram = telegram
    this.proxy = proxy
    this.#centers = centers
    this.#registry = registry
    const [listener] = proxy.state.listeners
    const port = Number(listener?.endpoint.uri.split(':').at(-1))
    this.connect = () => testClient({ port, secret })
    this.crowd = new Crowd(env.clock, this.connect)
    telegram.rules.answers = (payload) => {
      this.#received(payload)
      return [partFor(payload) ?? payload]
    }
  }

  /** Connections to Telegram that are ready, and clients that wait for one. */
  get links(): { readonly ready: number; readonly parked: number } {
    const pool = this.#centers.state.get(2)
    return { ready: pool?.links.length ?? 0, parked: pool?.parked ?? 0 }
  }

  /** Clients of the proxy. */
  get clients(): number {
    return this.proxy.state.listeners.reduce((sum, { links }) => sum + links, 0)
  }

  /** All so far. */
  async migrations(): Promise<Migrations> {
    const metric = await this.#registry.getSingleMetric('mtproto_proxy_downstream_migration_total')?.get()
    const of = (...results: readonly string[]): number =>
      (metric?.values ?? [])
        .filter(({ labels }) => results.includes(String(labels['result'])))
        .reduce((sum, { value }) => sum + value, 0)
    return { moved: of('ok', 'parked', 'resent'), midSend: of('mid_send'), empty: of('empty') }
  }

  /** Telegram closes every connection that it has, one after another, as it does all day. */
  async rotate(by: 'fin' | 'rst'): Promise<void> {
    this.closings += this.telegram.connections.length
    await this.telegram.rotate({ by, pause: 60 })
  }

  /** One connection goes dead, and neither side is told; until there is another one instead. */
  async halfOpen(): Promise<void> {
    const datacenter = this.telegram.dc(2)
    const [connection] = datacenter.ready
    const before = datacenter.connected
    connection?.stall()
    this.closings += 1
    await this.telegram.until(() => datacenter.connected > before)
    // It sees now that it was given up.
    connection?.resume()
  }

  /** Telegram closes all of them at once. */
  closeAll(by: 'fin' | 'rst'): void {
    this.closings += this.telegram.connections.length
    this.telegram.closeAll(by)
  }

  /** From now on packets that had not left when their connection died go to the next. */
  resendUnsent(): void {
    this.#centers.reload({ settings: { ...settings, resendUnsent: true } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crowd.leave()
    this.proxy.close()
    await this.telegram[Symbol.asyncDispose]()
  }

  #received(payload: Buffer): void {
    const { client, number } = readPacket(payload)
    const key = `${client} ${number}`
    if (this.#seen.has(key)) this.repeated += 1
    this.#seen.add(key)
  }
}

function accessTo({ proxySecret, datacenters }: FakeTelegram): TelegramAccess {
  const addresses = [...datacenters].map(([id, { ipv4 }]) => [id, [ipv4]] as const)
  return { proxySecret, config: { defaultDc: 2, datacenters: new Map(addresses) }, externalIp: null }
}
