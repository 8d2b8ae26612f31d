import { HoldfastError } from '@holdfast/core'
import { formatSecret, parseSecret, type Secret } from './secret.js'

/** Where a proxy is and how to speak to it: what a `tg://proxy` link says. */
export interface ProxyLink {
  /** Host name or address; IPv6 without brackets. */
  readonly server: string
  readonly port: number
  readonly secret: Secret
}

/** A text is no link to a proxy. The message does not repeat it. Code `HF_MTPROTO_BAD_LINK`. */
export class LinkError extends HoldfastError {
  override readonly name: string = 'LinkError'

  constructor(what: string) {
    const form = 'tg://proxy?server=HOST&port=PORT&secret=SECRET'
    super('HF_MTPROTO_BAD_LINK', `the link ${what}: it must be like ${form}`)
  }
}

/** Sites whose `/proxy` page hands over to the app. */
const sites: ReadonlySet<string> = new Set(['t.me', 'telegram.me', 'telegram.dog'])

/**
 * Reads a link, `tg:` or `https:` (spec 2).
 *
 * @throws a `LinkError`, or a `SecretError` if only the secret is wrong
 */
export function parseLink(text: string): ProxyLink {
  const url = toUrl(text)
  if (url === null || !isProxyUrl(url)) throw new LinkError('does not lead to a proxy')
  const server = url.searchParams.get('server') ?? ''
  if (!/^[\w.:-]{1,253}$/.test(server)) throw new LinkError('has no server')
  const port = url.searchParams.get('port') ?? ''
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) throw new LinkError('has no port')
  // A query has + for a space, and base64 has +.
  const secret = (url.searchParams.get('secret') ?? '').replaceAll(' ', '+')
  return { server, port: Number(port), secret: parseSecret(secret) }
}

/**
 * Writes a link.
 *
 * @param scheme - `tg` opens the app at once, `https` works in any browser
 *
 * @example
 * ```ts
 * import { formatLink, parseSecret } from '@holdfast/mtproto-proxy'
 *
 * const secret = parseSecret('d0d6e111bada5511fcce9584deadbeef')
 * formatLink({ server: '192.0.2.1', port: 443, secret }, 'tg')
 * // => 'tg://proxy?server=192.0.2.1&port=443&secret=d0d6e111bada5511fcce9584deadbeef'
 * ```
 */
export function formatLink(link: ProxyLink, scheme: 'tg' | 'https'): string {
  const query = new URLSearchParams({
    server: link.server,
    port: String(link.port),
    secret: formatSecret(link.secret),
  })
  return `${scheme === 'tg' ? 'tg://proxy' : 'https://t.me/proxy'}?${query.toString()}`
}

function toUrl(text: string): URL | null {
  try {
    // Node.js 20 throws at some texts for which its canParse answers true.
    return new URL(text)
  } catch {
    // The error would repeat the link, and with it the secret.
    return null
  }
}

function isProxyUrl(url: URL): boolean {
  if (url.protocol === 'tg:') return url.hostname === 'proxy' || url.pathname === 'proxy'
  const http = url.protocol === 'https:' || url.protocol === 'http:'
  return http && sites.has(url.hostname) && url.pathname === '/proxy'
}
