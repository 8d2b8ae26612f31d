/** A relay's URL as {@link normalizeRelayUrl} writes it: the key by which relays are told apart. */
export type RelayUrl = string

/** Nobody's URL is longer; what is goes to nobody's lists. */
const maxUrlLength = 1024
const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i
/** The URL parser would drop some of these silently. */
const blankOrControl = /[\s\p{Cc}]/u

/**
 * Writes a relay's URL in the one way that is used as a key (R2), `null` if it cannot be one: scheme `wss` unless given,
 * scheme and host in lower case, no default port, no trailing slash, no fragment; never with user information.
 *
 * @example
 * ```ts
 * import { normalizeRelayUrl } from '@holdfast/nostr-sync'
 *
 * normalizeRelayUrl('WSS://Grasp.Example:443/') // => 'wss://grasp.example'
 * normalizeRelayUrl('grasp.example/nostr/') // => 'wss://grasp.example/nostr'
 * normalizeRelayUrl('https://grasp.example') // => null
 * ```
 */
export function normalizeRelayUrl(text: string): RelayUrl | null {
  const trimmed = text.trim()
  if (trimmed.length > maxUrlLength || blankOrControl.test(trimmed)) return null
  const url = parse(hasScheme.test(trimmed) ? trimmed : `wss://${trimmed}`)
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) return null
  if (url.hostname === '' || url.username !== '' || url.password !== '') return null
  return `${url.protocol}//${hostOf(url)}${url.pathname.replace(/\/+$/, '')}${url.search}`
}

/** The relay that a repository's `clone` URL stands for: same host and port, no path (R3). Only http and https have one. */
export function cloneUrlToRelayUrl(text: string): RelayUrl | null {
  const trimmed = text.trim()
  if (trimmed.length > maxUrlLength) return null
  const url = parse(trimmed)
  if (url === null) return null
  if (url.protocol === 'https:') return normalizeRelayUrl(`wss://${url.host}`)
  if (url.protocol === 'http:') return normalizeRelayUrl(`ws://${url.host}`)
  return null
}

/**
 * Host and port of a URL of ours or theirs in the form in which service domains are compared (R5); `null` if there
 * is none. A default port is left out, whatever the scheme.
 */
export function serviceHost(text: string): string | null {
  const url = parse(text.trim())
  return url === null || url.hostname === '' ? null : hostOf(url)
}

/** Whether a relay is one of our own domains, each `host` or `host:port` (R5): exactly, not as part of a name. */
export function isOwnRelay(url: RelayUrl, domains: readonly string[]): boolean {
  const host = serviceHost(url)
  return host !== null && domains.some((domain) => domain.toLowerCase() === host)
}

function parse(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null // Whoever asks takes null for «not a URL».
  }
}

/** A trailing dot says that a name is complete, not that it is another host. */
function hostOf(url: URL): string {
  const name = url.hostname.toLowerCase().replace(/\.$/, '')
  return url.port === '' ? name : `${name}:${url.port}`
}
