import { asBuffer } from '../wire/as-buffer.js'
import { type CbcStream, cbcDecryptor, cbcEncryptor } from '../wire/cbc-stream.js'
import { FrameChannel } from '../wire/frame-channel.js'
import { FrameReader, FrameWriter, firstSeq, paddingWord } from '../wire/full-frame.js'
import {
  aesSchema,
  crc32cFlag,
  decodeHandshake,
  decodeNonce,
  encodeHandshake,
  encodeHandshakeError,
  encodeNonce,
} from '../wire/handshake-messages.js'
import { type KeyMaterial, middleKeys } from '../wire/middle-keys.js'

/** What a middle proxy needs for the handshake, and how it may misbehave in it. */
export interface MiddleProxyHandshakeOptions
  extends Pick<KeyMaterial, 'proxySecret' | 'serverNonce' | 'server' | 'client'> {
  /** Unix seconds that it claims to have. */
  readonly timestamp: number
  /** Whether it says in its handshake that it knows CRC-32C. Default: no. */
  readonly crc32c?: boolean
  /** Words of padding that it appends to its nonce, as some servers do. Default: 0. */
  readonly noncePadding?: number
  /** Answers the handshake by RPC_HANDSHAKE_ERROR with this code. Default: it does not. */
  readonly refuse?: number
  /** Is shown every frame after the handshake before it is encrypted, and may spoil it. */
  readonly tamper?: (frame: Buffer) => void
}

/** What is to be done; `ready` and `failed` are the last. */
export type MiddleProxyEffect =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  | { readonly kind: 'ready'; readonly channel: FrameChannel }
  | { readonly kind: 'failed'; readonly why: string }

const pid = Buffer.from('0100007f901f0100d5e83165', 'hex')

/** The middle proxy's side of the handshake (spec 5.2 to 5.4): the mirror of `MiddleHandshake`. */
export class MiddleProxyHandshake {
  readonly #options: MiddleProxyHandshakeOptions
  #plain: FrameReader | null = new FrameReader()
  #crypto: { decrypt: CbcStream; encrypt: CbcStream } | null = null
  readonly #reader = new FrameReader({ seq: firstSeq + 1 })

  constructor(options: MiddleProxyHandshakeOptions) {
    this.#options = options
  }

  /** Takes what came in, until `ready` or `failed`. */
  push(chunk: Uint8Array): readonly MiddleProxyEffect[] {
    return this.#plain === null ? this.#readHandshake(chunk) : this.#readNonce(this.#plain, chunk)
  }

  #readNonce(reader: FrameReader, chunk: Uint8Array): readonly MiddleProxyEffect[] {
    reader.feed(chunk)
    const body = reader.next()
    if (body === null) return []
    const nonce = Buffer.isBuffer(body) ? decodeNonce(body) : null
    if (nonce === null) return failed('no RPC_NONCE')
    const { proxySecret, serverNonce, timestamp, noncePadding = 0 } = this.#options
    if (nonce.schema !== aesSchema) return failed(`encryption ${nonce.schema}`)
    if (!asBuffer(nonce.selector).equals(proxySecret.subarray(0, 4))) return failed('another proxy secret')
    const keys = middleKeys({ ...this.#options, clientNonce: nonce.nonce, timestamp: nonce.timestamp })
    this.#crypto = { decrypt: cbcDecryptor(keys.toTelegram), encrypt: cbcEncryptor(keys.toProxy) }
    this.#plain = null
    const answer = new FrameWriter().write(
      encodeNonce({ selector: proxySecret, timestamp, nonce: serverNonce }),
    )
    const padding = Buffer.alloc(4 * noncePadding)
    for (let at = 0; at < padding.length; at += 4) padding.writeUInt32LE(paddingWord, at)
    let rest = reader.takeRest()
    // The reference in Erlang pads its nonce; whatever else follows is encrypted.
    while (rest.length >= 4 && rest.readUInt32LE(0) === paddingWord) rest = rest.subarray(4)
    return [{ kind: 'send', bytes: Buffer.concat([answer, padding]) }, ...this.#readHandshake(rest)]
  }

  #readHandshake(chunk: Uint8Array): readonly MiddleProxyEffect[] {
    if (this.#crypto === null) return []
    const { decrypt, encrypt } = this.#crypto
    this.#reader.feed(decrypt(chunk))
    const body = this.#reader.next()
    if (body === null) return []
    const asked = Buffer.isBuffer(body) ? decodeHandshake(body) : null
    if (asked?.kind !== 'handshake') return failed('no RPC_HANDSHAKE: other keys')
    const { crc32c = false, refuse } = this.#options
    const writer = new FrameWriter({ seq: firstSeq + 1, encrypt })
    if (refuse !== undefined) {
      return [{ kind: 'send', bytes: writer.write(encodeHandshakeError(refuse, pid)) }, ...failed('refused')]
    }
    const checksum = crc32c && (asked.flags & crc32cFlag) !== 0 ? 'crc32c' : 'crc32'
    const flags = crc32c ? crc32cFlag : 0
    const bytes = writer.write(encodeHandshake({ flags, sender: pid, peer: asked.sender }))
    const goingOn = new FrameReader({ seq: 0, checksum })
    goingOn.feed(this.#reader.takeRest())
    const { tamper } = this.#options
    const spoiled: CbcStream = (frame) => {
      tamper?.(asBuffer(frame))
      return encrypt(frame)
    }
    const frames = new FrameWriter({ seq: 0, checksum, encrypt: spoiled })
    const channel = new FrameChannel(decrypt, goingOn, frames)
    return [
      { kind: 'send', bytes },
      { kind: 'ready', channel },
    ]
  }
}

function failed(why: string): readonly MiddleProxyEffect[] {
  return [{ kind: 'failed', why }]
}
