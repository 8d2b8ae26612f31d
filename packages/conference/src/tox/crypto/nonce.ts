import { u16 } from '../../wire/identity.js'

/** Moves a nonce on by `count` packets: 24 bytes, counted as one big-endian number that starts again after its last. */
export function advanceNonce(nonce: Uint8Array, count: number): void {
  let carry = count
  for (let at = nonce.length - 1; at >= 0 && carry > 0; at -= 1) {
    const sum = (nonce[at] ?? 0) + (carry % 256)
    nonce[at] = sum % 256
    carry = Math.floor(carry / 256) + Math.floor(sum / 256)
  }
}

/** The last two bytes of a nonce, which travel with a packet. */
export function nonceTail(nonce: Uint8Array): number {
  return u16(nonce, nonce.length - 2)
}
