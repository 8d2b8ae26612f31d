import { crc32 } from 'node:zlib'

/** Which checksum the frames of a connection carry; CRC-32C once both sides have set a flag in the handshake (spec 5.1). */
export type Checksum = 'crc32' | 'crc32c'

/** Tables of «slicing by 4»: what a byte does to the register when 0 to 3 more bytes follow it. */
const tables = makeTables()

/** The checksum of these bytes, as unsigned 32 bits. */
export function checksumOf(kind: Checksum, bytes: Uint8Array): number {
  return kind === 'crc32' ? crc32(bytes) : crc32c(bytes)
}

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), for which Node.js has no function. */
function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = tables
  let crc = -1
  let at = 0
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^=
      byteAt(bytes, at) |
      (byteAt(bytes, at + 1) << 8) |
      (byteAt(bytes, at + 2) << 16) |
      (byteAt(bytes, at + 3) << 24)
    crc =
      entry(t3, crc & 255) ^
      entry(t2, (crc >>> 8) & 255) ^
      entry(t1, (crc >>> 16) & 255) ^
      entry(t0, crc >>> 24)
  }
  for (; at < bytes.length; at += 1) crc = entry(t0, (crc ^ byteAt(bytes, at)) & 255) ^ (crc >>> 8)
  return ~crc >>> 0
}

function makeTables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const first = new Int32Array(256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[byte] = crc
  }
  const after = (table: Int32Array): Int32Array => table.map((crc) => (crc >>> 8) ^ entry(first, crc & 255))
  const second = after(first)
  const third = after(second)
  return [first, second, third, after(third)]
}

function entry(table: Int32Array, index: number): number {
  return table[index] ?? 0
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
