import { Buffer } from 'node:buffer'
import { ipToText, isIpv4, parseIp } from '../wire/ip-address.js'

/** A block of addresses, or one address. */
export interface IpPrefix {
  /** 16 bytes, IPv4 mapped; those after the prefix are zero. */
  readonly ip: Uint8Array
  /** How many of the 128 bits count; of an IPv4 block 96 more than it is called by. */
  readonly bits: number
}

const mappedBits = 96

/** The block of so many bits that an address is in. */
export function prefixOf(ip: Uint8Array, bits: number): IpPrefix {
  const masked = Buffer.alloc(16)
  const whole = bits >> 3
  masked.set(ip.subarray(0, whole))
  if (whole < 16) masked[whole] = (ip[whole] ?? 0) & (0xff00 >> (bits & 7))
  return { ip: masked, bits }
}

/**
 * Reads `192.0.2.7`, `192.0.2.0/24`, `2001:db8::1` or `2001:db8::/32`; `null` for anything else. Bits after the prefix
 * are set to zero.
 */
export function parsePrefix(text: string): IpPrefix | null {
  const parts = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text)
  const ip = parseIp(parts?.[1] ?? '')
  if (ip === null) return null
  const offset = parts?.[1]?.includes(':') === false ? mappedBits : 0
  const bits = parts?.[2] === undefined ? 128 : offset + Number(parts[2])
  return bits <= 128 ? prefixOf(ip, bits) : null
}

/** Writes a block as {@link parsePrefix} reads it, one address without its length. */
export function prefixToText({ ip, bits }: IpPrefix): string {
  if (bits === 128) return ipToText(ip)
  return isIpv4(ip) && bits >= mappedBits ? `${ipToText(ip)}/${bits - mappedBits}` : `${ipToText(ip)}/${bits}`
}
