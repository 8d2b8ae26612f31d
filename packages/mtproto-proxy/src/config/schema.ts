import { z } from 'zod'
import { checkOptions } from './checks.js'
import { type OptionFacts, option } from './meta.js'
import { count, domain, httpAddress, httpUrl, ip, policyRule, port, table } from './parts.js'

const linkForms = 'must be tls://HOST:PORT, or tcp://127.0.0.1:PORT or unix:PATH for a tunnel'
const atOnce = { reload: 'at-once' } as const
const newClients = { reload: 'new-clients' } as const
const onFront = { reload: 'new-clients', side: 'front' } as const
const onBack = { reload: 'at-once', side: 'back' } as const
const newLinks = { reload: 'new-connections', side: 'back' } as const
const link = { reload: 'new-connections' } as const
const restart = { reload: 'restart' } as const

const about = <S extends z.ZodType>(schema: S, text: string, facts: Omit<OptionFacts, 'about'>): S =>
  option(schema, { about: text, ...facts })

const clients = {
  listen_ip: about(ip.default('0.0.0.0'), 'Where ports listen that do not say it; `::` takes IPv4 too', {
    reload: 'listeners',
    side: 'front',
  }),
  ports: about(z.array(port).default([]), 'The ports, see below', {
    reload: 'listeners',
    side: 'front',
    secret: true,
  }),
  max_connections: about(
    count.default(64_000),
    'Connections of one port, up to half of them newcomers; more are reset at once',
    {
      reload: 'at-once',
      side: 'front',
    },
  ),
  allowed_protocols: about(
    z
      .array(z.enum(['fake_tls', 'secure', 'abridged', 'intermediate']))
      .min(1)
      .default(['fake_tls', 'secure', 'abridged', 'intermediate']),
    'What clients may speak; links are made for these',
    onFront,
  ),
  policy: about(z.array(policyRule).default([]), 'Rules, see below; all must pass', newClients),
  tables: about(
    z.record(z.string(), table).default({}),
    'Tables that rules look into, see below',
    newClients,
  ),
  per_sni_secrets: about(
    z.boolean().default(false),
    "A fake-TLS client's key is derived from the secret and its domain",
    onFront,
  ),
  per_sni_secret_salt: about(
    z.string().min(1).default('mtproto-proxy-per-sni-v1'),
    'Goes into the derivation',
    { ...onFront, secret: true },
  ),
  tls_time_skew_sec: about(
    z
      .union([
        z.literal('off'),
        z.strictObject({
          past: z.number().min(0).default(600),
          future: z.number().min(0).default(1200),
        }),
      ])
      .prefault({}),
    "How far a fake-TLS client's clock may be behind ours and ahead; `off` takes any",
    onFront,
  ),
  tls_server_cert_len: about(
    z
      .union([z.number().int().min(1).max(16_000), z.array(z.number().int().min(1).max(16_000)).length(2)])
      .default([2000, 4000]),
    'Bytes of the certificate that fake-TLS pretends: a number, or the least and the most',
    onFront,
  ),
  bad_client: about(
    z.enum(['close', 'swallow', 'front']).default('swallow'),
    'What who has no valid secret and speaks no TLS meets: closing, silence until `init_timeout_sec`, or the decoy',
    onFront,
  ),
  domain_fronting: about(
    z
      .string()
      .regex(/^(off|sni|[^\s/]+:\d{1,5})$/, { error: 'must be off, sni, or HOST:PORT' })
      .default('off'),
    'Where TLS clients without a valid secret are relayed to: `sni` is the host that they ask for, if its address is a public one, or `HOST:PORT`',
    onFront,
  ),
  domain_fronting_timeout_sec: about(
    z.number().positive().default(10),
    'How long connecting there may take',
    onFront,
  ),
  domain_fronting_max_connections: about(count.default(1000), 'Relayed at once, all ports together', onFront),
  reset_close_socket: about(
    z.enum(['off', 'handshake_error', 'always']).default('off'),
    'When connections are closed by RST: never, before the handshake has succeeded, or always',
    onFront,
  ),
  init_timeout_sec: about(z.number().positive().default(60), 'How long a handshake may take', onFront),
  hibernate_timeout_sec: about(
    z.number().positive().default(60),
    'Silence after which memory is given back',
    onFront,
  ),
  ready_timeout_sec: about(
    z.number().positive().default(1200),
    'Silence after which a client is closed',
    onFront,
  ),
  upstream_send_timeout_ms: about(count.default(15_000), 'How long a write to a client may take', onFront),
  upstream_healthchecks: about(
    z
      .strictObject({
        qlen: count.default(300),
        total_mem: count.default(3_145_728),
      })
      .prefault({}),
    'A client is closed that has more packets, or bytes, waiting for it',
    onFront,
  ),
  replay_check_session_storage: about(
    z.boolean().default(true),
    'Refuse handshakes that were seen before',
    newClients,
  ),
  replay_check_session_storage_opts: about(
    z
      .strictObject({
        max_items: count.default(4_000_000),
        max_memory_mb: count.default(512),
        max_age_minutes: count.default(360),
      })
      .prefault({}),
    'How many of them are remembered, and how long; a change forgets them',
    atOnce,
  ),
  replay_check_server_error_filter: about(
    z.enum(['first', 'on', 'off']).default('first'),
    "Whether Telegram's error -404 is kept from clients: as the first packet only, always, or never",
    onFront,
  ),
  strict_plain_packets: about(
    z.boolean().default(false),
    'Drop unencrypted packets that are no step of a key exchange',
    newClients,
  ),
}

