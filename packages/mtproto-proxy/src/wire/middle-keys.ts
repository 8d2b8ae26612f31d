import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { DirectionKey } from './cbc-stream.js'
import { isIpv4, type SocketAddress } from './ip-address.js'

/** What both sides of a connection to a middle proxy know after they have exchanged nonces. */
export interface KeyMaterial {
  /** All of it, 32 to 256 bytes. */
  readonly proxySecret: Uint8Array
  /** 16 bytes. */
  readonly serverNonce: Uint8Array
  /** 16 bytes. */
  readonly clientNonce: Uint8Array
  /** As our own nonce said it: Unix seconds. */
  readonly timestamp: number
  /** The middle proxy, as we connected to it. */
  readonly server: SocketAddress
  /** The proxy, as the middle proxy sees it: our public address, and the local port of the socket. */
  readonly client: SocketAddress
}

/** Keys of the two directions. */
export interface MiddleKeys {
  readonly toTelegram: DirectionKey
  readonly toProxy: DirectionKey
}

/** Derives the keys of a connection (spec 5.3). Equal on both sides only if they see the same addresses and ports. */
export function middleKeys(material: KeyMaterial): MiddleKeys {
  return { toTelegram: directionKey(material, 'CLIENT'), toProxy: directionKey(material, 'SERVER') }
}

function directionKey(material: KeyMaterial, purpose: 'CLIENT' | 'SERVER'): DirectionKey {
  const { proxySecret, serverNonce, clientNonce, timestamp, server, client } = material
  const isV4 = isIpv4(server.ip) && isIpv4(client.ip)
  const all = Buffer.concat([
    serverNonce,
    clientNonce,
    uint32(timestamp),
    shortAddress(server.ip, isV4),
    uint16(client.port),
    Buffer.from(purpose),
    shortAddress(client.ip, isV4),
    uint16(server.port),
    proxySecret,
    serverNonce,
    ...(isV4 ? [] : [client.ip, server.ip]),
    clientNonce,
  ])
  const md5 = (from: number): Buffer => createHash('md5').update(all.subarray(from)).digest()
  const sha1 = createHash('sha1').update(all).digest()
  return { key: Buffer.concat([md5(1).subarray(0, 12), sha1]), iv: md5(2) }
}

/** IPv4 with its bytes reversed; nothing but zeros for IPv6. */
function shortAddress(ip: Uint8Array, isV4: boolean): Uint8Array {
  return isV4 ? Buffer.from(ip.subarray(12)).reverse() : new Uint8Array(4)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
