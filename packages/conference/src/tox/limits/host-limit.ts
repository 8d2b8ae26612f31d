import { isIPv6 } from 'node:net'
import { RateLimit } from './rate-limit.js'

/** Hosts share so many limits, by a hash that nobody outside can foresee: so much memory, however many write to us. */
const shares = 1024

/**
 * So many a second for each host that writes to us: one that floods us uses up what it has, not what all have, and
 * nobody can have us answer a forged address without end.
 */
export class HostLimit {
  readonly #limits: readonly RateLimit[]
  readonly #salt: number

  /** @param salt - any random number of 32 bits */
  constructor(o: { readonly perSecond: number; readonly burst: number; readonly salt: number }) {
    this.#limits = Array.from({ length: shares }, () => new RateLimit(o.perSecond, o.burst))
    this.#salt = o.salt
  }

  /** Whether a packet from there may still cost us something. */
  take({ host, port }: { readonly host: string; readonly port: number }, now: number): boolean {
    return this.#limits[this.#hash(ownerOf(host, port)) % shares]?.take(now) ?? false
  }

  /** FNV-1a. */
  #hash(text: string): number {
    let hash = this.#salt
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
    return hash >>> 0
  }
}

/** Who has an address: of IPv6 everybody has a whole network, and on this host each port is somebody's. */
function ownerOf(host: string, port: number): string {
  if (host.startsWith('127.') || host === '::1') return `${host}:${port}`
  return isIPv6(host) ? (host.split('::', 1)[0] ?? host).split(':', 4).join(':') : host
}
