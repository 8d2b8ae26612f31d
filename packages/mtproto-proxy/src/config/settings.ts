import type { Endpoint, Millis, WallStamp } from '@holdfast/core'
import type { AllowedProtocol, BadClient } from '../accept/types.js'
import type { PolicyRule } from '../policy/rules.js'
import type { DataCenterSettings } from '../telegram/data-center-settings.js'
import type { TlsTimeSkew } from '../wire/client-hello.js'
import type { ProxyOptions } from './schema.js'

/** One secret of a port. */
export interface SecretSettings {
  /** Names its owner: the same name on several ports is the same owner. */
  readonly name: string
  /** 16 bytes. */
  readonly key: Uint8Array
  /** 16 bytes, or `null`. */
  readonly adTag: Uint8Array | null
  /** The domain for fake-TLS links, or `null`. */
  readonly domain: string | null
  readonly isEnabled: boolean
  readonly expiresAt: WallStamp | null
  readonly quotaBytes: number | null
  readonly maxConnections: number | null
}

/** One port. */
export interface ListenerSettings {
  readonly name: string
  /** `tcp://HOST:PORT`, or `fd:N` for a socket that the process was started with. */
  readonly at: Endpoint
  /** The address that it listens on, and its port: for links. */
  readonly ip: string
  readonly port: number
  /** Addresses and blocks of balancers: connections from there begin with a PROXY protocol header. `null` for none. */
  readonly balancers: readonly string[] | null
  /** In the order in which they are tried. */
  readonly secrets: readonly SecretSettings[]
}

/** Where relayed bad clients go. */
export type FrontingTarget =
  | { readonly kind: 'off' }
  | { readonly kind: 'sni' }
  | { readonly kind: 'fixed'; readonly host: string; readonly port: number }

/** What a listener needs to know to judge and serve clients. */
export interface ClientSettings {
  readonly allowedProtocols: ReadonlySet<AllowedProtocol>
  /** The salt, if each domain has a key of its own; else `null`. */
  readonly perSniSalt: string | null
  readonly timeSkew: TlsTimeSkew
  readonly certificateBytes: readonly [least: number, most: number]
  readonly badClient: BadClient
  readonly fronting: {
    readonly target: FrontingTarget
    readonly connectWithin: Millis
    readonly maxConnections: number
  }
  readonly resetClose: 'off' | 'handshake_error' | 'always'
  /** How long the handshake may take; silence before hibernation; silence before the end. */
  readonly initWithin: Millis
  readonly hibernateAfter: Millis
  readonly closeAfter: Millis
  readonly sendWithin: Millis
  readonly health: { readonly maxPackets: number; readonly maxBytes: number }
  readonly serverErrorFilter: 'first' | 'on' | 'off'
  readonly strictPlainPackets: boolean
}

/** How Telegram's configuration is got (spec 4). */
export interface TelegramSettings {
  readonly secret: { readonly kind: 'url' | 'file'; readonly at: string }
  readonly config: { readonly kind: 'url' | 'file'; readonly at: string }
  readonly httpWithin: Millis
  readonly refreshEvery: Millis
  /** Set by hand, or `null`. */
  readonly externalIp: string | null
  readonly ipServices: readonly string[]
}

/** The link between the halves of a split proxy (spec 10). */
export interface SplitSettings {
  /** Of a front: its back. Of a back: where it listens. */
  readonly at: Endpoint
  /** What this node calls itself. */
  readonly nodeName: string
  /** Paths of PEM files; `null` for plain TCP on loopback. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | null
  /** Names in certificates that a back takes; empty for every one that verifies. */
  readonly allowedFronts: readonly string[]
  readonly grace: Millis
  readonly maxParked: number
}

/** All settings of a proxy, checked, with defaults, in the units of the program: milliseconds and bytes. */
export interface ProxySettings {
  readonly role: 'both' | 'front' | 'back'
  /** Empty on a back. */
  readonly listeners: readonly ListenerSettings[]
  /** Of each listener. */
  readonly maxConnections: number
  readonly client: ClientSettings
  readonly policy: readonly PolicyRule[]
  /** Entries of tables, and files that have more. */
  readonly tables: ReadonlyMap<string, { readonly entries: readonly string[]; readonly file: string | null }>
  /** Of all ports, also on a back, each owner once. */
  readonly secrets: readonly SecretSettings[]
  readonly replay: { readonly maxItems: number; readonly maxBytes: number; readonly maxAge: Millis } | null
  readonly telegram: TelegramSettings
  readonly dataCenter: DataCenterSettings
  /** `null` unless this is a half. */
  readonly split: SplitSettings | null
  /** Host for links, or `null` to find one. */
  readonly publicHost: string | null
  readonly admin: string | null
  readonly metrics: string | null
  readonly cacheDir: string | null
  readonly shutdownGrace: Millis
  /** As they were written, with defaults: for comparing. Holds secrets. */
  readonly options: ProxyOptions
}
