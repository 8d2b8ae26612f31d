import { Buffer } from 'node:buffer'
import { ClientBytesError } from './client-bytes-error.js'
import type { ObfuscatedStreams } from './obfuscated2.js'
import { encodeTlsRecords, type TlsRecordDecoder } from './tls-records.js'

/**
 * What lies between the wire and the packets, after the header: the keystreams, and TLS records around them if the
 * client speaks fake-TLS. Either end has one.
 */
export class ObfuscatedStream {
  readonly #streams: ObfuscatedStreams
  readonly #records: TlsRecordDecoder | null
  #error: ClientBytesError | null = null

  /** @param records - the reader of records, where it stands after the header; null without fake-TLS */
  constructor(streams: ObfuscatedStreams, records: TlsRecordDecoder | null) {
    this.#streams = streams
    this.#records = records
  }

  /** Why nothing more will come, after what was returned; null while all is well. */
  get error(): ClientBytesError | null {
    return this.#error
  }

  /** Memory held, in bytes: at most what came of a record's header. */
  get heldBytes(): number {
    return this.#records?.heldBytes ?? 0
  }

  /**
   * The next bytes off the wire as plain bytes, in memory of their own.
   *
   * @param chunk - lent
   */
  decode(chunk: Uint8Array): Buffer {
    return this.#streams.incoming.update(this.#records ? this.#unwrap(this.#records, chunk) : chunk)
  }

  /** Plain bytes as bytes for the wire. Call in the order in which they are written. */
  encode(plain: Uint8Array): Buffer {
    const bytes = this.#streams.outgoing.update(plain)
    return this.#records ? encodeTlsRecords(bytes) : bytes
  }

  /** Together, as each piece that is decrypted costs memory of its own, and records may hold a byte each. */
  #unwrap(records: TlsRecordDecoder, chunk: Uint8Array): Buffer {
    const pieces: Buffer[] = []
    if (this.#error === null) {
      records.push(chunk)
      try {
        for (let piece = records.next(); piece !== null; piece = records.next()) pieces.push(piece)
      } catch (error) {
        if (!(error instanceof ClientBytesError)) throw error
        this.#error = error
      }
    }
    const [only] = pieces
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces)
  }
}
