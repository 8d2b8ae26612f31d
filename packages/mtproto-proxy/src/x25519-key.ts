import { generateKeyPairSync } from 'node:crypto'

/**
 * What generates the key also writes it down. Node.js 20 locks a key while it is exported, and again when it collects what
 * has generated it: exported later, a collection in the middle of it would hang the process for ever.
 */
const encoding = { publicKeyEncoding: { format: 'jwk' } } as const

/**
 * A fresh public key, 32 bytes, for a ClientHello or ServerHello; its private half is thrown away, for fake-TLS has no use
 * for it.
 */
export function x25519PublicKey(): Uint8Array {
  // The types do not know this format.
  const { publicKey } = generateKeyPairSync('x25519', encoding) as unknown as { publicKey: { x: string } }
  return Buffer.from(publicKey.x, 'base64url')
}
