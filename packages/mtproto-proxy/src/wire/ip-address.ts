import { Buffer } from 'node:buffer'

/** An address and port. Addresses are 16 bytes: IPv6, or IPv4 mapped into it (`::ffff:a.b.c.d`). */
export interface SocketAddress {
  readonly ip: Uint8Array
  readonly port: number
}

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')

/**
 * Reads an IP address into 16 bytes; `null` if it is none. An IPv4 address is mapped (`::ffff:a.b.c.d`), and a zone
 * (`%eth0`) is left out.
 *
 * @example
 * ```ts
 * import { ipToText, parseIp } from '@holdfast/mtproto-proxy'
 *
 * ipToText(parseIp('::ffff:192.0.2.1') ?? new Uint8Array(16)) // => '192.0.2.1'
 * parseIp('192.0.2.256') // => null
 * ```
 */
export function parseIp(text: string): Buffer | null {
  if (!text.includes(':')) return parseMapped(text)
  const [address = ''] = text.split('%', 1)
  const halves = address.split('::')
  const [head = null, tail = null] = halves.map(parseGroups)
  if (halves.length > 2 || head === null) return null
  if (halves.length === 1) return head.length === 16 ? head : null
  // `::` stands for at least one group.
  if (tail === null || head.length + tail.length > 14) return null
  return Buffer.concat([head, Buffer.alloc(16 - head.length - tail.length), tail])
}

/** Whether 16 bytes hold a mapped IPv4 address. */
export function isIpv4(ip: Uint8Array): boolean {
  return mappedPrefix.equals(ip.subarray(0, 12))
}

/** Writes 16 bytes as text: IPv4 as `a.b.c.d`, never mapped; IPv6 with its longest run of zeros shortened (RFC 5952). */
export function ipToText(ip: Uint8Array): string {
  if (isIpv4(ip)) return ip.subarray(12, 16).join('.')
  const bytes = Buffer.from(ip.buffer, ip.byteOffset, ip.byteLength)
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index))
  let run = { at: 0, length: 1 }
  for (let at = 0; at < 8; at += 1) {
    let length = 0
    while (groups[at + length] === 0) length += 1
    if (length > run.length) run = { at, length }
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return run.length === 1 ? hex(0, 8) : `${hex(0, run.at)}::${hex(run.at + run.length, 8)}`
}

const dot = 0x2e
const zero = 0x30

/** Reads IPv4, mapped; digit by digit, as it is done for every connection. */
function parseMapped(text: string): Buffer | null {
  // Memory of its own: a session that keeps it must not hold a slab.
  const ip = Buffer.alloc(16)
  ip.set(mappedPrefix)
  let at = mappedPrefix.length
  let byte = 0
  let digits = 0
  for (let index = 0; index <= text.length; index += 1) {
    const code = index === text.length ? dot : text.charCodeAt(index)
    if (code === dot) {
      if (digits === 0 || at === ip.length) return null
      ip[at] = byte
      at += 1
      byte = digits = 0
    } else {
      const isLeadingZero = digits > 0 && byte === 0
      if (isLeadingZero || code < zero || code > zero + 9) return null
      byte = 10 * byte + code - zero
      digits += 1
      if (byte > 255) return null
    }
  }
  return at === ip.length ? ip : null
}

/** Groups of four hexadecimal digits, the last of which may be an IPv4 address. */
function parseGroups(text: string): Buffer | null {
  if (text === '') return Buffer.alloc(0)
  const groups = text.split(':', 9)
  const parts = groups.map((group, index) => {
    if (/^[\da-f]{1,4}$/i.test(group)) return Buffer.from(group.padStart(4, '0'), 'hex')
    return index === groups.length - 1 ? (parseMapped(group)?.subarray(mappedPrefix.length) ?? null) : null
  })
  return parts.every((part) => part !== null) ? Buffer.concat(parts) : null
}
