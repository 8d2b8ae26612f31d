import { randomBytes } from 'node:crypto'
import { type Endpoint, type Env, silentLog, systemEnv } from '@holdfast/core'
import { sockets } from '@holdfast/core/node'
import { Registry } from 'prom-client'
import { proxySettings } from '../../src/config/to-settings.js'
import { prometheusMetrics } from '../../src/metrics/prometheus-metrics.js'
import { gatekeeper, type LocalGatekeeper } from '../../src/policy/gatekeeper.js'
import { type MtprotoProxy, mtprotoProxy } from '../../src/proxy.js'
import type { DataCenterSettings, TelegramAccess } from '../../src/telegram/data-center-settings.js'
import { dataCenters, type LocalDataCenters } from '../../src/telegram/data-centers.js'
import { type FakeTelegram, type FakeTelegramOptions, fakeTelegram } from '../../src/testing/fake-telegram.js'
import { type TestClient, type TestClientOptions, testClient } from '../../src/testing/test-client.js'

export const secret = 'd0d6e111bada5511fcce9584deadbeef'

/** How a {@link RunningProxy} is made. */
export interface RunningProxyOptions {
  readonly telegram?: FakeTelegramOptions
  /** Merged into the configuration. */
  readonly config?: Record<string, unknown>
  /** Merged into the only port. */
  readonly port?: Record<string, unknown>
  readonly centers?: DataCenterSettings
  readonly env?: Env
  /** Whether to begin without waiting for a start. */
  readonly isIdle?: boolean
}

/** A proxy on loopback between an embedded Telegram and test clients. */
export class RunningProxy implements AsyncDisposable {
  readonly telegram: FakeTelegram
  readonly proxy: MtprotoProxy
  readonly centers: LocalDataCenters
  readonly gatekeeper: LocalGatekeeper
  readonly registry: Registry
  readonly clients: TestClient[] = []

  private constructor(
    parts: Pick<RunningProxy, 'telegram' | 'proxy' | 'centers' | 'gatekeeper' | 'registry'>,
  ) {
    this.telegram = parts.telegram
    this.proxy = parts.proxy
    this.centers = parts.centers
    this.gatekeeper = parts.gatekeeper
    this.registry = parts.registry
  }

  static async start(options: RunningProxyOptions = {}): Promise<RunningProxy> {
    const telegram = await fakeTelegram({ dcIds: [2], ...options.telegram })
    const env = options.env ?? systemEnv({ name: 'proxy', log: silentLog })
    const settings = proxySettings(configOf(options))
    const registry = new Registry()
    const metrics = prometheusMetrics(registry)
    const keeper = await gatekeeper({
      env,
      rules: { rules: settings.policy, tables: new Map(), secrets: settings.secrets, replay: null },
    })
    const centers = dataCenters({
      env,
      ...settings.dataCenter,
      ...options.centers,
      metrics,
      dialer: sockets(),
      randomBytes,
      afterTurn: setImmediate,
      telegram: accessTo(telegram),
    })
    const proxy = mtprotoProxy({
      env,
      settings,
      dataCenters: centers,
      gatekeeper: keeper,
      metrics,
    })
    const running = new RunningProxy({ telegram, proxy, centers, gatekeeper: keeper, registry })
    if (options.isIdle !== true) await proxy.start()
    return running
  }

  get endpoint(): Endpoint {
    const [listener] = this.proxy.state.listeners
    if (listener === undefined) throw new Error('nothing listens')
    return listener.endpoint
  }

  get port(): number {
    return Number(this.endpoint.uri.split(':').at(-1))
  }

  client(o: Partial<TestClientOptions> = {}): TestClient {
    const client = testClient({ port: this.port, secret, ...o })
    this.clients.push(client)
    return client
  }

  /** The value of a metric, over all its labels that contain these. */
  async metric(name: string, labels: Record<string, string | number> = {}): Promise<number> {
    const metric = this.registry.getSingleMetric(`mtproto_proxy_${name}`)
    const { values } = (await metric?.get()) ?? { values: [] }
    return values
      .filter((each) =>
        Object.entries(labels).every(([key, value]) => String((each.labels as never)[key]) === String(value)),
      )
      .reduce((sum, { value }) => sum + value, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client[Symbol.asyncDispose]()
    this.proxy.close()
    await this.telegram[Symbol.asyncDispose]()
  }
}

export function configOf({ config, port }: RunningProxyOptions): Record<string, unknown> {
  return {
    listen_ip: '127.0.0.1',
    ports: [{ name: 'main', port: 0, secret, ...port }],
    ...config,
  }
}

/** What a proxy has to know of an embedded Telegram. */
export function accessTo(telegram: FakeTelegram): TelegramAccess {
  return {
    proxySecret: telegram.proxySecret,
    config: {
      defaultDc: 2,
      datacenters: new Map([...telegram.datacenters].map(([id, { ipv4 }]) => [id, [ipv4]])),
    },
    externalIp: null,
  }
}

/** Packets of a given number of bytes, told apart by their number. */
export function numbered(number: number, bytes = 40): Buffer {
  const packet = Buffer.alloc(bytes)
  packet.writeUInt32LE(0x5eed_0000 + number, 0)
  packet.writeUInt32LE(number, 8)
  return packet
}
