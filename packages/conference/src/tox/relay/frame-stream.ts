import { Buffer } from 'node:buffer'
import { view } from '../../wire/identity.js'
import { macBytes, open, type SharedKey, seal } from '../crypto/box.js'
import { advanceNonce } from '../crypto/nonce.js'

/** Most bytes of a sealed frame. */
const maxFrameBytes = 2048

/** Writes frames of one direction: length, then box, each with the next nonce. */
export class FrameSealer {
  readonly #key: SharedKey
  readonly #nonce: Uint8Array

  constructor(key: SharedKey, baseNonce: Uint8Array) {
    this.#key = key
    this.#nonce = new Uint8Array(baseNonce)
  }

  seal(content: Uint8Array): Uint8Array {
    const box = seal(this.#key, this.#nonce, content)
    advanceNonce(this.#nonce, 1)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(box.length)
    return Buffer.concat([length, box])
  }
}

/** Reads frames of one direction from a stream that is cut anywhere. Holds less than one frame. */
export class FrameOpener {
  readonly #key: SharedKey
  readonly #nonce: Uint8Array
  #rest: Uint8Array = new Uint8Array()

  constructor(key: SharedKey, baseNonce: Uint8Array) {
    this.#key = key
    this.#nonce = new Uint8Array(baseNonce)
  }

  /** @returns false if the stream is broken: nothing of it can be read any more */
  read(chunk: Uint8Array, each: (content: Uint8Array) => void): boolean {
    const bytes = this.#rest.length === 0 ? view(chunk) : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= 2) {
      const length = bytes.readUInt16BE(at)
      if (length <= macBytes || length > maxFrameBytes) return false
      const end = at + 2 + length
      if (end > bytes.length) break
      const content = open(this.#key, this.#nonce, bytes.subarray(at + 2, end))
      if (!content) return false
      advanceNonce(this.#nonce, 1)
      at = end
      each(content)
    }
    this.#rest = Uint8Array.from(bytes.subarray(at))
    return true
  }
}
