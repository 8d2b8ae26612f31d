import sodium from 'libsodium-wrappers'
import { hex } from '../../wire/identity.js'

/** What two key pairs have in common: the key of all boxes between them (NaCl `beforenm`), 32 bytes. Secret. */
export type SharedKey = Uint8Array

/** Bytes that nobody can guess. */
export type RandomBytes = (count: number) => Uint8Array

/** Bytes by which a box is longer than what is in it. */
export const macBytes = 16
/** Bytes of a nonce. */
export const nonceBytes = 24

/** To be awaited once before keys are made or used: the library is WebAssembly, which has to start. */
export const cryptoReady: Promise<void> = sodium.ready

/** A Curve25519 key pair. The secret half is not part of what a log or JSON would show. */
export class KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The same in hexadecimal. */
  readonly name: string
  readonly #secret: Uint8Array

  /** @param secret - 32 bytes: random for a new pair, saved for an old one */
  constructor(secret: Uint8Array) {
    this.#secret = Uint8Array.from(secret)
    this.publicKey = sodium.crypto_scalarmult_base(secret)
    this.name = hex(this.publicKey)
  }

  /** The secret half, for a save file and nothing else. */
  secret(): Uint8Array {
    return Uint8Array.from(this.#secret)
  }

  /** The key of boxes between us and the owner of `publicKey`; `null` if that is no key of anybody's. */
  agree(publicKey: Uint8Array): SharedKey | null {
    try {
      return sodium.crypto_box_beforenm(publicKey, this.#secret)
    } catch {
      // A point of low order: it would make the same key with everybody.
      return null
    }
  }
}

/** Encrypts and authenticates: XSalsa20-Poly1305 with the MAC in front. A nonce must never be used twice with a key. */
export function seal(key: SharedKey, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
  return sodium.crypto_secretbox_easy(plain, nonce, key)
}

/** What is in the box; `null` if it was made with another key or nonce, or changed. */
export function open(key: SharedKey, nonce: Uint8Array, box: Uint8Array): Uint8Array | null {
  if (box.length < macBytes) return null
  try {
    return sodium.crypto_secretbox_open_easy(box, nonce, key)
  } catch {
    return null
  }
}
