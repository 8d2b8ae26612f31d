import { encodeJson } from '../wire/json.js'
import type { StreamName, StreamRows } from './registry.js'
import { rowCodecs } from './row-codecs.js'
import { RowError } from './row-error.js'

/** A row of a known stream; `stream` tells what `row` is. */
export type KnownRow = {
  readonly [Name in StreamName]: {
    readonly kind: 'row'
    readonly stream: Name
    readonly row: StreamRows[Name]
    /** Members that a newer peer added, and that were ignored. */
    readonly extra: number
  }
}[StreamName]

/** What became of the text of a row. */
export type RowReading =
  | KnownRow
  | { readonly kind: 'unknown-stream'; readonly stream: string; readonly value: unknown }
  | { readonly kind: 'malformed'; readonly stream: string; readonly error: RowError }

/**
 * Reads the JSON of a row. Never throws, and never passes over anything: a stream that is not known gives its
 * value, a row that cannot be understood its error, and members too many are counted.
 *
 * Integers above 2^53 lose digits here, as everywhere in JavaScript; who relays rows passes the text on.
 *
 * @example
 * ```ts
 * import { decodeRow } from '@holdfast/tcp-replication'
 *
 * decodeRow('typing', '["!room:x", ["@a:x"]]')
 * // => { kind: 'row', stream: 'typing', row: { roomId: '!room:x', userIds: ['@a:x'] }, extra: 0 }
 * decodeRow('typing', '["!room:x"]').kind // => 'malformed'
 * decodeRow('weather', '["rain"]') // => { kind: 'unknown-stream', stream: 'weather', value: ['rain'] }
 * ```
 */
export function decodeRow(stream: string, text: string): RowReading {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    return { kind: 'malformed', stream, error: new RowError(stream, 'json', 'not JSON', { cause }) }
  }
  return decodeRowValue(stream, value)
}

/** Like {@link decodeRow}, of JSON already parsed: rows that came by HTTP (14.3). */
export function decodeRowValue(stream: string, value: unknown): RowReading {
  if (!isKnownStream(stream)) return { kind: 'unknown-stream', stream, value }
  try {
    // Codec and row belong to the same stream, which the type of a union of calls cannot say.
    return { kind: 'row', stream, ...rowCodecs[stream].decode(stream, value) } as KnownRow
  } catch (error) {
    if (error instanceof RowError) return { kind: 'malformed', stream, error }
    throw error
  }
}

/**
 * Writes a row as compact ASCII JSON, in the form that has exactly the row's members: leave out what the receiver's
 * version does not have (14.1).
 *
 * @throws an `UnsendableError` when the row is not what its type says
 *
 * @example
 * ```ts
 * import { encodeRow } from '@holdfast/tcp-replication'
 *
 * encodeRow('device_lists', { entity: '@a:x', destination: null }) // => '["@a:x",null]'
 * encodeRow('device_lists', { entity: '@a:x' }) // => '["@a:x"]'
 * ```
 */
export function encodeRow<Name extends StreamName>(stream: Name, row: StreamRows[Name]): string {
  return encodeJson(rowCodecs[stream].encode(row))
}

/** Whether {@link decodeRow} knows the rows of a stream. */
export function isKnownStream(stream: string): stream is StreamName {
  return Object.hasOwn(rowCodecs, stream)
}
