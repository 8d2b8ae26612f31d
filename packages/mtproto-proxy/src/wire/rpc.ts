/** Messages between the proxy and a middle proxy, once the handshake is over (spec 5.5). */
import { Buffer } from 'node:buffer'
import { RpcError, UnsendablePacketError } from './middle-proxy-error.js'
import type { PacketFormat } from './packet-format.js'

const types = {
  proxyRequest: 0x36cef1ee,
  proxyAnswer: 0x4403da0d,
  simpleAck: 0x3bac409b,
  closeExt: 0x5eb634a2,
  closeConn: 0x1fcf425d,
  ping: 0x5730a2df,
  pong: 0x8430eaa7,
} as const

/** Identifies a client within one connection to a middle proxy; chosen by the proxy, any 64 bits. */
export type ConnId = bigint

/**
 * A message of a middle proxy. Bytes in it share memory with the frame that it was in.
 *
 * - `answer`: a packet for a client (RPC_PROXY_ANS).
 * - `simple-ack`: Telegram has a packet for which a quick ack was asked (RPC_SIMPLE_ACK).
 * - `close`: Telegram ended this client (RPC_CLOSE_EXT; RPC_CLOSE_CONN is taken for the same).
 * - `ping`: answer it by a pong with the same id.
 * - `pong`: the answer to ours.
 * - `unknown`: ignore it.
 */
export type MiddleMessage =
  | { readonly kind: 'answer'; readonly connId: ConnId; readonly flags: number; readonly payload: Buffer }
  | { readonly kind: 'simple-ack'; readonly connId: ConnId; readonly confirm: Buffer }
  | { readonly kind: 'close'; readonly connId: ConnId }
  | { readonly kind: 'ping'; readonly id: bigint }
  | { readonly kind: 'pong'; readonly id: bigint }
  | { readonly kind: 'unknown'; readonly type: number; readonly bytes: number }

/** Reads what a middle proxy sends. */
export function decodeMiddleMessage(body: Buffer): MiddleMessage | RpcError {
  const type = body.length < 4 ? 0 : body.readUInt32LE(0)
  switch (type) {
    case types.proxyAnswer:
      if (body.length < 16) return new RpcError('RPC_PROXY_ANS', body.length)
      return {
        kind: 'answer',
        connId: body.readBigInt64LE(8),
        flags: body.readUInt32LE(4),
        payload: body.subarray(16),
      }
    case types.simpleAck:
      if (body.length !== 16) return new RpcError('RPC_SIMPLE_ACK', body.length)
      return { kind: 'simple-ack', connId: body.readBigInt64LE(4), confirm: body.subarray(12) }
    case types.closeExt:
    case types.closeConn:
      if (body.length !== 12) return new RpcError('RPC_CLOSE_EXT', body.length)
      return { kind: 'close', connId: body.readBigInt64LE(4) }
    default:
      return decodePing(body, type)
  }
}

/** What is the same for every packet of a client. */
export interface ClientRoute {
  readonly connId: ConnId
  /** The client's address: 16 bytes, IPv4 mapped. */
  readonly ip: Uint8Array
  readonly port: number
  /** Our own address, as used for the keys: 16 bytes, IPv4 mapped. */
  readonly ourIp: Uint8Array
  readonly ourPort: number
  /** The 16 bytes of the promoted channel's tag, or `null` for none. */
  readonly adTag: Uint8Array | null
  readonly format: PacketFormat
}

/** Flags of RPC_PROXY_REQ. */
export const requestFlags = {
  notEncrypted: 0x2,
  hasAdTag: 0x8,
  magic: 0x1000,
  extMode2: 0x20000,
  pad: 0x8000000,
  intermediate: 0x20000000,
  abridged: 0x40000000,
  quickAck: 0x80000000,
} as const

const formatFlags = {
  abridged: requestFlags.abridged,
  intermediate: requestFlags.intermediate,
  padded: requestFlags.intermediate | requestFlags.pad,
} as const

const adTagType = Buffer.from('18000000ae261edb10', 'hex')
const routeBytes = 56
const adTagBlockBytes = 28
const noKey = Buffer.alloc(8)

/**
 * Everything of an RPC_PROXY_REQ that precedes the payload. Made once for each client; only the flags differ between
 * its packets.
 */
export class ProxyRequestHead {
  readonly #bytes: Buffer
  readonly #flags: number

  constructor({ connId, ip, port, ourIp, ourPort, adTag, format }: ClientRoute) {
    const bytes = Buffer.alloc(routeBytes + (adTag === null ? 0 : adTagBlockBytes))
    bytes.writeUInt32LE(types.proxyRequest, 0)
    bytes.writeBigInt64LE(BigInt.asIntN(64, connId), 8)
    bytes.set(ip.subarray(0, 16), 16)
    bytes.writeUInt32LE(port, 32)
    bytes.set(ourIp.subarray(0, 16), 36)
    bytes.writeUInt32LE(ourPort, 52)
    if (adTag !== null) {
      bytes.set(adTagType, routeBytes)
      bytes.set(adTag.subarray(0, 16), routeBytes + adTagType.length)
    }
    this.#bytes = bytes
    this.#flags =
      requestFlags.magic |
      requestFlags.extMode2 |
      formatFlags[format] |
      (adTag === null ? 0 : requestFlags.hasAdTag)
  }

