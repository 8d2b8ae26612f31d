import { Buffer } from 'node:buffer'

/** The nonce `count` packets later: 24 bytes, counted as one big-endian number that starts again after its last. */
export function laterNonce(nonce: Uint8Array, count: number): Uint8Array {
  const later = Uint8Array.from(nonce)
  let carry = count
  for (let at = later.length - 1; at >= 0 && carry > 0; at -= 1) {
    const sum = (later[at] ?? 0) + (carry % 256)
    later[at] = sum % 256
    carry = Math.floor(carry / 256) + Math.floor(sum / 256)
  }
  return later
}

/** The last two bytes of a nonce, which travel with a packet. */
export function nonceTail(nonce: Uint8Array): number {
  return Buffer.from(nonce.buffer, nonce.byteOffset, nonce.byteLength).readUInt16BE(nonce.length - 2)
}
