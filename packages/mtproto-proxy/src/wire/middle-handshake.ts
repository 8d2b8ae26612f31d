import { Buffer } from 'node:buffer'
import { asBuffer } from './as-buffer.js'
import { cbcDecryptor, cbcEncryptor } from './cbc-stream.js'
import type { Checksum } from './checksum.js'
import { FrameChannel } from './frame-channel.js'
import { FrameReader, FrameWriter, firstSeq, paddingWord } from './full-frame.js'
import {
  aesSchema,
  crc32cFlag,
  decodeHandshake,
  decodeNonce,
  encodeHandshake,
  encodeNonce,
} from './handshake-messages.js'
import { ipToText } from './ip-address.js'
import { type KeyMaterial, middleKeys } from './middle-keys.js'
import { FrameError, type HandshakeProblem, MiddleHandshakeError } from './middle-proxy-error.js'

/** What a proxy needs for the handshake with a middle proxy. */
export interface MiddleHandshakeOptions
  extends Pick<KeyMaterial, 'proxySecret' | 'clientNonce' | 'timestamp' | 'server' | 'client'> {
  /**
   * Offers CRC-32C, which is slower than CRC-32 in Node.js; used if the middle proxy offers it too.
   *
   * @defaultValue false
   */
  readonly crc32c?: boolean
  /**
   * Whether checksums of frames are compared.
   *
   * @defaultValue true
   */
  readonly verify?: boolean
}

/** What is to be done; `ready` and `failed` are the last. */
export type HandshakeEffect =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  /** Messages may go both ways. The channel may already hold some: ask for `next` until it says `null`. */
  | { readonly kind: 'ready'; readonly channel: FrameChannel }
  | { readonly kind: 'failed'; readonly error: MiddleHandshakeError }

/** Seconds by which the clocks of both sides may differ. */
export const maxClockDifference = 30

/** Names the process at both ends; every server takes it, also one that does not swap sender and peer (spec 5.4). */
const pid = Buffer.from('IPIPPRPDTIME')

type State =
  | { readonly phase: 'nonce'; readonly reader: FrameReader }
  /** The plain part may end in padding; fewer than 4 bytes of it are held. */
  | { readonly phase: 'padding'; readonly held: Buffer; readonly crypto: Crypto }
  | { readonly phase: 'handshake'; readonly crypto: Crypto }
  | { readonly phase: 'over' }

interface Crypto {
  readonly decrypt: (bytes: Uint8Array) => Buffer
  readonly encrypt: (bytes: Uint8Array) => Buffer
  readonly reader: FrameReader
}

/**
 * The proxy's side of the handshake with a middle proxy (spec 5.2 to 5.4). No sockets, time or chance: bytes in, effects
 * out.
 *
 * @example
 * ```ts no-run
 * import { randomBytes } from 'node:crypto'
 * import { MiddleHandshake, parseIp } from '@holdfast/mtproto-proxy'
 *
 * const handshake = new MiddleHandshake({
 *   proxySecret: randomBytes(128),
 *   clientNonce: randomBytes(16),
 *   timestamp: Math.floor(Date.now() / 1000),
 *   server: { ip: parseIp('192.0.2.1')!, port: 8888 },
 *   client: { ip: parseIp('198.51.100.2')!, port: 40_000 },
 * })
 * console.log('first', handshake.greeting)
 * ```
 */
export class MiddleHandshake {
  /** What to send as soon as the connection is open. */
  readonly greeting: Buffer
  readonly #options: MiddleHandshakeOptions
  #state: State

  constructor(options: MiddleHandshakeOptions) {
    this.#options = options
    this.#state = { phase: 'nonce', reader: new FrameReader() }
    const { proxySecret, clientNonce, timestamp } = options
    this.greeting = new FrameWriter().write(
      encodeNonce({ selector: proxySecret, timestamp, nonce: clientNonce }),
    )
  }

  /**
   * Takes what came in, until `ready` or `failed`.
   *
   * @param chunk - lent for the call
   * @param now - Unix seconds, to be compared with the clock of the middle proxy
   */
  push(chunk: Uint8Array, now: number): readonly HandshakeEffect[] {
    switch (this.#state.phase) {
      case 'nonce':
        return this.#readNonce(this.#state.reader, chunk, now)
      case 'padding':
        return this.#skipPadding(this.#state.crypto, Buffer.concat([this.#state.held, chunk]))
      case 'handshake':
        return this.#readHandshake(this.#state.crypto, chunk)
      case 'over':
        return []
    }
  }

  /** What it means that the connection ends before `ready`. */
  ended(): MiddleHandshakeError {
    return this.#state.phase === 'nonce'
      ? new MiddleHandshakeError(
          'nonce-rejected',
          'the middle proxy closed the connection on our nonce: our proxy secret is out of date, this host’s clock is wrong, or there is no middle proxy at this address',
        )
      : this.#keysDiffer('closed the connection right after the encrypted handshake')
  }

