import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '@holdfast/core/service'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { configDiff } from '../src/config/diff.js'
import { configSchema } from '../src/config/schema.js'
import type { ProxySettings } from '../src/config/settings.js'
import { proxySettings, toSettings } from '../src/config/to-settings.js'

const key = 'd0d6e111bada5511fcce9584deadbeef'
const key2 = '00112233445566778899aabbccddeeff'
const main = { name: 'main', port: 443, secret: key }

/** Reads a file as the program does. */
async function load(text: string, name = 'proxy.toml'): Promise<ProxySettings> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, name)
  await writeFile(file, text)
  return toSettings(
    await loadConfig({ schema: configSchema, prefix: 'HOLDFAST_MTPROTO_PROXY', file, env: {} }),
  )
}

/** What is wrong with a configuration of one port and more. */
function problems(more: object): string[] {
  const result = configSchema.safeParse({ ports: [main], ...more })
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('11 the configuration', () => {
  it('needs one port with a secret, and has the defaults of the original for the rest', () => {
    const settings = proxySettings({ ports: [main] })
    expect(settings).toMatchObject({
      role: 'both',
      maxConnections: 64_000,
      client: {
        allowedProtocols: new Set(['fake_tls', 'secure', 'abridged', 'intermediate']),
        perSniSalt: null,
        fronting: { target: { kind: 'off' }, connectWithin: 10_000 },
        resetClose: 'off',
        initWithin: 60_000,
        hibernateAfter: 60_000,
        closeAfter: 1_200_000,
        sendWithin: 15_000,
        health: { maxPackets: 300, maxBytes: 3_145_728 },
        serverErrorFilter: 'first',
        badClient: 'swallow',
      },
      policy: [],
      replay: { maxItems: 4_000_000, maxBytes: 512 * 2 ** 20, maxAge: 360 * 60_000 },
      telegram: { httpWithin: 3000, refreshEvery: 3_600_000, externalIp: null },
      dataCenter: {
        minConnections: 2,
        clientsPerConnection: 300,
        credits: { bytesOfOneClient: 3_145_728 },
        verifyChecksums: true,
        resendUnsent: false,
        replaceAfter: null,
        parkWithin: 3000,
        parkMax: 10_000,
      },
      split: null,
      admin: '127.0.0.1:8889',
      shutdownGrace: 10_000,
    })
    expect(settings.listeners).toEqual([
      {
        name: 'main',
        at: { uri: 'tcp://0.0.0.0:443' },
        ip: '0.0.0.0',
        port: 443,
        balancers: null,
        secrets: [
          {
            name: 'main',
            key: Buffer.from(key, 'hex'),
            adTag: null,
            domain: null,
            isEnabled: true,
            expiresAt: null,
            quotaBytes: null,
            maxConnections: null,
          },
        ],
      },
    ])
  })

  it('is TOML, with names, limits and dates of secrets', async () => {
    const settings = await load(`
      listen_ip = "::"
      cache_dir = "/var/lib/proxy"
      tls_time_skew_sec = "off"
      tls_server_cert_len = 3000
      domain_fronting = "[2001:db8::1]:443"

      [[policy]]
      rule = "max_connections"
      keys = ["secret", "client_ipv4_subnet/24"]
      max = 8

      [[policy]]
      rule = "not_in_table"
      key = "client_ipv4"
      table = "banned"

      [tables.banned]
      entries = ["192.0.2.0/24"]
      file = "/etc/banned.txt"

      [[ports]]
      name = "main"
      port = 443
      tag = "${key2}"
      domain = "WWW.example.com"
      [[ports.secrets]]
      name = "alice"
      secret = "${key}"
      expires = 2027-01-31
      quota_bytes = "50 GiB"
      max_connections = 8
      [[ports.secrets]]
      name = "bob"
      secret = "ee${key2}6578616d706c652e6f7267"
      tag = "${key}"
      enabled = false

      [[ports]]
      name = "inherited"
      port = 8443
      listen_fd = 3
      proxy_protocol = true
      secret = "${key2}"
    `)
    expect(
      settings.listeners.map(({ at, balancers }) => [at.uri, balancers?.includes('10.0.0.0/8')]),
    ).toEqual([
      ['tcp://[::]:443', undefined],
      ['fd:3', true],
    ])
    expect(settings.listeners[0]?.secrets).toEqual([
      {
        name: 'alice',
        key: Buffer.from(key, 'hex'),
        adTag: Buffer.from(key2, 'hex'),
        domain: 'www.example.com',
        isEnabled: true,
        expiresAt: Date.UTC(2027, 0, 31),
        quotaBytes: 50 * 2 ** 30,
        maxConnections: 8,
      },
      {
        name: 'bob',
        key: Buffer.from(key2, 'hex'),
        adTag: Buffer.from(key, 'hex'),
        domain: 'www.example.com',
        isEnabled: false,
        expiresAt: null,
        quotaBytes: null,
        maxConnections: null,
      },
    ])
    expect(settings.secrets.map(({ name }) => name)).toEqual(['alice', 'bob', 'inherited'])
    expect(settings.policy).toEqual([
      { kind: 'max_connections', keys: [{ kind: 'secret' }, { kind: 'client_ipv4', bits: 24 }], max: 8 },
      { kind: 'not_in_table', key: { kind: 'client_ipv4', bits: 32 }, table: 'banned' },
    ])
    expect(settings.tables).toEqual(
      new Map([['banned', { entries: ['192.0.2.0/24'], file: '/etc/banned.txt' }]]),
    )
    expect(settings.client).toMatchObject({
      timeSkew: 'off',
      certificateBytes: [3000, 3000],
      fronting: { target: { kind: 'fixed', host: '2001:db8::1', port: 443 } },
    })
  })

  it('is JSON too', async () => {
    const settings = await load(JSON.stringify({ ports: [main], external_ip: '192.0.2.1' }), 'proxy.json')
    expect(settings.telegram.externalIp).toBe('192.0.2.1')
  })

  it('10 is of a front or of a back', () => {
    const tls = { ca_file: 'ca.crt', cert_file: 'node.crt', key_file: 'node.key' }
    const front = proxySettings({
      node_role: 'front',
      back_node: 'tls://back.example:4430',
      split: tls,
      ports: [main],
    })
    expect(front.split).toMatchObject({
      at: { uri: 'tls://back.example:4430' },
      tls: { ca: 'ca.crt', cert: 'node.crt', key: 'node.key' },
      grace: 5000,
      maxParked: 20_000,
    })
    const back = proxySettings({
      node_role: 'back',
      split: { listen: 'tcp://127.0.0.1:4430' },
      ports: [main],
    })
    expect(back.listeners).toEqual([])
    expect(back.secrets).toHaveLength(1)
    expect(back.split).toMatchObject({
      at: { uri: 'tcp://127.0.0.1:4430' },
      tls: null,
    })
  })
})

describe('11 a wrong configuration', () => {
  it.each([
    [{ ports: [] }, 'ports: must have at least one [[ports]]'],
    [
      { ports: [{ name: 'a', port: 1 }] },
      'ports.0.secret: port a needs one secret, or [[ports.secrets]] with names, and not both',
    ],
    [{ ports: [main, { ...main, port: 444, name: 'MAIN' }] }, 'ports.1.name: two ports are called MAIN'],
    [{ ports: [main, { ...main, name: 'b' }] }, 'ports.1.port: two ports listen on 0.0.0.0 port 443'],
    [
      {
        ports: [
          {
            name: 'a',
            port: 1,
            secrets: [
              { name: 'x', secret: key },
              { name: 'X', secret: key2 },
            ],
          },
        ],
      },
      'ports.0.secrets.1.name: port a has two secrets called X',
    ],
    [
      {
        ports: [
          {
            name: 'a',
            port: 1,
            secrets: [
              { name: 'x', secret: key },
              { name: 'y', secret: `dd${key}` },
            ],
          },
        ],
      },
      'ports.0.secrets.1.secret: port a has the secret of y twice',
    ],
    [
      { ports: [{ name: 'a', port: 1, secrets: [{ name: 'x', secret: key, quota_bytes: 5 }] }] },
      'ports.0.secrets.0.quota_bytes: a quota needs cache_dir, or a restart would forget what was used up',
    ],
    [
      {
        ports: [
          { name: 'a', port: 1, secrets: [{ name: 'x', secret: key, max_connections: 5 }] },
          { name: 'b', port: 2, secrets: [{ name: 'x', secret: key, max_connections: 6 }] },
        ],
      },
      'ports.1.secrets.0.name: x has other limits on another port',
    ],
    [
      { policy: [{ rule: 'in_table', key: 'secret', table: 'vip' }] },
      'policy.0.table: there is no table vip; add [tables.vip]',
    ],
    [{ bad_client: 'front' }, 'bad_client: can be front only if domain_fronting is a HOST:PORT'],
    [{ tls_server_cert_len: [4000, 2000] }, 'tls_server_cert_len: must be the least and then the most'],
    [
      { proxy_secret_file: 'x' },
      'proxy_config_file: give both proxy_secret_file and proxy_config_file, or neither',
    ],
    [{ node_role: 'front' }, 'back_node: a front needs it'],
    [{ node_role: 'back' }, 'split.listen: a back needs it'],
    [
      { node_role: 'back', split: { listen: 'tcp://10.0.0.2:1' } },
      'split.listen: can be tcp on loopback only, for a tunnel; use tls',
    ],
    [{ init_timeout_sec: 0 }, 'init_timeout_sec: Too small: expected number to be >0'],
    [{ num_acceptors: 60 }, ': Unrecognized key: "num_acceptors"'],
    [
      { policy: [{ rule: 'max_connections', keys: ['ip'], max: 1 }] },
      'policy.0.keys.0: must be port_name, secret, tls_domain, client_ipv4, client_ipv6, client_ipv4_subnet/N or client_ipv6_subnet/N',
    ],
    [
      { downstream_backpressure: { bytes_total: 1024 } },
      'downstream_backpressure.bytes_total: Too small: expected number to be >1024',
    ],
    [
      { ports: [{ ...main, secrets: [{ name: 'x', secret: key2, expires: 'soon' }], secret: undefined }] },
      'ports.0.secrets.0.expires: must be a date, such as 2027-01-31 or 2027-01-31T12:00:00Z',
    ],
  ])('%j is refused: %s', (more, problem) => {
    expect(problems(more)).toEqual([problem])
  })

  it('needs three files for a link over TLS', () => {
    expect(problems({ node_role: 'front', back_node: 'tls://back.example:4430' })).toEqual(
      ['ca_file', 'cert_file', 'key_file'].map(
        (file) => `split.${file}: back_node is tls: it is needed, see "certs init --help"`,
      ),
    )
  })

  it('is explained with field, value and fix, and without secrets', async () => {
    const failed = load(`
      init_timeout = 5
      ready_timeout_sec = -1
      [[ports]]
      name = "main"
      port = 443
      secrt = "${key}"
      secret = "${key}00"
    `)
    await expect(failed).rejects.toMatchObject({ code: 'HF_BAD_CONFIG' })
    const error = (await failed.catch((cause: unknown) => cause)) as {
      problems: readonly string[]
      message: string
    }
    expect(error.problems.map((line) => line.replace(/from \S+;/, 'from FILE;'))).toEqual([
      'ports.0.secret: must be 32 hex digits, or what a link has after secret=; make one by "holdfast-mtproto-proxy secret generate", got [secret] from FILE; change it there',
      'ports.0.secrt: there is no such field; did you mean secret?',
      'ready_timeout_sec: Too small: expected number to be >0, got -1 from FILE; change it there',
      'init_timeout: there is no such field; did you mean init_timeout_sec?',
    ])
    expect(error.message).not.toContain(key)
  })
})

describe('11 a reload', () => {
  const base = { ports: [main, { name: 'b', port: 444, secret: key2 }] }
  const diff = (next: object, old: object = base): ReturnType<typeof configDiff> =>
    configDiff(proxySettings(old), proxySettings(next))

  it('of the same has nothing to do', () => {
    expect(diff(base)).toEqual({
      listeners: { start: [], stop: [], update: [], keep: ['main', 'b'] },
      changed: [],
      refused: [],
    })
  })

  it('starts and stops ports, keeps unchanged ones, and gives others their new secrets', () => {
    const { listeners, changed } = diff({
      ports: [main, { name: 'b', port: 445, secret: key2 }, { name: 'c', port: 446, secret: key }],
    })
    expect([listeners.start.map(({ name }) => name), listeners.stop, listeners.keep]).toEqual([
      ['b', 'c'],
      ['b'],
      ['main'],
    ])
    expect(changed).toEqual([{ option: 'ports', reload: 'listeners', side: 'front' }])
    const gone = diff({ ports: [main] }).listeners
    expect([gone.start, gone.stop]).toEqual([[], ['b']])
    const proxied = diff({ ports: [{ ...main, proxy_protocol: true }, base.ports[1]] }).listeners
    expect(proxied.stop).toEqual(['main'])
    const rekeyed = diff({ ports: [main, { name: 'b', port: 444, secret: key }] }).listeners
    expect([rekeyed.start, rekeyed.stop, rekeyed.update.map(({ name }) => name)]).toEqual([[], [], ['b']])
  })

  it('moves ports that take the default address', () => {
    const { listeners } = diff({ ...base, listen_ip: '127.0.0.1' })
    expect(listeners.stop).toEqual(['main', 'b'])
  })

  it('says when each changed option takes effect', () => {
    const { changed } = diff({
      ...base,
      max_connections: 5,
      init_timeout_sec: 5,
      clients_per_dc_connection: 10,
      mtp_full_check_crc32: false,
      tables: { t: {} },
    })
    expect(changed).toEqual([
      { option: 'max_connections', reload: 'at-once', side: 'front' },
      { option: 'tables', reload: 'new-clients' },
      { option: 'init_timeout_sec', reload: 'new-clients', side: 'front' },
      { option: 'clients_per_dc_connection', reload: 'at-once', side: 'back' },
      { option: 'mtp_full_check_crc32', reload: 'new-connections', side: 'back' },
    ])
  })

  it('refuses what needs a restart', () => {
    expect(diff({ ...base, cache_dir: '/tmp', admin: false, max_connections: 5 }).refused).toEqual([
      'admin',
      'cache_dir',
    ])
  })

  it('10 of a half passes over what the other half looks at', () => {
    const split = { listen: 'tcp://127.0.0.1:1' }
    const back = { node_role: 'back', split, ports: [] }
    expect(diff({ ...back, max_connections: 5, ports: [main], init_dc_connections: 3 }, back)).toEqual({
      listeners: { start: [], stop: [], update: [], keep: [] },
      changed: [{ option: 'init_dc_connections', reload: 'at-once', side: 'back' }],
      refused: [],
    })
    const front = { ...base, node_role: 'front', back_node: 'tcp://127.0.0.1:1', split }
    expect(
      diff(
        {
          ...front,
          init_dc_connections: 3,
          proxy_config_url: 'https://example.com/',
          back_node: 'tcp://127.0.0.1:2',
        },
        front,
      ).changed,
    ).toEqual([{ option: 'back_node', reload: 'new-connections', side: 'front' }])
  })
})
