import { Buffer } from 'node:buffer'
import { ByteFeed } from './byte-feed.js'
import { ClientBytesError } from './client-bytes-error.js'

/** Fatal alert `decode_error`: the answer to a hello that cannot be read (spec 3.4). */
export const decodeErrorAlert: Uint8Array = Buffer.from('15030300020232', 'hex')

/** What both sides send before their application data, to look like TLS 1.3. */
export const changeCipherSpec: Uint8Array = Buffer.from('140303000101', 'hex')

/** Length of a record's header, in bytes. */
export const recordHeaderBytes = 5

const types = { changeCipherSpec: 0x14, applicationData: 0x17 } as const
const version = 0x0303

/** Longest payload of a record written, in bytes (RFC 8446, 5.1). */
const maxPlainBytes = 16_384

/** Longest payload of a record read, in bytes: with what real TLS may add (RFC 8446, 5.2). */
const maxRecordBytes = maxPlainBytes + 256

/**
 * Takes the payload out of a peer's application data records, and skips ChangeCipherSpec (spec 3.4).
 *
 * Push a chunk, then call `next` until it returns null. What has come of a record is given at once, so at most a
 * record's header is ever held.
 */
export class TlsRecordDecoder {
  readonly #feed = new ByteFeed()
  #type = 0
  /** Bytes of the current record that have not come. */
  #left = 0

  /** Memory held for what has not been given yet, in bytes. */
  get heldBytes(): number {
    return this.#feed.heldBytes
  }

  /** Adds the next chunk. Taken over: what `next` gives are views of it. */
  push(chunk: Uint8Array): void {
    this.#feed.push(chunk)
  }

  /**
   * More payload, at least one byte and at most `limit`, or null until more has come.
   *
   * @throws a `ClientBytesError` when the stream is broken; ask no more after it
   */
  next(limit: number = Number.MAX_SAFE_INTEGER): Buffer | null {
    for (;;) {
      while (this.#left === 0) {
        const header = this.#feed.take(recordHeaderBytes)
        if (header === null) return null
        this.#begin(header)
      }
      const wanted = this.#type === types.applicationData
      const some = this.#feed.takeSome(wanted ? Math.min(limit, this.#left) : this.#left)
      if (some === null) return null
      this.#left -= some.length
      if (wanted) return some
    }
  }

  #begin(header: Buffer): void {
    const type = header.readUInt8(0)
    const known = type === types.applicationData || type === types.changeCipherSpec
    if (!known || header.readUInt16BE(1) !== version) {
      throw new ClientBytesError('tls_bad_record', `a record that begins ${header.toString('hex')}`)
    }
    const length = header.readUInt16BE(3)
    if (length > maxRecordBytes) throw new ClientBytesError('tls_max_size', `a record of ${length} bytes`)
    this.#type = type
    this.#left = length
  }
}

/** Puts bytes into as many application data records as they need. */
export function encodeTlsRecords(payload: Uint8Array): Buffer {
  const records = Math.ceil(payload.length / maxPlainBytes)
  const wire = Buffer.allocUnsafe(payload.length + records * recordHeaderBytes)
  let end = 0
  for (let from = 0; from < payload.length; from += maxPlainBytes) {
    const part = payload.subarray(from, from + maxPlainBytes)
    end = wire.writeUInt8(types.applicationData, end)
    end = wire.writeUInt16BE(version, end)
    end = wire.writeUInt16BE(part.length, end)
    wire.set(part, end)
    end += part.length
  }
  return wire
}