const telegram = {
  proxy_secret_url: about(
    httpUrl.default('https://core.telegram.org/getProxySecret'),
    "Telegram's secret for proxies",
    onBack,
  ),
  proxy_config_url: about(
    httpUrl.default('https://core.telegram.org/getProxyConfig'),
    "The addresses of Telegram's middle proxies; `getProxyConfigV6` has those of IPv6",
    onBack,
  ),
  proxy_secret_file: about(z.string().min(1).optional(), 'The secret as a file, instead of its URL', onBack),
  proxy_config_file: about(z.string().min(1).optional(), 'The addresses as a file, instead', onBack),
  core_api_http_timeout_ms: about(count.default(3000), 'How long one of these requests may take', onBack),
  conf_refresh_interval: about(count.default(3600), 'How often they are repeated, in seconds', onBack),
  external_ip: about(
    ip.optional(),
    'The address under which Telegram sees this host; looked up if it is not given',
    newLinks,
  ),
  ip_lookup_services: about(
    z
      .array(httpUrl)
      .default([
        'https://ipv4.icanhazip.com/',
        'https://v4.ident.me/',
        'https://api.ipify.org/',
        'https://checkip.amazonaws.com/',
      ]),
    'Who is asked for it, in this order; an empty list takes the address of the socket',
    newLinks,
  ),
  init_dc_connections: about(
    z.number().int().min(0).default(2),
    'Connections to each data centre at least',
    onBack,
  ),
  clients_per_dc_connection: about(
    count.default(300),
    'Clients on one of them from which another is opened; no limit',
    onBack,
  ),
  downstream_backpressure: about(
    z
      .strictObject({
        bytes_total: z.number().int().gt(1024).optional(),
        packets_total: z.number().int().gt(10).optional(),
        bytes_per_upstream: z.number().min(1024).optional(),
        packets_per_upstream: z.number().min(1).optional(),
      })
      .prefault({}),
    'Reading from Telegram stops while more has not reached clients; totals default to 30 KiB and 2 packets for each of `clients_per_dc_connection`. Clients that hold more than their share and take nothing for 3 s meanwhile are closed; after 15 s the slowest is, whatever it takes',
    onBack,
  ),
  mtp_full_check_crc32: about(
    z.boolean().default(true),
    "Check the checksums of Telegram's frames",
    newLinks,
  ),
  migration: about(
    z
      .strictObject({
        wait_ready_ms: z.number().int().min(0).default(3000),
        max_parked: count.default(10_000),
        resend_unsent: z.boolean().default(false),
        replace_after_sec: z.number().positive().optional(),
      })
      .prefault({}),
    'How long clients wait for a connection, how many may; whether a packet that had not left goes to the next one; age at which a connection is replaced before Telegram closes it',
    onBack,
  ),
}

const operation = {
  node_role: about(
    z.enum(['both', 'front', 'back']).default('both'),
    'Which half of a split proxy this is',
    restart,
  ),
  back_node: about(
    z
      .string()
      .regex(/^(tls|tcp):\/\/[^\s/]+:\d{1,5}$|^unix:.+/, { error: linkForms })
      .optional(),
    'Of a front: where its back is',
    { ...link, side: 'front' },
  ),
  split: about(
    z
      .strictObject({
        listen: z
          .string()
          .regex(/^(tls|tcp):\/\/[^\s/]+:\d{1,5}$|^unix:.+/, { error: linkForms })
          .optional(),
        node_name: domain.or(z.string().regex(/^[\w.-]{1,64}$/)).optional(),
        ca_file: z.string().min(1).optional(),
        cert_file: z.string().min(1).optional(),
        key_file: z.string().min(1).optional(),
        allowed_fronts: z.array(z.string().min(1)).default([]),
        grace_ms: z.number().int().min(0).default(5000),
        max_parked: count.default(20_000),
      })
      .prefault({}),
    'The link between the halves, see below',
    restart,
  ),
  public_host: about(
    z.string().min(1).optional(),
    'Name or address in links; otherwise `external_ip`, or the address of the port',
    atOnce,
  ),
  admin: about(
    z.union([z.literal(false), httpAddress]).default('127.0.0.1:8889'),
    'Where `status`, `table` and `reload` find the running program, with `/metrics`; `false` for nowhere',
    restart,
  ),
  metrics: about(httpAddress.optional(), 'Where `/metrics` alone is served, for other hosts', restart),
  cache_dir: about(
    z.string().min(1).optional(),
    "Where Telegram's configuration and what secrets have used up are kept; must exist",
    restart,
  ),
  shutdown_grace_ms: about(
    z.number().int().min(0).default(10_000),
    'How long what is in flight may take to leave after SIGTERM',
    atOnce,
  ),
}

/** The configuration as it is written, in TOML or JSON: the option names of the original (spec 11), and ours. */
export const configSchema = z
  .strictObject({ ...operation, ...clients, ...telegram })
  .superRefine((options, context) => {
    for (const { path, message } of checkOptions(options)) {
      context.addIssue({ code: 'custom', path: [...path], message })
    }
  })

/** The configuration as it was written, checked, with defaults. */
export type ProxyOptions = z.output<typeof configSchema>
