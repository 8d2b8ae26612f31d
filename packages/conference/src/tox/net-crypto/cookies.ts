import { Buffer } from 'node:buffer'
import type { Millis } from '@holdfast/core'
import { nonceBytes, open, type RandomBytes, seal } from '../crypto/box.js'

/** Bytes of a cookie. */
export const cookieBytes = 112

/** How long a cookie can be used. */
const validMs = 15_000

/** Who asked for a cookie. */
export interface CookieOwner {
  readonly realKey: Uint8Array
  readonly dhtKey: Uint8Array
}

/**
 * Cookies of ours: what we would have to remember of everybody who wants to connect, handed to them to remember.
 * Nobody but us can read or make one; each is good for 15 s (spec 12.3).
 */
export class CookieJar {
  readonly #random: RandomBytes
  readonly #key: Uint8Array

  /** @param key - 32 random bytes, new at every start */
  constructor(random: RandomBytes, key = random(32)) {
    this.#random = random
    this.#key = key
  }

  /** Makes a cookie. Times are points on a clock that only has to go forward while we run. */
  bake({ realKey, dhtKey }: CookieOwner, now: Millis): Uint8Array {
    const plain = Buffer.alloc(72)
    plain.writeBigUInt64BE(BigInt(Math.floor(now)))
    plain.set(realKey, 8)
    plain.set(dhtKey, 40)
    const nonce = this.#random(nonceBytes)
    return Buffer.concat([nonce, seal(this.#key, nonce, plain)])
  }

  /** Whose cookie it is; `null` if it is not ours or too old. */
  open(cookie: Uint8Array, now: Millis): CookieOwner | null {
    if (cookie.length !== cookieBytes) return null
    const plain = open(this.#key, cookie.subarray(0, nonceBytes), cookie.subarray(nonceBytes))
    if (!plain) return null
    const made = Number(Buffer.from(plain.subarray(0, 8)).readBigUInt64BE())
    if (now < made || now - made > validMs) return null
    return { realKey: plain.subarray(8, 40), dhtKey: plain.subarray(40, 72) }
  }
}
