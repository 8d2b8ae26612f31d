import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { hex, keyBytes, type RealKey } from '../../wire/identity.js'

/** What comes before the 32 bytes of an X25519 key in PKCS #8 (RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** The public half of 32 secret bytes, for where nothing is encrypted: it needs no WebAssembly. */
export function publicKeyOf(secretKey: Uint8Array): RealKey {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, secretKey]), format: 'der', type: 'pkcs8' })
  return hex(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-keyBytes))
}
