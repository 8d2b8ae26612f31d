import { Buffer } from 'node:buffer'
import { asBuffer } from './as-buffer.js'

const reqPqMulti = 0xbe7e_8ef1
const resPq = 0x0516_2463
/** Key id, message id, length; the constructor follows. */
const headerBytes = 20

/** Length of a nonce, in bytes. */
export const reqPqNonceBytes = 16

/**
 * The first packet of a key exchange, req_pq_multi, which every data centre answers whoever asks (spec 13).
 *
 * @param o - `nonce`: 16 bytes, fresh; `now`: Unix milliseconds, for the message's id
 */
export function encodeReqPq({ nonce, now }: { readonly nonce: Uint8Array; readonly now: number }): Buffer {
  const packet = Buffer.alloc(headerBytes + 4)
  const [seconds, rest] = [Math.floor(now / 1000), Math.floor(now % 1000)]
  packet.writeUInt32LE((Math.floor(rest * 4_294_967.296) & ~3) >>> 0, 8)
  packet.writeUInt32LE(seconds % 2 ** 32, 12)
  packet.writeUInt32LE(4 + nonce.length, 16)
  packet.writeUInt32LE(reqPqMulti, headerBytes)
  return Buffer.concat([packet, nonce])
}

/** What came back. `error`: the packet is one number, such as −404. `other`: it answers something else. */
export type ReqPqAnswer =
  | { readonly kind: 'res-pq' }
  | { readonly kind: 'error'; readonly code: number }
  | { readonly kind: 'other' }

/** Reads the answer to {@link encodeReqPq}; padding after it is left out. */
export function readReqPqAnswer(payload: Uint8Array, nonce: Uint8Array): ReqPqAnswer {
  const packet = asBuffer(payload)
  if (packet.length === 4) return { kind: 'error', code: packet.readInt32LE(0) }
  const nonceAt = headerBytes + 4
  const isAnswer =
    packet.length >= nonceAt + reqPqNonceBytes &&
    packet.readBigUInt64LE(0) === 0n &&
    packet.readUInt32LE(headerBytes) === resPq &&
    packet.subarray(nonceAt, nonceAt + reqPqNonceBytes).equals(nonce)
  return { kind: isAnswer ? 'res-pq' : 'other' }
}
