import { Buffer } from 'node:buffer'
import { hostname } from 'node:os'
import { localNetworks } from '../client/balancers.js'
import { type PolicyKey, type PolicyRule, parseKey } from '../policy/rules.js'
import type { DataCenterSettings } from '../telegram/data-center-settings.js'
import { parseSecret } from '../wire/secret.js'
import { bytesOf } from './parts.js'
import { configSchema, type ProxyOptions } from './schema.js'
import type {
  ClientSettings,
  FrontingTarget,
  ListenerSettings,
  ProxySettings,
  SecretSettings,
  SplitSettings,
  TelegramSettings,
} from './settings.js'

const second = 1000
const mebibyte = 2 ** 20

/**
 * Checks a configuration and makes settings of it.
 *
 * @throws a `ZodError`; programs read their configuration by `loadConfig` of `@holdfast/core/node` instead, which explains more
 *
 * @example
 * ```ts
 * import { proxySettings } from '@holdfast/mtproto-proxy'
 *
 * const settings = proxySettings({
 *   ports: [{ name: 'main', port: 443, secret: 'd0d6e111bada5511fcce9584deadbeef' }],
 * })
 * settings.listeners[0]?.at // => { uri: 'tcp://0.0.0.0:443' }
 * settings.client.closeAfter // => 1_200_000
 * ```
 */
export function proxySettings(config: unknown): ProxySettings {
  return toSettings(configSchema.parse(config))
}

/** The settings that checked options stand for. */
export function toSettings(options: ProxyOptions): ProxySettings {
  const ports = options.ports.map((port) => listener(port, options.listen_ip))
  const role = options.node_role
  return {
    role,
    listeners: role === 'back' ? [] : ports,
    maxConnections: options.max_connections,
    client: client(options),
    policy: options.policy.map(rule),
    tables: new Map(
      Object.entries(options.tables).map(([name, { entries, file = null }]) => [name, { entries, file }]),
    ),
    secrets: owners(ports),
    replay: options.replay_check_session_storage ? replay(options) : null,
    telegram: telegram(options),
    dataCenter: dataCenter(options),
    split: split(options),
    publicHost: options.public_host ?? null,
    admin: options.admin === false ? null : options.admin,
    metrics: options.metrics ?? null,
    cacheDir: options.cache_dir ?? null,
    shutdownGrace: options.shutdown_grace_ms,
    options,
  }
}

type Port = ProxyOptions['ports'][number]

function listener(port: Port, defaultIp: string): ListenerSettings {
  const ip = port.listen_ip ?? defaultIp
  const { name, secret, tag, domain } = port
  const one = secret === undefined ? [] : [{ name, secret, enabled: true }]
  return {
    name,
    at: {
      uri:
        port.listen_fd === undefined
          ? `tcp://${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`
          : `fd:${port.listen_fd}`,
    },
    ip,
    port: port.port,
    balancers: balancers(port.proxy_protocol),
    secrets: [...one, ...port.secrets].map((each) => secretOf({ tag, domain, ...each })),
  }
}

function balancers(given: Port['proxy_protocol']): readonly string[] | null {
  if (typeof given === 'boolean') return given ? localNetworks : null
  return given
}

function secretOf(
  given: Partial<Port['secrets'][number]> & { name: string; secret: string },
): SecretSettings {
  const { name, tag, expires, quota_bytes, max_connections = null } = given
  const secret = parseSecret(given.secret)
  return {
    name,
    key: secret.key,
    adTag: tag === undefined ? null : Buffer.from(tag, 'hex'),
    domain: given.domain ?? (secret.kind === 'fake-tls' ? secret.domain.toLowerCase() : null),
    isEnabled: given.enabled ?? true,
    expiresAt: expires?.getTime() ?? null,
    quotaBytes: quota_bytes === undefined ? null : bytesOf(quota_bytes),
    maxConnections: max_connections,
  }
}

/** Each name once: the schema sees to it that all of a name have the same limits. */
function owners(ports: readonly ListenerSettings[]): SecretSettings[] {
  const all = ports.flatMap(({ secrets }) => secrets)
  return [...new Map(all.map((secret) => [secret.name, secret])).values()]
}

