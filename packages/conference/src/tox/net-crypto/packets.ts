import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { u16, u32, view } from '../../wire/identity.js'
import { macBytes, nonceBytes, open, type SharedKey, seal } from '../crypto/box.js'
import { advanceNonce, nonceTail } from '../crypto/nonce.js'
import { cookieBytes } from './cookies.js'

/** First bytes of packets between two nodes (spec 12.3). */
export const packetKinds = {
  cookieRequest: 0x18,
  cookieResponse: 0x19,
  handshake: 0x1a,
  data: 0x1b,
} as const

/** Bytes of a cookie request. */
const cookieRequestBytes = 145
/** Bytes of a cookie response. */
const cookieResponseBytes = 161
/** Bytes of a handshake. */
const handshakeBytes = 385
/** Bytes of the longest data packet. */
const maxDataPacketBytes = 1400
/** Bytes of the longest payload. */
export const maxPayloadBytes = 1373

/** How far nonces of arriving packets may run ahead of the one we hold before it moves on. */
const nonceStep = 21_845

/** What is in a cookie request; the echo ties the response to it. */
export interface CookieRequest {
  readonly realKey: Uint8Array
  /** 8 bytes. */
  readonly echo: Uint8Array
}

/** Writes a cookie request. `dhtKey` is our own; `shared` belongs to it and the receiver's DHT key. */
export function sealCookieRequest(
  dhtKey: Uint8Array,
  shared: SharedKey,
  nonce: Uint8Array,
  { realKey, echo }: CookieRequest,
): Uint8Array {
  const plain = Buffer.concat([realKey, Buffer.alloc(32), echo])
  return Buffer.concat([Buffer.of(packetKinds.cookieRequest), dhtKey, nonce, seal(shared, nonce, plain)])
}

/** The sender's DHT key, which says by what to open a cookie request; `null` if it cannot be one. */
export function cookieRequestFrom(packet: Uint8Array): Uint8Array | null {
  return packet.length === cookieRequestBytes ? packet.subarray(1, 33) : null
}

/** What is in a cookie request; `null` if it was not made with this key. */
export function openCookieRequest(packet: Uint8Array, shared: SharedKey): CookieRequest | null {
  const plain = open(shared, packet.subarray(33, 57), packet.subarray(57))
  return plain && { realKey: plain.subarray(0, 32), echo: plain.subarray(64, 72) }
}

/** Writes the answer to a cookie request, with the same shared key. */
export function sealCookieResponse(
  shared: SharedKey,
  nonce: Uint8Array,
  cookie: Uint8Array,
  echo: Uint8Array,
): Uint8Array {
  const box = seal(shared, nonce, Buffer.concat([cookie, echo]))
  return Buffer.concat([Buffer.of(packetKinds.cookieResponse), nonce, box])
}

/** The cookie, if this answers the request with this echo. */
export function openCookieResponse(
  packet: Uint8Array,
  shared: SharedKey,
  echo: Uint8Array,
): Uint8Array | null {
  if (packet.length !== cookieResponseBytes) return null
  const plain = open(shared, packet.subarray(1, 25), packet.subarray(25))
  return plain && view(plain.subarray(cookieBytes)).equals(echo) ? plain.subarray(0, cookieBytes) : null
}

/** What the sender of a handshake tells of the session. */
export interface Handshake {
  /** Nonce of the first data packet that it will send. */
  readonly baseNonce: Uint8Array
  readonly sessionKey: Uint8Array
  /** By which we may answer with a handshake of our own. */
  readonly cookie: Uint8Array
}

/** Writes a handshake: `theirCookie` proves that we are where we say, the box that we are who we say. */
export function sealHandshake(
  theirCookie: Uint8Array,
  shared: SharedKey,
  nonce: Uint8Array,
  { baseNonce, sessionKey, cookie }: Handshake,
): Uint8Array {
  const plain = Buffer.concat([baseNonce, sessionKey, digest(theirCookie), cookie])
  return Buffer.concat([Buffer.of(packetKinds.handshake), theirCookie, nonce, seal(shared, nonce, plain)])
}

