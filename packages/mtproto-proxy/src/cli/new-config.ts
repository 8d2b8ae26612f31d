/** What {@link newConfig} writes. */
export interface NewConfig {
  readonly role: 'both' | 'front' | 'back'
  readonly port: number
  /** 32 hex digits. */
  readonly secret: string
  /** The site for fake-TLS links. */
  readonly domain: string
  /** Public address, or `null` if nobody told it. */
  readonly externalIp: string | null
}

/** A configuration in TOML with comments, ready to run but for what its comments say. */
export function newConfig(options: NewConfig): string {
  const { role } = options
  return [
    '# Configuration of holdfast-mtproto-proxy. All options, with their defaults, are in its README.\n',
    role === 'both' ? '' : `node_role = "${role}"\n`,
    role === 'back' ? '' : front(options),
    role === 'front' ? '' : back(options),
    `
# Where Telegram's configuration and what secrets have used up are kept. The folder must exist.
# cache_dir = "/var/lib/holdfast-mtproto-proxy"
`,
    role === 'both' ? '' : link(role),
    role === 'back' ? '' : ports(options),
  ].join('')
}

function front({ externalIp }: NewConfig): string {
  return `
# Name or address of this proxy in links.
${externalIp === null ? '# public_host = "proxy.example.com"' : `public_host = "${externalIp}"`}

# Fake-TLS only, which is the hardest to tell from a web site. Add "secure" for clients that cannot.
allowed_protocols = ["fake_tls"]

# TLS clients without a valid secret are relayed to the site that they ask for, so that probing finds that site.
domain_fronting = "sni"

# One address can have so many connections at once; an app opens 3 to 8.
# [[policy]]
# rule = "max_connections"
# keys = ["port_name", "client_ipv4"]
# max = 50
`
}

function back({ externalIp }: NewConfig): string {
  return externalIp === null
    ? `
# EDIT: the address that this host has on the Internet; it is looked up at every start if it is not given.
# external_ip = "203.0.113.7"
`
    : `
# The address that this host has on the Internet, as it was found.
external_ip = "${externalIp}"
`
}

function link(role: 'front' | 'back'): string {
  const [own, address] =
    role === 'front'
      ? ['front1', '\n# EDIT: where the back listens.\nback_node = "tls://back.example.com:4430"\n']
      : ['back', '']
  return `${address}
# EDIT: the link between the halves. Make the files by "holdfast-mtproto-proxy certs init" and "certs add-node".
[split]
${role === 'back' ? 'listen = "tls://0.0.0.0:4430"\nallowed_fronts = ["front1"]' : 'node_name = "front1"'}
ca_file = "ca.crt"
cert_file = "${own}.crt"
key_file = "${own}.key"
`
}

function ports({ port, secret, domain }: NewConfig): string {
  return `
[[ports]]
name = "main"
port = ${port}
# EDIT: a site that is reachable from where your users are, and that is not yours alone.
domain = "${domain}"
secret = "${secret}"
# The promoted channel, from @MTProxybot.
# tag = "00000000000000000000000000000000"

# Instead of one secret, one for each user:
# [[ports.secrets]]
# name = "alice"
# secret = "..."           # holdfast-mtproto-proxy secret generate
# expires = 2030-01-01
# quota_bytes = "100 GiB"
# max_connections = 16
`
}
