import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { igeDecrypt, igeEncrypt } from './aes-ige.js'

/** Who encrypted a message: each side takes other parts of the key. */
export type Side = 'client' | 'server'

/** What a client and a data centre agreed on, and messages of MTProto 2.0 under it. */
export class AuthKey {
  /** First 8 bytes of every message under this key, in hexadecimal. */
  readonly id: string
  readonly auxHash: Buffer
  /** What clients have to put into their messages. */
  salt: bigint
  readonly #key: Buffer

  constructor(key: Buffer, salt: bigint) {
    this.#key = key
    this.salt = salt
    const digest = createHash('sha1').update(key).digest()
    this.auxHash = digest.subarray(0, 8)
    this.id = digest.subarray(12).toString('hex')
  }

  /** Decrypts a packet of this side; `null` if it was not made with this key. */
  open(packet: Buffer, from: Side): Buffer | null {
    const bytes = (packet.length - 24) & ~15
    if (bytes < 32) return null
    const messageKey = packet.subarray(8, 24)
    const { key, iv } = this.#aes(messageKey, from)
    const plain = igeDecrypt(packet.subarray(24, 24 + bytes), key, iv)
    return this.#messageKey(plain, from).equals(messageKey) ? plain : null
  }

  /** Encrypts salt, session, message and all; what is needed of padding is added. */
  seal(plain: Buffer, from: Side): Buffer {
    const padded = Buffer.concat([plain, randomBytes(12 + (-(plain.length + 12) & 15))])
    const messageKey = this.#messageKey(padded, from)
    const { key, iv } = this.#aes(messageKey, from)
    return Buffer.concat([Buffer.from(this.id, 'hex'), messageKey, igeEncrypt(padded, key, iv)])
  }

  #messageKey(plain: Buffer, from: Side): Buffer {
    const at = 88 + offset(from)
    return sha256(this.#key.subarray(at, at + 32), plain).subarray(8, 24)
  }

  #aes(messageKey: Buffer, from: Side): { key: Buffer; iv: Buffer } {
    const at = offset(from)
    const a = sha256(messageKey, this.#key.subarray(at, at + 36))
    const b = sha256(this.#key.subarray(40 + at, 76 + at), messageKey)
    const joined = (one: Buffer, two: Buffer): Buffer =>
      Buffer.concat([one.subarray(0, 8), two.subarray(8, 24), one.subarray(24)])
    return { key: joined(a, b), iv: joined(b, a) }
  }
}

function offset(from: Side): number {
  return from === 'client' ? 0 : 8
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}
