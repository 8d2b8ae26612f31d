import { Buffer } from 'node:buffer'
import { nonceBytes, open, type RandomBytes, type SharedKey, seal } from '../crypto/box.js'

/** Bytes by which a client greets a relay. */
export const helloBytes = 128
/** Bytes of the relay's answer. */
export const welcomeBytes = 96

/** What each side tells the other of the session. */
export interface SessionOffer {
  /** Of a key pair that is used for this session only. */
  readonly sessionKey: Uint8Array
  /** Nonce of the first frame that its sender will send. */
  readonly baseNonce: Uint8Array
}

/** Writes the greeting of a client (spec 12.8). `shared` belongs to its DHT key and the relay's. */
export function sealHello(
  dhtKey: Uint8Array,
  shared: SharedKey,
  random: RandomBytes,
  offer: SessionOffer,
): Uint8Array {
  return Buffer.concat([dhtKey, sealOffer(shared, random, offer)])
}

/** The offer in a greeting, behind the client's DHT key; `null` if it was not made with this key. */
export function openHello(hello: Uint8Array, shared: SharedKey): SessionOffer | null {
  return openOffer(hello.subarray(32), shared)
}

/** Writes the relay's answer. */
export function sealOffer(
  shared: SharedKey,
  random: RandomBytes,
  { sessionKey, baseNonce }: SessionOffer,
): Uint8Array {
  const nonce = random(nonceBytes)
  return Buffer.concat([nonce, seal(shared, nonce, Buffer.concat([sessionKey, baseNonce]))])
}

/** The offer in the relay's answer; `null` if it was not made with this key. */
export function openOffer(bytes: Uint8Array, shared: SharedKey): SessionOffer | null {
  const plain = open(shared, bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes))
  return plain && { sessionKey: plain.subarray(0, 32), baseNonce: plain.subarray(32) }
}
