import type { Env, Millis } from '@holdfast/core'
import type { AcceptOptions } from '../accept/types.js'
import type { ClientSettings, ListenerSettings } from '../config/settings.js'
import type { Gatekeeper } from '../gatekeeper.js'
import type { ListenerMetrics, ProxyMetrics } from '../metrics/types.js'
import type { DataCenters } from '../tunnel.js'
import { x25519PublicKey } from '../x25519-key.js'
import { balancersIn } from './balancers.js'
import type { Fronting } from './fronting.js'
import { IgnoredStrangers } from './ignored.js'

/** What all ports of a process have in common. */
export interface ClientSide {
  readonly env: Env
  readonly metrics: ProxyMetrics
  readonly gatekeeper: Gatekeeper
  readonly dataCenters: DataCenters
  readonly fronting: Fronting
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Uint8Array
}

/** What the sessions of one port go by. Settings may be replaced while there are sessions. */
export class ClientPort {
  readonly side: ClientSide
  readonly counts: ListenerMetrics
  /** Those of its connections that are ignored. */
  readonly ignored: IgnoredStrangers
  #listener: ListenerSettings
  #settings: ClientSettings
  #accept: AcceptOptions

  /** @param maxIgnored - how many strangers are ignored at once */
  constructor(
    side: ClientSide,
    listener: ListenerSettings,
    { settings, maxIgnored }: { readonly settings: ClientSettings; readonly maxIgnored: () => number },
  ) {
    this.side = side
    this.ignored = new IgnoredStrangers(maxIgnored)
    this.counts = side.metrics.listener(listener.name)
    this.#listener = listener
    this.#settings = settings
    this.#accept = acceptOptions(side, listener, settings)
  }

  get name(): string {
    return this.#listener.name
  }

  get settings(): ClientSettings {
    return this.#settings
  }

  /** How newcomers are judged. */
  get accept(): AcceptOptions {
    return this.#accept
  }

  get now(): Millis {
    return this.side.env.clock.now()
  }

  /** The promoted channel of the owner of a secret. */
  adTagOf(secret: string): Uint8Array | null {
    return this.#listener.secrets.find(({ name }) => name === secret)?.adTag ?? null
  }

  /** For clients to come; times, also for those there are. */
  reload(listener: ListenerSettings, settings: ClientSettings): void {
    this.#listener = listener
    this.#settings = settings
    this.#accept = acceptOptions(this.side, listener, settings)
  }
}

const nobody = (): boolean => false

function acceptOptions(
  side: ClientSide,
  listener: ListenerSettings,
  settings: ClientSettings,
): AcceptOptions {
  return {
    listener: listener.name,
    keys: listener.secrets.map(({ name, key }) => ({ name, key })),
    allowed: settings.allowedProtocols,
    perSniSalt: settings.perSniSalt,
    timeSkew: settings.timeSkew,
    certificateBytes: settings.certificateBytes,
    badClient: settings.badClient,
    fronting: settings.fronting.target.kind !== 'off',
    isBalancer: listener.balancers === null ? nobody : balancersIn(listener.balancers),
    random: side.randomBytes,
    x25519PublicKey,
  }
}
