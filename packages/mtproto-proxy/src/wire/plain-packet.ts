import { asBuffer } from './as-buffer.js'

/** The calls of a key exchange: req_pq, req_pq_multi, req_DH_params, set_client_DH_params. */
const keyExchange: ReadonlySet<number> = new Set([0x6046_9778, 0xbe7e_8ef1, 0xd712_e4be, 0xf504_5f1f])

/** Where an unencrypted message has its length; its constructor follows. */
const lengthAt = 16
const headerBytes = 20

/** Shortest content of an unencrypted message that clients have a reason to send. */
const minContentBytes = 20

/**
 * Whether a client's packet may pass when `strict_plain_packets` is on: it is encrypted, or one of the four calls by
 * which keys are exchanged, with a length that fits (spec 5.5).
 *
 * @param payload - lent
 */
export function isStrictPacket(payload: Uint8Array): boolean {
  const packet = asBuffer(payload)
  if (packet.length < 8 || packet.readBigUInt64LE(0) !== 0n) return true
  if (packet.length < headerBytes + minContentBytes) return false
  const length = packet.readUInt32LE(lengthAt)
  const fits = length >= minContentBytes && length <= packet.length - headerBytes
  return fits && keyExchange.has(packet.readUInt32LE(headerBytes))
}
