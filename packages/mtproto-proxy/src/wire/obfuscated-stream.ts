import type { Buffer } from 'node:buffer'
import { ByteFeed } from './byte-feed.js'
import type { ObfuscatedStreams } from './obfuscated2.js'
import { encodeTlsRecords, type TlsRecordDecoder } from './tls-records.js'

/**
 * What lies between the wire and the packets, after the header: the keystreams, and TLS records around them if the
 * client speaks fake-TLS. Either end has one.
 */
export class ObfuscatedStream {
  readonly #streams: ObfuscatedStreams
  readonly #records: TlsRecordDecoder | null
  readonly #chunks = new ByteFeed()

  /** @param records - the reader of records, where it stands after the header; null without fake-TLS */
  constructor(streams: ObfuscatedStreams, records: TlsRecordDecoder | null) {
    this.#streams = streams
    this.#records = records
  }

  /** Memory held for what has not been given yet, in bytes. */
  get heldBytes(): number {
    return this.#records?.heldBytes ?? this.#chunks.heldBytes
  }

  /** Adds the next bytes off the wire. Held, not copied, until `next` returns null. */
  push(chunk: Uint8Array): void {
    const source = this.#records ?? this.#chunks
    source.push(chunk)
  }

  /**
   * More plain bytes, in memory of their own, or null until more has come.
   *
   * @throws a `ClientBytesError` when a record is broken; ask no more after it
   */
  next(): Buffer | null {
    const some = this.#records ? this.#records.next() : this.#chunks.takeSome(Number.MAX_SAFE_INTEGER)
    return some && this.#streams.incoming.update(some)
  }

  /** Plain bytes as bytes for the wire. Call in the order in which they are written. */
  encode(plain: Uint8Array): Buffer {
    const bytes = this.#streams.outgoing.update(plain)
    return this.#records ? encodeTlsRecords(bytes) : bytes
  }
}
