import { Buffer } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import { ByteFeed } from './byte-feed.js'
import { tlsRandomAt, tlsRandomBytes } from './client-hello.js'
import { serverHelloDigest } from './server-hello.js'
import { recordHeaderBytes } from './tls-records.js'

/**
 * What answered a ClientHello.
 *
 * - `proxy`: a proxy that knows the key. `rest` are the bytes after its hello.
 * - `web-server`: TLS, but of somebody who does not know the key: the proxy took us for a stranger and relays us.
 * - `alert`: a TLS alert.
 * - `not-tls`: something else.
 */
export type ServerHelloResult =
  | { readonly kind: 'proxy'; readonly rest: Buffer }
  | { readonly kind: 'web-server' }
  | { readonly kind: 'alert' }
  | { readonly kind: 'not-tls' }

/** The records of a hello, in order: ServerHello, ChangeCipherSpec, application data. */
const types = [0x16, 0x14, 0x17] as const

/** Longest record of a real server, in bytes (RFC 8446, 5.2). */
const maxRecordBytes = 16_384 + 256

/** The client's side of a fake-TLS hello: reads the three records and checks their digest (spec 3.4). */
export class ServerHelloReader {
  readonly #key: Uint8Array
  readonly #clientRandom: Uint8Array
  readonly #feed = new ByteFeed()
  readonly #parts: Buffer[] = []
  /** Payload of the record whose header has come. */
  #length: number | null = null

  constructor(key: Uint8Array, clientRandom: Uint8Array) {
    this.#key = key
    this.#clientRandom = clientRandom
  }

  /**
   * Takes the next bytes; once it has returned a result it must not be called again.
   *
   * @param chunk - lent
   * @returns null until more has come
   */
  push(chunk: Uint8Array): ServerHelloResult | null {
    this.#feed.push(chunk)
    for (;;) {
      if (this.#length === null) {
        const header = this.#feed.take(recordHeaderBytes)
        if (header === null) return null
        const refused = this.#begin(header)
        if (refused !== null) return refused
      }
      const payload = this.#feed.take(this.#length ?? 0)
      if (payload === null) return null
      this.#parts.push(Buffer.from(payload))
      this.#length = null
      if (this.#parts.length === 2 * types.length) return this.#verify()
    }
  }

  #begin(header: Buffer): ServerHelloResult | null {
    const type = header.readUInt8(0)
    const length = header.readUInt16BE(3)
    if (type < 0x14 || type > 0x17 || header.readUInt8(1) !== 3 || length > maxRecordBytes) {
      return { kind: 'not-tls' }
    }
    if (type === 0x15) return { kind: 'alert' }
    if (type !== types[this.#parts.length / 2]) return { kind: 'web-server' }
    this.#parts.push(Buffer.from(header))
    this.#length = length
    return null
  }

  #verify(): ServerHelloResult {
    const hello = Buffer.concat(this.#parts)
    const random = hello.subarray(tlsRandomAt, tlsRandomAt + tlsRandomBytes)
    const carried = Buffer.from(random)
    random.fill(0)
    const valid =
      carried.length === tlsRandomBytes &&
      timingSafeEqual(carried, serverHelloDigest(this.#key, this.#clientRandom, hello))
    if (!valid) return { kind: 'web-server' }
    const rest: Buffer[] = []
    for (
      let some = this.#feed.takeSome(hello.length);
      some !== null;
      some = this.#feed.takeSome(hello.length)
    ) {
      rest.push(some)
    }
    return { kind: 'proxy', rest: Buffer.concat(rest) }
  }
}
