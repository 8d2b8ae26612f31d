import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { hex } from '../../wire/identity.js'

/** What two key pairs have in common: the key of all boxes between them (NaCl `beforenm`), 32 bytes. Secret. */
export type SharedKey = Uint8Array

/** Bytes that nobody can guess. */
export type RandomBytes = (count: number) => Uint8Array

/** Bytes by which a box is longer than what is in it. */
export const macBytes = 16
/** Bytes of a nonce. */
export const nonceBytes = 24

const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex')
const secretPrefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const sigma = words(Buffer.from('expand 32-byte k'))

/** A Curve25519 key pair. The secret half is not part of what a log or JSON would show. */
export class KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The same in hexadecimal. */
  readonly name: string
  readonly #secret: Uint8Array
  readonly #key: KeyObject

  /** @param secret - 32 bytes: random for a new pair, saved for an old one */
  constructor(secret: Uint8Array) {
    this.#secret = Uint8Array.from(secret)
    const key = Buffer.concat([secretPrefix, secret])
    this.#key = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
    this.publicKey = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(-32)
    this.name = hex(this.publicKey)
  }

  /** The secret half, for a save file and nothing else. */
  secret(): Uint8Array {
    return Uint8Array.from(this.#secret)
  }

  /** The key of boxes between us and the owner of `publicKey`; `null` if that is no key of anybody's. */
  agree(publicKey: Uint8Array): SharedKey | null {
    const key = Buffer.concat([publicPrefix, publicKey])
    try {
      const theirs = createPublicKey({ key, format: 'der', type: 'spki' })
      const point = diffieHellman({ privateKey: this.#key, publicKey: theirs })
      const shared = new Uint32Array(8)
      hsalsa(sigma, words(point), new Uint32Array(4), shared)
      return new Uint8Array(shared.buffer)
    } catch {
      // A point of low order: it would make the same key with everybody.
      return null
    }
  }
}

/** Encrypts and authenticates: XSalsa20-Poly1305 with the MAC in front. A nonce must never be used twice with a key. */
export function seal(key: SharedKey, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
  return xsalsa20poly1305(key, nonce).encrypt(plain)
}

/** What is in the box; `null` if it was made with another key or nonce, or changed. */
export function open(key: SharedKey, nonce: Uint8Array, box: Uint8Array): Uint8Array | null {
  if (box.length < macBytes) return null
  try {
    return xsalsa20poly1305(key, nonce).decrypt(box)
  } catch {
    return null
  }
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}