function client(options: ProxyOptions): ClientSettings {
  const { tls_time_skew_sec: skew, tls_server_cert_len: length, upstream_healthchecks: health } = options
  const [least = 0, most = 0] = typeof length === 'number' ? [length, length] : length
  return {
    allowedProtocols: new Set(options.allowed_protocols),
    perSniSalt: options.per_sni_secrets ? options.per_sni_secret_salt : null,
    timeSkew: skew === 'off' ? 'off' : { past: skew.past, future: skew.future },
    certificateBytes: [least, most],
    badClient: options.bad_client,
    fronting: {
      target: frontingTarget(options.domain_fronting),
      connectWithin: options.domain_fronting_timeout_sec * second,
      maxConnections: options.domain_fronting_max_connections,
    },
    resetClose: options.reset_close_socket,
    initWithin: options.init_timeout_sec * second,
    hibernateAfter: options.hibernate_timeout_sec * second,
    closeAfter: options.ready_timeout_sec * second,
    sendWithin: options.upstream_send_timeout_ms,
    health: { maxPackets: health.qlen, maxBytes: health.total_mem },
    serverErrorFilter: options.replay_check_server_error_filter,
    strictPlainPackets: options.strict_plain_packets,
  }
}

function frontingTarget(text: string): FrontingTarget {
  if (text === 'off' || text === 'sni') return { kind: text }
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '')
  return { kind: 'fixed', host, port: Number(text.slice(colon + 1)) }
}

function rule(given: ProxyOptions['policy'][number]): PolicyRule {
  switch (given.rule) {
    case 'in_table':
    case 'not_in_table':
      return { kind: given.rule, key: keyOf(given.key), table: given.table }
    case 'max_connections':
      return { kind: given.rule, keys: given.keys.map(keyOf), max: given.max }
  }
}

function keyOf(text: string): PolicyKey {
  const key = parseKey(text)
  if (key === null) throw new RangeError(`not a key that the schema lets pass: ${text}`)
  return key
}

function replay({ replay_check_session_storage_opts: given }: ProxyOptions): ProxySettings['replay'] {
  return {
    maxItems: given.max_items,
    maxBytes: given.max_memory_mb * mebibyte,
    maxAge: given.max_age_minutes * 60 * second,
  }
}

function telegram(options: ProxyOptions): TelegramSettings {
  const { proxy_secret_file: secretFile, proxy_config_file: configFile } = options
  return {
    secret:
      secretFile === undefined
        ? { kind: 'url', at: options.proxy_secret_url }
        : { kind: 'file', at: secretFile },
    config:
      configFile === undefined
        ? { kind: 'url', at: options.proxy_config_url }
        : { kind: 'file', at: configFile },
    httpWithin: options.core_api_http_timeout_ms,
    refreshEvery: options.conf_refresh_interval * second,
    externalIp: options.external_ip ?? null,
    ipServices: options.ip_lookup_services,
  }
}

function dataCenter(options: ProxyOptions): DataCenterSettings {
  const { downstream_backpressure: limits, migration } = options
  const { replace_after_sec: replaceAfter } = migration
  return {
    minConnections: options.init_dc_connections,
    clientsPerConnection: options.clients_per_dc_connection,
    credits: {
      ...(limits.bytes_total !== undefined && { bytesTotal: limits.bytes_total }),
      ...(limits.packets_total !== undefined && { packetsTotal: limits.packets_total }),
      bytesPerClient: limits.bytes_per_upstream,
      packetsPerClient: limits.packets_per_upstream,
      bytesOfOneClient: options.upstream_healthchecks.total_mem,
    },
    verifyChecksums: options.mtp_full_check_crc32,
    resendUnsent: migration.resend_unsent,
    replaceAfter: replaceAfter === undefined ? null : replaceAfter * second,
    parkWithin: migration.wait_ready_ms,
    parkMax: migration.max_parked,
  }
}

function split(options: ProxyOptions): SplitSettings | null {
  const { node_role, back_node, split: given } = options
  const at = node_role === 'front' ? back_node : given.listen
  if (node_role === 'both' || at === undefined) return null
  const { ca_file: ca, cert_file: cert, key_file: key } = given
  const hasFiles = ca !== undefined && cert !== undefined && key !== undefined
  return {
    at: { uri: at },
    nodeName: given.node_name ?? hostname(),
    tls: at.startsWith('tls:') && hasFiles ? { ca, cert, key } : null,
    allowedFronts: given.allowed_fronts,
    grace: given.grace_ms,
    maxParked: given.max_parked,
  }
}
