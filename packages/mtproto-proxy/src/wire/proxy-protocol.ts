import { Buffer } from 'node:buffer'
import { asBuffer } from './as-buffer.js'
import { parseIp, type SocketAddress } from './ip-address.js'

/** What a stream that should begin with a PROXY header begins with. */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  /** Something else. */
  | { readonly kind: 'invalid' }
  /** `source` is the client, or null if the balancer speaks for itself. `length` bytes belong to the header. */
  | { readonly kind: 'header'; readonly source: SocketAddress | null; readonly length: number }

/** Longest header, in bytes: version 2 with room for what balancers add. A stream that needs more is invalid. */
export const maxProxyHeaderBytes = 4096

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const fixedBytes = 16
const mapped = Buffer.from('00000000000000000000ffff', 'hex')

/** Longest line of version 1, in bytes, with its line feed. */
const maxLineBytes = 107

const incomplete: ProxyHeader = { kind: 'incomplete' }
const invalid: ProxyHeader = { kind: 'invalid' }

/**
 * Reads the header that a balancer puts before a client's bytes, version 1 or 2 of the PROXY protocol (spec 3.1).
 *
 * @param bytes - all that has come; lent
 */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  const buffer = asBuffer(bytes)
  const binary = buffer.subarray(0, signature.length)
  if (binary.equals(signature.subarray(0, binary.length))) {
    return buffer.length < fixedBytes ? incomplete : parseBinary(buffer)
  }
  return parseLine(buffer)
}

function parseBinary(bytes: Buffer): ProxyHeader {
  const command = bytes.readUInt8(12)
  const family = bytes.readUInt8(13) >> 4
  const length = fixedBytes + bytes.readUInt16BE(14)
  if (length > maxProxyHeaderBytes || (command !== 0x20 && command !== 0x21)) return invalid
  if (bytes.length < length) return incomplete
  const body = bytes.subarray(fixedBytes, length)
  if (command === 0x20 || (family !== 1 && family !== 2)) return { kind: 'header', source: null, length }
  const [ipBytes, portAt] = family === 1 ? [4, 8] : [16, 32]
  if (body.length < portAt + 4) return invalid
  const ip = Buffer.concat([family === 1 ? mapped : Buffer.alloc(0), body.subarray(0, ipBytes)])
  return { kind: 'header', source: { ip, port: body.readUInt16BE(portAt) }, length }
}

function parseLine(bytes: Buffer): ProxyHeader {
  const start = bytes.toString('latin1', 0, 6)
  if (!'PROXY '.startsWith(start)) return invalid
  const end = bytes.subarray(0, maxLineBytes).indexOf('\r\n')
  if (end < 0) return bytes.length < maxLineBytes ? incomplete : invalid
  const [, family, source = '', , port = ''] = bytes.toString('latin1', 0, end).split(' ', 7)
  const length = end + 2
  if (family === 'UNKNOWN') return { kind: 'header', source: null, length }
  const ip = parseIp(source)
  const known = family === 'TCP4' ? !source.includes(':') : family === 'TCP6' && source.includes(':')
  if (ip === null || !known || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) return invalid
  return { kind: 'header', source: { ip, port: Number(port) }, length }
}
