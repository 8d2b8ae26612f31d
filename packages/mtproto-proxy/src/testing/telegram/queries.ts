import { Buffer } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import { bool, bytes, TlError, TlReader, uint, vector } from './tl.js'

/** What a data centre says of itself in help.getConfig. */
export interface ServerConfig {
  /** Unix seconds. */
  readonly now: number
  readonly thisDc: number
  readonly datacenters: readonly { readonly id: number; readonly port: number }[]
}

const gzipPacked = 0x3072cfa1
const maxUnpackedBytes = 1 << 20
const maxDepth = 16

/** Takes off what is wrapped around a query: layers, descriptions of the client, compression. */
export function unwrapQuery(query: Buffer, depth = 0): Buffer {
  const reader = new TlReader(query)
  const type = reader.uint()
  if (depth > maxDepth) throw new TlError('wrapped too often')
  switch (type) {
    case 0xda9b0d0d: // invokeWithLayer
      reader.int()
      break
    case 0xc1cd5ea9: // initConnection
      skipClient(reader)
      break
    case 0xbf9459b7: // invokeWithoutUpdates
      break
    case 0xcb9f372d: // invokeAfterMsg
      reader.long()
      break
    case gzipPacked:
      return unwrapQuery(unpack(reader.bytes()), depth + 1)
    default:
      return query
  }
  return unwrapQuery(reader.rest(), depth + 1)
}

/** The result of a query. */
export function answerQuery(query: Buffer, config: ServerConfig): Buffer {
  switch (new TlReader(query).uint()) {
    case 0xc4f9186b: // help.getConfig
      return helpConfig(config)
    case 0xcdd42a05: // auth.bindTempAuthKey
      return bool(true)
    default:
      return Buffer.concat([uint(0x2144ca19), uint(401), bytes('AUTH_KEY_UNREGISTERED')])
  }
}

function unpack(packed: Buffer): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: maxUnpackedBytes })
  } catch (cause) {
    throw new TlError('cannot be unpacked', { cause })
  }
}

function skipClient(reader: TlReader): void {
  const flags = reader.uint()
  reader.int()
  for (let field = 0; field < 6; field += 1) reader.bytes()
  if ((flags & 1) !== 0) {
    reader.uint()
    reader.bytes()
    reader.int()
  }
  if ((flags & 2) !== 0) skipJson(reader, 0)
}

function skipJson(reader: TlReader, depth: number): void {
  if (depth > maxDepth) throw new TlError('nested too deeply')
  switch (reader.uint()) {
    case 0xc7345e6a: // jsonBool
      reader.uint()
      return
    case 0x2be0dfa4: // jsonNumber
      reader.raw(8)
      return
    case 0xb71e767a: // jsonString
      reader.bytes()
      return
    case 0xf7444763: // jsonArray
      reader.uint()
      for (let left = reader.uint(); left > 0; left -= 1) skipJson(reader, depth + 1)
      return
    case 0x99c1d49d: // jsonObject
      reader.uint()
      for (let left = reader.uint(); left > 0; left -= 1) {
        reader.uint()
        reader.bytes()
        skipJson(reader, depth + 1)
      }
  }
}

/** `config` as of layer 158 and later. */
function helpConfig({ now, thisDc, datacenters }: ServerConfig): Buffer {
  const options = datacenters.map(({ id, port }) => {
    const isMedia = id < 0
    return Buffer.concat([
      uint(0x18b7a10d),
      uint(isMedia ? 2 : 0),
      uint(Math.abs(id)),
      bytes('127.0.0.1'),
      uint(port),
    ])
  })
  const sizes = [200_000, 200_000, 100, 210_000, 5000, 30_000, 300_000, 30_000, 1500, 60_000, 2, 172_800]
  const more = [172_800, 172_800, 2_419_200, 200, 604_800, 20_000, 90_000, 30_000, 10_000]
  return Buffer.concat([
    ...[uint(0xcc1a241e), uint(0), uint(now), uint(now + 3600), bool(false), uint(thisDc)],
    ...[vector(options), bytes('')],
    ...[...sizes, ...more].map(uint),
    ...[bytes('https://t.me/'), uint(1024), uint(4096), uint(4)],
  ])
}
