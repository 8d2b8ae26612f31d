import { isIpv4, parseIp } from '../wire/ip-address.js'
import { type IpPrefix, prefixOf, prefixToText } from './ip-prefix.js'

/** What a rule looks at (spec 7). `bits` of an address are those of its own family: 1 to 32, or 1 to 128. */
export type PolicyKey =
  | { readonly kind: 'port_name' }
  | { readonly kind: 'secret' }
  | { readonly kind: 'tls_domain' }
  | { readonly kind: 'client_ipv4'; readonly bits: number }
  | { readonly kind: 'client_ipv6'; readonly bits: number }

/** One rule; all of a policy must pass. */
export type PolicyRule =
  | { readonly kind: 'in_table'; readonly key: PolicyKey; readonly table: string }
  | { readonly kind: 'not_in_table'; readonly key: PolicyKey; readonly table: string }
  | { readonly kind: 'max_connections'; readonly keys: readonly PolicyKey[]; readonly max: number }

/** What rules look at of somebody who wants in. */
export interface PolicyFacts {
  /** Name of the port. */
  readonly listener: string
  /** Name of the secret, or `null` where none was proven. */
  readonly secret: string | null
  /** Address as text, IPv4 never mapped. */
  readonly ip: string
  /** The domain of a fake-TLS client, or `null`. */
  readonly sni: string | null
}

/** What somebody has for a key. */
export type PolicyValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'address'; readonly prefix: IpPrefix }

/** What somebody has for a key; `null` where the key does not apply, and a rule about it passes. */
export function policyValue(key: PolicyKey, facts: PolicyFacts): PolicyValue | null {
  switch (key.kind) {
    case 'port_name':
      return { kind: 'text', text: facts.listener }
    case 'secret':
      return facts.secret === null ? null : { kind: 'text', text: facts.secret }
    case 'tls_domain':
      return facts.sni === null ? null : { kind: 'text', text: facts.sni.toLowerCase() }
    case 'client_ipv4':
    case 'client_ipv6': {
      const ip = parseIp(facts.ip)
      if (ip === null || isIpv4(ip) !== (key.kind === 'client_ipv4')) return null
      return { kind: 'address', prefix: prefixOf(ip, key.kind === 'client_ipv4' ? 96 + key.bits : key.bits) }
    }
  }
}

/**
 * What a limit counts somebody under: equal for equal values of equal keys, whatever the limit, so that two limits on the
 * same keys share one count. `null` where a key does not apply.
 */
export function counterName(keys: readonly PolicyKey[], facts: PolicyFacts): string | null {
  const parts: string[] = []
  for (const key of keys) {
    const value = policyValue(key, facts)
    if (value === null) return null
    parts.push(`${formatKey(key)}=${value.kind === 'text' ? value.text : prefixToText(value.prefix)}`)
  }
  return parts.join(' ')
}

/**
 * Reads `port_name`, `secret`, `tls_domain`, `client_ipv4`, `client_ipv6`, `client_ipv4_subnet/24` (1 to 32) or
 * `client_ipv6_subnet/64` (9 to 128); `null` for anything else.
 */
export function parseKey(text: string): PolicyKey | null {
  switch (text) {
    case 'port_name':
    case 'secret':
    case 'tls_domain':
      return { kind: text }
    case 'client_ipv4':
      return { kind: text, bits: 32 }
    case 'client_ipv6':
      return { kind: text, bits: 128 }
    default: {
      const [, family, length] = /^client_(ipv4|ipv6)_subnet\/(\d{1,3})$/.exec(text) ?? []
      const bits = Number(length)
      if (family === 'ipv4' && bits >= 1 && bits <= 32) return { kind: 'client_ipv4', bits }
      if (family === 'ipv6' && bits >= 9 && bits <= 128) return { kind: 'client_ipv6', bits }
      return null
    }
  }
}

/** Writes a key as {@link parseKey} reads it. @internal */
export function formatKey(key: PolicyKey): string {
  switch (key.kind) {
    case 'port_name':
    case 'secret':
    case 'tls_domain':
      return key.kind
    case 'client_ipv4':
      return key.bits === 32 ? key.kind : `client_ipv4_subnet/${key.bits}`
    case 'client_ipv6':
      return key.bits === 128 ? key.kind : `client_ipv6_subnet/${key.bits}`
  }
}
