import { Buffer } from 'node:buffer'
import { hex, keyBytes } from './identity.js'
import { directIds, maxNameBytes, maxPacketBytes, type PeerEntry, packetIds } from './packets.js'

/** Bytes of an entry without its name. */
const entryBytes = 2 + 2 * keyBytes + 1

/**
 * Reads the entries of a Peer Response. What is left and shorter than an entry is ignored; a name that is longer
 * than the rest, or than names may be, ends the packet (spec 5, T5).
 */
export function decodePeerEntries(bytes: Buffer): PeerEntry[] {
  const entries: PeerEntry[] = []
  let rest = bytes
  while (rest.length >= entryBytes) {
    const nameLength = rest.readUInt8(entryBytes - 1)
    const length = entryBytes + nameLength
    if (nameLength > maxNameBytes || length > rest.length) break
    entries.push({
      peerNumber: rest.readUInt16BE(0),
      realKey: hex(rest.subarray(2, 2 + keyBytes)),
      dhtKey: hex(rest.subarray(2 + keyBytes, 2 + 2 * keyBytes)),
      name: Buffer.from(rest.subarray(entryBytes, length)),
    })
    rest = rest.subarray(length)
  }
  return entries
}

/**
 * Writes as few Peer Responses as the entries fit into, in their order: a new one begins when the next entry would
 * not fit (spec 5, T4). Without entries there is none.
 */
export function encodePeerResponses(conference: number, entries: Iterable<PeerEntry>): Uint8Array[] {
  const packets: Uint8Array[] = []
  let parts: Buffer[] = []
  let length = 4
  for (const entry of entries) {
    const part = encodeEntry(entry)
    if (length + part.length > maxPacketBytes) {
      packets.push(response(conference, parts))
      parts = []
      length = 4
    }
    parts.push(part)
    length += part.length
  }
  if (parts.length > 0) packets.push(response(conference, parts))
  return packets
}

function response(conference: number, parts: readonly Buffer[]): Uint8Array {
  const header = Buffer.from([packetIds.direct, conference >>> 8, conference & 0xff, directIds.response])
  return Buffer.concat([header, ...parts])
}

function encodeEntry({ peerNumber, realKey, dhtKey, name }: PeerEntry): Buffer {
  const head = Buffer.alloc(entryBytes)
  head.writeUInt16BE(peerNumber, 0)
  head.write(realKey, 2, 'hex')
  head.write(dhtKey, 2 + keyBytes, 'hex')
  head.writeUInt8(name.length, entryBytes - 1)
  return Buffer.concat([head, name])
}
