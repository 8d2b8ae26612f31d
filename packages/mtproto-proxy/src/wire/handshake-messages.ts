/** The two messages that each side of a connection to a middle proxy says before anything else (spec 5.2, 5.4). */
import { Buffer } from 'node:buffer'

const nonceType = 0x7acb87aa
const handshakeType = 0x7682eef5
const handshakeErrorType = 0x6a27beda

/** Encryption by AES, the only schema that is in use. */
export const aesSchema = 1
/** Flag of RPC_HANDSHAKE: its sender can check frames by CRC-32C. */
export const crc32cFlag = 0x800

/** RPC_NONCE: the only message that is not encrypted. */
export interface NonceMessage {
  /** The first 4 bytes of the proxy secret. */
  readonly selector: Uint8Array
  readonly schema: number
  /** Unix seconds. */
  readonly timestamp: number
  /** 16 bytes. */
  readonly nonce: Uint8Array
}

/** RPC_HANDSHAKE. */
export interface HandshakeMessage {
  readonly kind: 'handshake'
  readonly flags: number
  /** 12 bytes that name the sender's process. */
  readonly sender: Uint8Array
  /** 12 bytes that name the process it believes to talk to. */
  readonly peer: Uint8Array
}

/** RPC_HANDSHAKE, or RPC_HANDSHAKE_ERROR instead. */
export type HandshakeReply = HandshakeMessage | { readonly kind: 'refusal'; readonly code: number }

/** Writes an RPC_NONCE. */
export function encodeNonce(message: Omit<NonceMessage, 'schema'>): Buffer {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32LE(nonceType, 0)
  bytes.set(message.selector.subarray(0, 4), 4)
  bytes.writeUInt32LE(aesSchema, 8)
  bytes.writeUInt32LE(message.timestamp, 12)
  bytes.set(message.nonce.subarray(0, 16), 16)
  return bytes
}

/** Reads an RPC_NONCE; `null` if it is none. */
export function decodeNonce(body: Buffer): NonceMessage | null {
  if (body.length !== 32 || body.readUInt32LE(0) !== nonceType) return null
  return {
    selector: Buffer.from(body.subarray(4, 8)),
    schema: body.readUInt32LE(8),
    timestamp: body.readUInt32LE(12),
    nonce: Buffer.from(body.subarray(16)),
  }
}

/** Writes an RPC_HANDSHAKE. */
export function encodeHandshake({ flags, sender, peer }: Omit<HandshakeMessage, 'kind'>): Buffer {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32LE(handshakeType, 0)
  bytes.writeUInt32LE(flags, 4)
  bytes.set(sender.subarray(0, 12), 8)
  bytes.set(peer.subarray(0, 12), 20)
  return bytes
}

/** Reads an RPC_HANDSHAKE or RPC_HANDSHAKE_ERROR; `null` if it is neither. */
export function decodeHandshake(body: Buffer): HandshakeReply | null {
  const type = body.length < 8 ? 0 : body.readUInt32LE(0)
  if (type === handshakeErrorType) return { kind: 'refusal', code: body.readInt32LE(4) }
  if (type !== handshakeType || body.length !== 32) return null
  return {
    kind: 'handshake',
    flags: body.readUInt32LE(4),
    sender: Buffer.from(body.subarray(8, 20)),
    peer: Buffer.from(body.subarray(20)),
  }
}

/** Writes an RPC_HANDSHAKE_ERROR. */
export function encodeHandshakeError(code: number, pid: Uint8Array): Buffer {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32LE(handshakeErrorType, 0)
  bytes.writeInt32LE(code, 4)
  bytes.set(pid.subarray(0, 12), 8)
  return bytes
}
