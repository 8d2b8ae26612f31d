import { Buffer } from 'node:buffer'
import type { SharedKey } from '../crypto/box.js'
import { FrameOpener, FrameSealer } from './frame-stream.js'
import { decodeFrame, encodeFrame, type RelayFrame } from './frames.js'

/** What a side of a relay session needs, once both have made their offers. */
export interface SessionKeys {
  readonly key: SharedKey
  /** Nonce of our first frame. */
  readonly ours: Uint8Array
  /** Nonce of theirs. */
  readonly theirs: Uint8Array
}

/** Whose side of a session it is. */
export interface RelaySide {
  /** Reads the other side's greeting; `null` if it is not what it should be. */
  enter(greeting: Uint8Array): SessionKeys | null
  /** Frames can be sent; told before the first one is received. */
  entered(): void
  /** A frame came. Lent. */
  receive(frame: RelayFrame): void
}

/**
 * The line between a client and a relay: a greeting of fixed length first, frames after it (spec 12.8). Bytes come cut
 * anywhere; less than a greeting or a frame is held.
 */
export class RelaySession {
  readonly #greetingBytes: number
  readonly #side: RelaySide
  #greeting = Buffer.alloc(0)
  #sealer: FrameSealer | null = null
  #opener: FrameOpener | null = null

  /** @param greetingBytes - of the other side's greeting */
  constructor(greetingBytes: number, side: RelaySide) {
    this.#greetingBytes = greetingBytes
    this.#side = side
  }

  /** @returns why nothing more can be read: `stranger` if the greeting was wrong, `broken` if a frame was; else `null` */
  read(chunk: Uint8Array): 'stranger' | 'broken' | null {
    if (this.#opener) return this.#open(this.#opener, chunk)
    this.#greeting = Buffer.concat([this.#greeting, chunk])
    if (this.#greeting.length < this.#greetingBytes) return null
    const rest = this.#greeting.subarray(this.#greetingBytes)
    const keys = this.#side.enter(this.#greeting.subarray(0, this.#greetingBytes))
    this.#greeting = Buffer.alloc(0)
    if (!keys) return 'stranger'
    this.#sealer = new FrameSealer(keys.key, keys.ours)
    this.#opener = new FrameOpener(keys.key, keys.theirs)
    this.#side.entered()
    return this.#open(this.#opener, rest)
  }

  /** The bytes of a frame; `null` before the greeting was read. */
  seal(frame: RelayFrame): Uint8Array | null {
    return this.#sealer?.seal(encodeFrame(frame)) ?? null
  }

  #open(opener: FrameOpener, chunk: Uint8Array): 'broken' | null {
    const isSound = opener.read(chunk, (content) => {
      const frame = decodeFrame(content)
      if (frame) this.#side.receive(frame)
    })
    return isSound ? null : 'broken'
  }
}