  #readNonce(reader: FrameReader, chunk: Uint8Array, now: number): readonly HandshakeEffect[] {
    reader.feed(chunk)
    const body = reader.next()
    if (body === null) return []
    const answer = body instanceof FrameError ? null : decodeNonce(body)
    if (answer === null) {
      const cause = body instanceof FrameError ? { cause: body } : {}
      return this.#fail('not-a-middle-proxy', 'what answered is no middle proxy: check the address', cause)
    }
    const { proxySecret, timestamp } = this.#options
    if (answer.schema !== aesSchema) {
      return this.#fail(
        'schema',
        `the middle proxy wants encryption ${answer.schema}, and we know only AES (1)`,
      )
    }
    if (!asBuffer(answer.selector).equals(proxySecret.subarray(0, 4))) {
      return this.#fail('secret', 'the middle proxy uses another proxy secret: fetch it again')
    }
    const ahead = answer.timestamp - now
    if (Math.abs(ahead) > maxClockDifference) {
      return this.#fail(
        'clock',
        `the clock of this host is wrong: Telegram’s is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead' : 'behind'}, and more than ${maxClockDifference} s are not accepted; set it, for example by NTP`,
      )
    }
    const keys = middleKeys({ ...this.#options, serverNonce: answer.nonce, timestamp })
    const crypto = {
      decrypt: cbcDecryptor(keys.toProxy),
      encrypt: cbcEncryptor(keys.toTelegram),
      reader: new FrameReader({ seq: firstSeq + 1 }),
    }
    const flags = this.#options.crc32c === true ? crc32cFlag : 0
    const writer = new FrameWriter({ seq: firstSeq + 1, encrypt: crypto.encrypt })
    const bytes = writer.write(encodeHandshake({ flags, sender: pid, peer: pid }))
    return [{ kind: 'send', bytes }, ...this.#skipPadding(crypto, reader.takeRest())]
  }

  /** Some servers pad their nonce. That a ciphertext begins like padding happens once in 2^32 connections. */
  #skipPadding(crypto: Crypto, bytes: Buffer): readonly HandshakeEffect[] {
    let at = 0
    while (bytes.length - at >= 4 && bytes.readUInt32LE(at) === paddingWord) at += 4
    if (bytes.length - at < 4) {
      this.#state = { phase: 'padding', held: Buffer.from(bytes.subarray(at)), crypto }
      return []
    }
    this.#state = { phase: 'handshake', crypto }
    return this.#readHandshake(crypto, bytes.subarray(at))
  }

  #readHandshake(crypto: Crypto, chunk: Uint8Array): readonly HandshakeEffect[] {
    crypto.reader.feed(crypto.decrypt(chunk))
    const body = crypto.reader.next()
    if (body === null) return []
    const answer = body instanceof FrameError ? null : decodeHandshake(body)
    if (answer === null) {
      const error = this.#keysDiffer(
        'answered the encrypted handshake by what we cannot decrypt',
        body instanceof FrameError ? { cause: body } : {},
      )
      this.#state = { phase: 'over' }
      return [{ kind: 'failed', error }]
    }
    if (answer.kind === 'refusal') {
      return this.#fail('refused', `the middle proxy refused the handshake with code ${answer.code}`)
    }
    if (!pid.equals(answer.peer)) {
      return this.#fail('pid', 'the middle proxy answered the handshake of another process')
    }
    this.#state = { phase: 'over' }
    return [{ kind: 'ready', channel: this.#channel(crypto, (answer.flags & crc32cFlag) !== 0) }]
  }

  #channel({ decrypt, encrypt, reader }: Crypto, theyHaveCrc32c: boolean): FrameChannel {
    const { crc32c = false, verify = true } = this.#options
    const checksum: Checksum = crc32c && theyHaveCrc32c ? 'crc32c' : 'crc32'
    const goingOn = new FrameReader({ seq: 0, checksum, verify })
    goingOn.feed(reader.takeRest())
    return new FrameChannel(decrypt, goingOn, new FrameWriter({ seq: 0, checksum, encrypt }))
  }

  #fail(problem: HandshakeProblem, message: string, options?: ErrorOptions): readonly HandshakeEffect[] {
    this.#state = { phase: 'over' }
    return [{ kind: 'failed', error: new MiddleHandshakeError(problem, message, options) }]
  }

  #keysDiffer(did: string, options?: ErrorOptions): MiddleHandshakeError {
    const { ip, port } = this.#options.client
    return new MiddleHandshakeError(
      'keys',
      `the middle proxy ${did}: it derived other keys. Most likely it sees another address than ${ipToText(ip)}, or another port than ${port}: set the public address of this host, and let no NAT or SOCKS rewrite its ports. Else the proxy secret is out of date`,
      options,
    )
  }
}
