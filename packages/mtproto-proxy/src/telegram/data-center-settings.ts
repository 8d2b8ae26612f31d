import type { Millis } from '@holdfast/core'
import type { ProxyConfig } from '../wire/proxy-config.js'
import type { CreditLimits } from './credits.js'
import type { DcPoolSettings } from './dc-pool.js'

/** What Telegram publishes for proxies, and what it knows of us (spec 4). */
export interface TelegramAccess {
  /** 32 to 256 bytes. */
  readonly proxySecret: Uint8Array
  readonly config: Pick<ProxyConfig, 'defaultDc' | 'datacenters'>
  /** Our public address, 16 bytes, as keys are derived from it; `null`: that of each connection's socket. */
  readonly externalIp: Uint8Array | null
}

/** How connections to data centres are kept. */
export interface DataCenterSettings {
  /**
   * Connections to each data centre that are kept up.
   *
   * @defaultValue 2
   */
  readonly minConnections?: number
  /**
   * Clients on each connection before more are opened; a target, not a limit.
   *
   * @defaultValue 300
   */
  readonly clientsPerConnection?: number
  /** Limits that are not given follow from `clientsPerConnection` as the specification says (6.5). */
  readonly credits?: Partial<CreditLimits>
  /**
   * Whether checksums of frames from Telegram are compared.
   *
   * @defaultValue true
   */
  readonly verifyChecksums?: boolean
  /**
   * Whether a packet that had not left when its connection died is sent again on the next (spec 9.6). Else its client
   * is closed, and sends it again itself.
   *
   * @defaultValue false
   */
  readonly resendUnsent?: boolean
  /**
   * The age at which a connection is replaced, give or take a fifth, in milliseconds: its clients are on another one
   * before Telegram closes it (spec 9.6).
   *
   * @defaultValue null, never
   */
  readonly replaceAfter?: Millis | null
  /**
   * How long a client waits for a connection when none is ready, in milliseconds.
   *
   * @defaultValue 3000
   */
  readonly parkWithin?: Millis
  /**
   * How many clients of a data centre wait at most.
   *
   * @defaultValue 10000
   */
  readonly parkMax?: number
  /**
   * How long a connection must have been ready, in milliseconds, for its end to be a matter of course: it is replaced at
   * once. Telegram closes each after 30 to 70 s.
   *
   * @defaultValue 5000
   */
  readonly stableAfter?: Millis
  /**
   * A connection that nothing was sent on for so long is pinged, in milliseconds.
   *
   * @defaultValue 5000
   */
  readonly pingEvery?: Millis
  /**
   * A connection that said nothing for so long is given up, in milliseconds.
   *
   * @defaultValue 20000
   */
  readonly hearWithin?: Millis
  /**
   * How long reading from Telegram may stop for slow clients, in milliseconds, before the slowest of them is closed (R11).
   * Those that hold more than their share, and take nothing at all meanwhile, are closed after three seconds.
   *
   * @defaultValue 15000
   */
  readonly pauseWithin?: Millis
}

const kib = 1024
/** Clients on each connection, unless it is set. */
const usualClients = 300

/** What {@link livePoolSettings} is made of. */
export interface LivePoolSettings {
  readonly fixed: Pick<DcPoolSettings, 'env' | 'metrics' | 'randomBytes' | 'afterTurn' | 'nextConnId'>
  readonly telegram: () => TelegramAccess
  readonly settings: () => DataCenterSettings
}

/** The settings of a data centre's pool, read anew whenever they are needed: what is reloaded holds for all that comes later. */
export function livePoolSettings({ fixed, telegram, settings }: LivePoolSettings): DcPoolSettings {
  return {
    ...fixed,
    credits: liveCredits(settings),
    get proxySecret() {
      return telegram().proxySecret
    },
    get externalIp() {
      return telegram().externalIp
    },
    get verifyChecksums() {
      return settings().verifyChecksums ?? true
    },
    get resendUnsent() {
      return settings().resendUnsent ?? false
    },
    get replaceAfter() {
      return settings().replaceAfter ?? null
    },
    get pauseWithin() {
      return settings().pauseWithin ?? 15_000
    },
    get minConnections() {
      return settings().minConnections ?? 2
    },
    get clientsPerConnection() {
      return settings().clientsPerConnection ?? usualClients
    },
    get parkWithin() {
      return settings().parkWithin ?? 3000
    },
    get parkMax() {
      return settings().parkMax ?? 10_000
    },
    get stableAfter() {
      return settings().stableAfter ?? 5000
    },
    get pingEvery() {
      return settings().pingEvery ?? 5000
    },
    get hearWithin() {
      return settings().hearWithin ?? 20_000
    },
  }
}

/** The limits of now, the defaults as the reference derives them (spec 6.5). */
function liveCredits(settings: () => DataCenterSettings): CreditLimits {
  const clients = (): number => settings().clientsPerConnection ?? usualClients
  return {
    get packetsTotal() {
      return settings().credits?.packetsTotal ?? 2 * clients()
    },
    get bytesTotal() {
      return settings().credits?.bytesTotal ?? 30 * kib * clients()
    },
    get packetsPerClient() {
      return settings().credits?.packetsPerClient
    },
    get bytesPerClient() {
      return settings().credits?.bytesPerClient
    },
    get bytesOfOneClient() {
      return settings().credits?.bytesOfOneClient ?? 4096 * kib
    },
  }
}
