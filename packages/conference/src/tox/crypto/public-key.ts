import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { hex, isValidKey, keyBytes, type RealKey } from '../../wire/identity.js'

/** What comes before the 32 bytes of an X25519 key in PKCS #8 (RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
/** What comes before the 32 bytes of the public half, in SPKI. */
const spki = Buffer.from('302a300506032b656e032100', 'hex')
/** Of nobody: only whether it can agree with a key is asked. */
const anySecret = Buffer.alloc(keyBytes, 1)

/** The public half of 32 secret bytes, for where nothing is encrypted: it needs no WebAssembly. */
export function publicKeyOf(secretKey: Uint8Array): RealKey {
  return hex(
    createPublicKey(privateKey(secretKey)).export({ format: 'der', type: 'spki' }).subarray(-keyBytes),
  )
}

/**
 * Whether a public key can have an owner. A point of low order, as all zeros, has none: it makes the same key with everybody,
 * and no connection is made with it.
 *
 * @param key - 64 hexadecimal digits, of whoever an application or a user names
 */
export function canHaveOwner(key: RealKey): boolean {
  if (!/^[0-9a-f]{64}$/i.test(key) || !isValidKey(key)) return false
  const publicKey = createPublicKey({
    key: Buffer.concat([spki, Buffer.from(key, 'hex')]),
    format: 'der',
    type: 'spki',
  })
  try {
    diffieHellman({ privateKey: privateKey(anySecret), publicKey })
    return true
  } catch {
    return false
  }
}

function privateKey(secretKey: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8, secretKey]), format: 'der', type: 'pkcs8' })
}