/** The cookie outside a handshake, which says who sent it; `null` if it cannot be one. */
export function handshakeCookie(packet: Uint8Array): Uint8Array | null {
  return packet.length === handshakeBytes ? packet.subarray(1, 1 + cookieBytes) : null
}

/** What a handshake tells; `null` if it was not made with this key, or for another cookie. */
export function openHandshake(packet: Uint8Array, shared: SharedKey): Handshake | null {
  const box = 1 + cookieBytes + nonceBytes
  const plain = open(shared, packet.subarray(1 + cookieBytes, box), packet.subarray(box))
  if (!plain || !view(plain.subarray(56, 120)).equals(digest(packet.subarray(1, 1 + cookieBytes))))
    return null
  return {
    baseNonce: plain.subarray(0, 24),
    sessionKey: plain.subarray(24, 56),
    cookie: plain.subarray(120),
  }
}

/** What travels in a data packet. */
export interface DataPacket {
  /** The lowest packet number that its sender has not received. */
  readonly acknowledged: number
  /** Of the packet, where it is lossless; else of the next that will be. */
  readonly number: number
  readonly payload: Uint8Array
}

/** Where each data packet is put together before it is sealed. */
const draft = Buffer.alloc(8 + 7 + maxPayloadBytes)

/** Writes data packets of one session, each with the next nonce. */
export class DataSealer {
  readonly #key: SharedKey
  readonly #nonce: Uint8Array

  constructor(key: SharedKey, baseNonce: Uint8Array) {
    this.#key = key
    this.#nonce = new Uint8Array(baseNonce)
  }

  seal({ acknowledged, number, payload }: DataPacket): Uint8Array {
    // Zeros in front round the length up, so that it tells less.
    const padding = (maxPayloadBytes - payload.length) % 8
    const plain = draft.subarray(0, 8 + padding + payload.length)
    plain.writeUInt32BE(acknowledged, 0)
    plain.writeUInt32BE(number, 4)
    plain.fill(0, 8, 8 + padding)
    plain.set(payload, 8 + padding)
    const nonce = this.#nonce
    const box = seal(this.#key, nonce, plain)
    const packet = Buffer.allocUnsafe(3 + box.length)
    packet[0] = packetKinds.data
    packet.writeUInt16BE(nonceTail(nonce), 1)
    packet.set(box, 3)
    advanceNonce(nonce, 1)
    return packet
  }
}

/** Reads data packets of one session, in whatever order they come. */
export class DataOpener {
  readonly #key: SharedKey
  /** Somewhat behind those that arrive. */
  readonly #nonce: Uint8Array
  readonly #nonceOfPacket = new Uint8Array(nonceBytes)

  constructor(key: SharedKey, baseNonce: Uint8Array) {
    this.#key = key
    this.#nonce = new Uint8Array(baseNonce)
  }

  /** `null` if it is not of this session, or malformed. */
  open(packet: Uint8Array): DataPacket | null {
    if (packet.length < 3 + macBytes + 9 || packet.length > maxDataPacketBytes) return null
    const ahead = (u16(packet, 1) - nonceTail(this.#nonce) + 65_536) % 65_536
    const nonce = this.#nonceOfPacket
    nonce.set(this.#nonce)
    advanceNonce(nonce, ahead)
    const plain = open(this.#key, nonce, packet.subarray(3))
    if (!plain) return null
    if (ahead > 2 * nonceStep) advanceNonce(this.#nonce, nonceStep)
    let from = 8
    while (plain[from] === 0) from += 1
    if (from === plain.length) return null
    return { acknowledged: u32(plain, 0), number: u32(plain, 4), payload: plain.subarray(from) }
  }
}

function digest(cookie: Uint8Array): Uint8Array {
  return createHash('sha512').update(cookie).digest()
}
