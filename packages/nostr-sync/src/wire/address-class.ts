import ipaddr from 'ipaddr.js'

/**
 * What kind of network an IP address belongs to, as far as it matters for whom we let strangers make us connect to
 * (R4). `special` is everything else that is nobody's server: shared, reserved, documentation and tunnel ranges.
 */
export type AddressClass =
  | 'public'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'multicast'
  | 'unspecified'
  | 'special'
  | 'invalid'

/**
 * Classifies an address that a name was resolved to. An IPv4 address in IPv6 clothes (mapped, or behind NAT64) is what it
 * is inside.
 *
 * @example
 * ```ts
 * import { addressClass } from '@holdfast/nostr-sync'
 *
 * addressClass('192.168.0.1') // => 'private'
 * addressClass('::ffff:127.0.0.1') // => 'loopback'
 * addressClass('2606:4700::1111') // => 'public'
 * ```
 */
export function addressClass(text: string): AddressClass {
  // Short forms such as 127.1 are left to those who resolve names.
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return 'invalid'
  const address = ipaddr.parse(text)
  const range = address.range()
  if (address instanceof ipaddr.IPv6 && (range === 'ipv4Mapped' || range === 'rfc6052')) {
    return classOf(new ipaddr.IPv4(address.toByteArray().slice(12)).range())
  }
  return classOf(range)
}

function classOf(range: string): AddressClass {
  switch (range) {
    case 'unicast':
      return 'public'
    case 'loopback':
    case 'multicast':
    case 'unspecified':
      return range
    case 'private':
    case 'uniqueLocal':
      return 'private'
    case 'linkLocal':
      return 'link-local'
    default:
      return 'special'
  }
}
