import { isIpv4, parseIp } from './ip-address.js'

/** Where a middle proxy listens. */
export interface MiddleProxyAddress {
  /** An IP address as text, without brackets; or a name. */
  readonly host: string
  readonly port: number
}

/** What Telegram says about its middle proxies (spec 4). */
export interface ProxyConfig {
  /** The data centre for clients that name an unknown one, or `null`. */
  readonly defaultDc: number | null
  /** The middle proxies of each data centre, in the order of the lines. */
  readonly datacenters: ReadonlyMap<number, readonly MiddleProxyAddress[]>
  /** Lines that look like addresses and are none, shortened, at most ten. */
  readonly problems: readonly string[]
}

const maxProblems = 10
const proxyFor = /^proxy_for\s+([-+]?\d{1,6})\s+(\S+?)\s*;$/
const proxy = /^proxy\s+(\S+?)\s*;$/
const defaultFor = /^default\s+([-+]?\d{1,6})\s*;$/

/**
 * Reads the text of getProxyConfig or getProxyConfigV6: `default N;`, `proxy_for N HOST:PORT;`, and `proxy HOST:PORT;`
 * for data centre 0. Everything else, comments included, is passed over.
 *
 * @example
 * ```ts
 * import { parseProxyConfig } from '@holdfast/mtproto-proxy'
 *
 * const config = parseProxyConfig('default 2;\nproxy_for 2 [2001:db8::d]:80;\nproxy_for 2 192.0.2.7:443;\n')
 * config.datacenters.get(2) // => [{ host: '2001:db8::d', port: 80 }, { host: '192.0.2.7', port: 443 }]
 * ```
 */
export function parseProxyConfig(text: string): ProxyConfig {
  const datacenters = new Map<number, MiddleProxyAddress[]>()
  const problems: string[] = []
  let defaultDc: number | null = null
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (!/^(default|proxy|proxy_for)\s/.test(line)) continue
    const named = defaultFor.exec(line)
    if (named !== null) {
      defaultDc = Number(named[1])
      continue
    }
    const [dcId, text] = addressLine(line)
    const address = parseAddress(text)
    if (address === null) {
      if (problems.length < maxProblems) problems.push(line.slice(0, 80))
      continue
    }
    const addresses = datacenters.get(dcId)
    if (addresses === undefined) datacenters.set(dcId, [address])
    else addresses.push(address)
  }
  return { defaultDc, datacenters, problems }
}

/** Writes such a text. */
export function formatProxyConfig(config: Pick<ProxyConfig, 'defaultDc' | 'datacenters'>): string {
  const lines = [...config.datacenters].flatMap(([dcId, addresses]) =>
    addresses.map(({ host, port }) => {
      return `proxy_for ${dcId} ${host.includes(':') ? `[${host}]` : host}:${port};\n`
    }),
  )
  return (config.defaultDc === null ? '' : `default ${config.defaultDc};\n`) + lines.join('')
}

function addressLine(line: string): readonly [dcId: number, address: string] {
  const some = proxyFor.exec(line)
  if (some !== null) return [Number(some[1]), some[2] ?? '']
  return [0, proxy.exec(line)?.[1] ?? '']
}

/** The port follows the last colon; IPv6 stands in brackets. */
function parseAddress(text: string): MiddleProxyAddress | null {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(parts?.[3])
  if (parts === null || port < 1 || port > 65_535) return null
  const [, v6, name] = parts
  if (v6 !== undefined) {
    const ip = parseIp(v6)
    return ip !== null && !isIpv4(ip) ? { host: v6, port } : null
  }
  const host = name ?? ''
  const isAddress = /^[\d.]+$/.test(host) ? parseIp(host) !== null : /^[\w.-]{1,253}$/.test(host)
  return isAddress ? { host, port } : null
}
