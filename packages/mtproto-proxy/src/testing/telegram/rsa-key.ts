import { Buffer } from 'node:buffer'
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from 'node:crypto'
import { bytes } from './tl.js'

/** An RSA key of an embedded Telegram: clients that are to finish a key exchange must be given its public half. */
export class RsaKey {
  /** The public half as PKCS #1 PEM (`BEGIN RSA PUBLIC KEY`), as client libraries take it. */
  readonly pem: string
  /** The lower 64 bits of SHA-1 over modulus and exponent, by which a client finds the key. */
  readonly fingerprint: bigint
  readonly #secret: KeyObject

  constructor() {
    // Read again from text: to export the very key that was generated may hang, see `x25519PublicKey`.
    const encoding = { type: 'pkcs1', format: 'pem' } as const
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: encoding,
      privateKeyEncoding: encoding,
    })
    this.#secret = createPrivateKey(privateKey)
    this.pem = publicKey
    const { n = '', e = '' } = createPublicKey(publicKey).export({ format: 'jwk' })
    const digest = createHash('sha1')
      .update(bytes(Buffer.from(n, 'base64url')))
      .update(bytes(Buffer.from(e, 'base64url')))
      .digest()
    this.fingerprint = digest.readBigUInt64LE(12)
  }

  /** What was encrypted without any padding of RSA's own: 256 bytes. `null` if it was not for this key. */
  decrypt(encrypted: Uint8Array): Buffer | null {
    if (encrypted.length !== 256) return null
    try {
      return privateDecrypt({ key: this.#secret, padding: constants.RSA_NO_PADDING }, encrypted)
    } catch {
      return null
    }
  }
}
