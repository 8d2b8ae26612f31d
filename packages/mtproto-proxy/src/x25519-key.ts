import { generateKeyPairSync } from 'node:crypto'

/** A fresh public key, 32 bytes, for a ClientHello; its private half is thrown away, for fake-TLS has no use for it. */
export function x25519PublicKey(): Uint8Array {
  const { x = '' } = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })
  return Buffer.from(x, 'base64url')
}