  /**
   * The head for this payload. Lent: the next call changes it.
   *
   * @throws an {@link UnsendablePacketError} if the payload is no multiple of 4, which Telegram would not take
   */
  for(payload: Uint8Array, o: { readonly quickAck: boolean }): Buffer {
    if (payload.length % 4 !== 0) {
      throw new UnsendablePacketError(`a packet of ${payload.length} bytes is no multiple of 4`)
    }
    const isPlain = payload.length >= 8 && noKey.equals(payload.subarray(0, 8))
    const flags =
      this.#flags | (isPlain ? requestFlags.notEncrypted : 0) | (o.quickAck ? requestFlags.quickAck : 0)
    this.#bytes.writeInt32LE(flags, 4)
    return this.#bytes
  }
}

/** The client is gone (RPC_CLOSE_CONN). */
export function encodeCloseConn(connId: ConnId): Buffer {
  return withId(types.closeConn, connId)
}

/** RPC_PING; answered by a pong with the same id. */
export function encodePing(id: bigint): Buffer {
  return withId(types.ping, id)
}

/** RPC_PONG. */
export function encodePong(id: bigint): Buffer {
  return withId(types.pong, id)
}

/** A packet for a client (RPC_PROXY_ANS), as a middle proxy says it: what comes before the payload. */
export function encodeAnswerHead(connId: ConnId, flags = 0): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(types.proxyAnswer, 0)
  bytes.writeUInt32LE(flags, 4)
  bytes.writeBigInt64LE(BigInt.asIntN(64, connId), 8)
  return bytes
}

/** A quick ack for a client (RPC_SIMPLE_ACK), as a middle proxy says it. */
export function encodeSimpleAck(connId: ConnId, confirm: Uint8Array): Buffer {
  return Buffer.concat([withId(types.simpleAck, connId), confirm.subarray(0, 4)])
}

/** Telegram ends a client (RPC_CLOSE_EXT), as a middle proxy says it. */
export function encodeCloseExt(connId: ConnId): Buffer {
  return withId(types.closeExt, connId)
}

/** A message of a proxy, as a middle proxy reads it. Bytes in it share memory with the frame that it was in. */
export type ProxyMessage =
  | ({ readonly kind: 'request' } & ProxyRequest)
  | { readonly kind: 'close'; readonly connId: ConnId }
  | { readonly kind: 'ping'; readonly id: bigint }
  | { readonly kind: 'pong'; readonly id: bigint }
  | { readonly kind: 'unknown'; readonly type: number; readonly bytes: number }

/** RPC_PROXY_REQ as it was read. */
export interface ProxyRequest extends Omit<ClientRoute, 'format'> {
  /** See {@link requestFlags}. */
  readonly flags: number
  readonly payload: Buffer
}

/** Reads what a proxy sends. */
export function decodeProxyMessage(body: Buffer): ProxyMessage | RpcError {
  const type = body.length < 4 ? 0 : body.readUInt32LE(0)
  switch (type) {
    case types.proxyRequest:
      return decodeRequest(body)
    case types.closeConn:
      if (body.length !== 12) return new RpcError('RPC_CLOSE_CONN', body.length)
      return { kind: 'close', connId: body.readBigInt64LE(4) }
    default:
      return decodePing(body, type)
  }
}

function decodeRequest(body: Buffer): ProxyMessage | RpcError {
  if (body.length < routeBytes) return new RpcError('RPC_PROXY_REQ', body.length)
  const flags = body.readUInt32LE(4)
  const hasExtra = (flags & 0xc) !== 0
  const extraBytes = hasExtra && body.length >= routeBytes + 4 ? body.readUInt32LE(routeBytes) : 0
  const payloadAt = routeBytes + (hasExtra ? 4 + extraBytes : 0)
  if (payloadAt > body.length) return new RpcError('RPC_PROXY_REQ', body.length)
  const hasTag = body.subarray(routeBytes, routeBytes + adTagType.length).equals(adTagType)
  const tagAt = routeBytes + adTagType.length
  return {
    kind: 'request',
    connId: body.readBigInt64LE(8),
    ip: body.subarray(16, 32),
    port: body.readUInt32LE(32),
    ourIp: body.subarray(36, 52),
    ourPort: body.readUInt32LE(52),
    adTag: hasExtra && hasTag ? body.subarray(tagAt, tagAt + 16) : null,
    flags,
    payload: body.subarray(payloadAt),
  }
}

function decodePing(
  body: Buffer,
  type: number,
): Extract<MiddleMessage, { kind: 'ping' | 'pong' | 'unknown' }> | RpcError {
  if (type !== types.ping && type !== types.pong) return { kind: 'unknown', type, bytes: body.length }
  if (body.length !== 12) return new RpcError('RPC_PING or RPC_PONG', body.length)
  return { kind: type === types.ping ? 'ping' : 'pong', id: body.readBigInt64LE(4) }
}

function withId(type: number, id: bigint): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32LE(type, 0)
  bytes.writeBigInt64LE(BigInt.asIntN(64, id), 4)
  return bytes
}
