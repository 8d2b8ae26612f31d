import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { igeDecrypt, igeEncrypt, mixed } from './aes-ige.js'
import { AuthKey } from './auth-key.js'
import { DiffieHellman, dhGenerator, dhPrime } from './diffie-hellman.js'
import type { RsaKey } from './rsa-key.js'
import { bytes, long, TlReader, uint, vector } from './tl.js'

/** Fingerprint of a key that all clients know and whose private half only Telegram has. */
const knownFingerprint = 0xd09d1d85de64fd85n

const reqPq = 0x60469778
const reqPqMulti = 0xbe7e8ef1
const reqDhParams = 0xd712e4be
const setClientDhParams = 0xf5045f1f
/** Constructors of p_q_inner_data, and what of it follows the nonces. */
const innerData = new Map([
  [0x83c95aec, {}],
  [0xa9f55f95, { dc: true }],
  [0x3c6a84d4, { expires: true }],
  [0x56fddf88, { dc: true, expires: true }],
])
/** 0x494c553b · 0x53911073 */
const pq = Buffer.from('17ed48941a08f981', 'hex')
/** Exchanges that were begun and not finished: the oldest is forgotten. */
const maxPending = 1000

interface Exchange {
  readonly serverNonce: Buffer
  readonly newNonce: Buffer
  readonly diffieHellman: DiffieHellman
}

/** Options of {@link KeyExchanges}. */
export interface KeyExchangesOptions {
  /** The key to do the exchange with; `null`: it ends after resPQ. */
  readonly key: RsaKey | null
  /** Unix seconds. */
  readonly now: () => number
  readonly agreed: (key: AuthKey) => void
}

/** The server's side of the exchange by which a client and Telegram agree on a key. */
export class KeyExchanges {
  readonly #options: KeyExchangesOptions
  /** By the client's nonce. */
  readonly #pending = new Map<string, Exchange | { readonly serverNonce: Buffer }>()

  constructor(options: KeyExchangesOptions) {
    this.#options = options
  }

  /**
   * Answers the body of a message that is not encrypted; `null`: it stays without an answer.
   *
   * @throws a `TlError` if it ends too early
   */
  answer(body: Buffer): Buffer | null {
    const reader = new TlReader(body)
    switch (reader.uint()) {
      case reqPq:
      case reqPqMulti:
        return this.#resPq(reader.raw(16))
      case reqDhParams:
        return this.#dhParams(reader)
      case setClientDhParams:
        return this.#agree(reader)
      default:
        return null
    }
  }

  #resPq(nonce: Buffer): Buffer {
    const serverNonce = randomBytes(16)
    this.#remember(nonce, { serverNonce })
    const { key } = this.#options
    const fingerprints = [...(key === null ? [] : [key.fingerprint]), knownFingerprint]
    return Buffer.concat([uint(0x05162463), nonce, serverNonce, bytes(pq), vector(fingerprints.map(long))])
  }

  #dhParams(reader: TlReader): Buffer | null {
    const [nonce, serverNonce] = [reader.raw(16), reader.raw(16)]
    reader.bytes()
    reader.bytes()
    const fingerprint = BigInt.asUintN(64, reader.long())
    const { key, now } = this.#options
    const begun = this.#pending.get(nonce.toString('hex'))
    if (key?.fingerprint !== fingerprint || begun?.serverNonce.equals(serverNonce) !== true) return null
    const newNonce = readInnerData(key.decrypt(reader.bytes()), nonce, serverNonce)
    if (newNonce === null) return null
    const diffieHellman = new DiffieHellman()
    this.#remember(nonce, { serverNonce: begun.serverNonce, newNonce, diffieHellman })
    const answer = Buffer.concat([
      ...[uint(0xb5890dba), nonce, serverNonce, uint(dhGenerator), bytes(dhPrime)],
      bytes(diffieHellman.public),
      uint(now()),
    ])
    const { key: aes, iv } = temporaryKey(newNonce, serverNonce)
    const encrypted = igeEncrypt(hashed(answer), aes, iv)
    return Buffer.concat([uint(0xd0e8075c), nonce, serverNonce, bytes(encrypted)])
  }

  #agree(reader: TlReader): Buffer | null {
    const [nonce, serverNonce] = [reader.raw(16), reader.raw(16)]
    const begun = this.#pending.get(nonce.toString('hex'))
    if (begun === undefined || !('newNonce' in begun) || !begun.serverNonce.equals(serverNonce)) return null
    const { newNonce, diffieHellman } = begun
    const { key: aes, iv } = temporaryKey(newNonce, serverNonce)
    const encrypted = reader.bytes()
    if (encrypted.length % 16 !== 0) return null
    const inner = new TlReader(igeDecrypt(encrypted, aes, iv).subarray(20))
    if (inner.uint() !== 0x6643b654 || !inner.raw(16).equals(nonce)) return null
    inner.raw(16 + 8)
    const secret = diffieHellman.agree(inner.bytes())
    const salt = mixed(newNonce.subarray(0, 8), serverNonce.subarray(0, 8)).readBigInt64LE()
    const key = new AuthKey(secret, salt)
    this.#pending.delete(nonce.toString('hex'))
    this.#options.agreed(key)
    const hash = sha1(newNonce, Buffer.of(1), key.auxHash).subarray(4)
    return Buffer.concat([uint(0x3bcbf734), nonce, serverNonce, hash])
  }

  #remember(nonce: Buffer, exchange: Exchange | { readonly serverNonce: Buffer }): void {
    this.#pending.set(nonce.toString('hex'), exchange)
    const [oldest] = this.#pending.keys()
    if (oldest !== undefined && this.#pending.size > maxPending) this.#pending.delete(oldest)
  }
}

/** The new nonce from what a client encrypted by RSA, in today's form or in that of before 2021. */
function readInnerData(decrypted: Buffer | null, nonce: Buffer, serverNonce: Buffer): Buffer | null {
  if (decrypted === null) return null
  const data = unpadded(decrypted) ?? decrypted.subarray(21)
  const reader = new TlReader(data)
  const kind = innerData.get(reader.uint())
  if (kind === undefined) return null
  for (let field = 0; field < 3; field += 1) reader.bytes()
  const isOurs = reader.raw(16).equals(nonce) && reader.raw(16).equals(serverNonce)
  return isOurs ? Buffer.from(reader.raw(32)) : null
}

/** Undoes RSA_PAD: the key is hidden in the hash of what it encrypts, and the hash of all follows the reversed data. */
function unpadded(decrypted: Buffer): Buffer | null {
  const encrypted = decrypted.subarray(32)
  const key = mixed(decrypted.subarray(0, 32), sha256(encrypted))
  const plain = igeDecrypt(encrypted, key, Buffer.alloc(32))
  const data = Buffer.from(plain.subarray(0, 192)).reverse()
  return sha256(key, data).equals(plain.subarray(192)) ? data : null
}

function temporaryKey(newNonce: Buffer, serverNonce: Buffer): { key: Buffer; iv: Buffer } {
  const mixedHash = sha1(serverNonce, newNonce)
  return {
    key: Buffer.concat([sha1(newNonce, serverNonce), mixedHash.subarray(0, 12)]),
    iv: Buffer.concat([mixedHash.subarray(12), sha1(newNonce, newNonce), newNonce.subarray(0, 4)]),
  }
}

/** With its hash before it, and random bytes after it up to a whole block. */
function hashed(answer: Buffer): Buffer {
  return Buffer.concat([sha1(answer), answer, randomBytes(-(20 + answer.length) & 15)])
}

function sha1(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha1').update(Buffer.concat(parts)).digest()
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}
