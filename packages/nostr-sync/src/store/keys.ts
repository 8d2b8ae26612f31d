import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { addressOf } from '../wire/address.js'
import type { NostrEvent, UnixSeconds } from '../wire/event.js'
import { indexedTags } from '../wire/tags.js'
import type { EventPlace } from './types.js'

/** The first byte of a key says what it is. */
export const prefix = {
  address: 0x72, // r: hash of address → place
  author: 0x61, // a: pubkey, place
  authorKind: 0x70, // p: pubkey, kind, place
  deletedAddress: 0x44, // D: hash of address → time up to which
  deletedId: 0x64, // d: id, pubkey of who asked
  event: 0x65, // e: id → JSON
  gone: 0x78, // x: id → what it was
  goneKind: 0x79, // y: kind, place → pubkey
  kind: 0x6b, // k: kind, place
  tag: 0x67, // g: letter, hash of value, place
  time: 0x74, // t: place
} as const

const timeBytes = 7
const idBytes = 32
const hashBytes = 16
/** Hashes that are remembered: many events are about the same few things. Half a megabyte. */
const mostRemembered = 1000
const longestRemembered = 200
const recentHashes = new Map<string, string>()
/** What a place takes at the end of a key. */
export const placeBytes = timeBytes + idBytes

/**
 * A place as it is in keys: the time counted backwards, so that keys in ascending order are events from the newest on, and
 * within a second from the lowest id on.
 */
export function placeKey({ createdAt, id }: EventPlace): Buffer {
  return Buffer.concat([timeKey(createdAt), Buffer.from(id, 'hex')])
}

/** The time of a place: its first bytes. */
export function timeKey(createdAt: UnixSeconds): Buffer {
  const backwards = Number.MAX_SAFE_INTEGER - createdAt
  const key = Buffer.allocUnsafe(timeBytes)
  key.writeUIntBE(Math.floor(backwards / 2 ** 32), 0, 3)
  key.writeUInt32BE(backwards % 2 ** 32, 3)
  return key
}

/** The place at the end of an index key. */
export function placeOf(key: Buffer): EventPlace {
  const start = key.length - placeBytes
  return { createdAt: timeAt(key, start), id: key.toString('hex', start + timeBytes) }
}

/** Reads a {@link timeKey}. */
export function timeAt(key: Buffer, start: number): UnixSeconds {
  const backwards = key.readUIntBE(start, 3) * 2 ** 32 + key.readUInt32BE(start + 3)
  return Number.MAX_SAFE_INTEGER - backwards
}

/** The key of an event. */
export function eventKey(id: string): Buffer {
  return keyOf(prefix.event, Buffer.from(id, 'hex'))
}

/** What is left of an event that was replaced or deleted. */
export function goneKey(id: string): Buffer {
  return keyOf(prefix.gone, Buffer.from(id, 'hex'))
}

/** Beginning of the index by author. */
export function authorPrefix(pubkey: string): Buffer {
  return keyOf(prefix.author, Buffer.from(pubkey, 'hex'))
}

/** Beginning of the index by author and kind. */
export function authorKindPrefix(pubkey: string, kind: number): Buffer {
  return keyOf(prefix.authorKind, Buffer.from(pubkey, 'hex'), kindKey(kind))
}

/** Beginning of the index by kind. */
export function kindPrefix(kind: number): Buffer {
  return keyOf(prefix.kind, kindKey(kind))
}

/** Beginning of the index of what is gone, by kind. */
export function goneKindPrefix(kind: number): Buffer {
  return keyOf(prefix.goneKind, kindKey(kind))
}

/** Beginning of the index by tag. Values are hashed: they may be long, and only equality is asked for. */
export function tagPrefix(letter: string, value: string): Buffer {
  return keyOf(prefix.tag, letter, shortHash(value))
}

/** The key of what is current at an address. */
export function addressKey(address: string): Buffer {
  return keyOf(prefix.address, shortHash(address))
}

/** The key of the wish that an id be deleted. */
export function deletedIdKey(id: string, pubkey: string): Buffer {
  return keyOf(prefix.deletedId, Buffer.from(id, 'hex'), Buffer.from(pubkey, 'hex'))
}

/** The key of the wish that what is at an address be deleted. */
export function deletedAddressKey(address: string): Buffer {
  return keyOf(prefix.deletedAddress, shortHash(address))
}

/** All index keys of an event. */
export function indexKeys(event: NostrEvent): Buffer[] {
  const place = placeKey({ createdAt: event.created_at, id: event.id })
  const author = Buffer.from(event.pubkey, 'hex')
  const kind = kindKey(event.kind)
  return [
    keyOf(prefix.time, place),
    keyOf(prefix.author, author, place),
    keyOf(prefix.authorKind, author, kind, place),
    keyOf(prefix.kind, kind, place),
    ...indexedTags(event).map(([letter, value]) => keyOf(prefix.tag, letter, shortHash(value), place)),
  ]
}

/** The address of an event that may be replaced, as a key. */
export function ownAddressKey(event: NostrEvent): Buffer | null {
  const address = addressOf(event)
  return address === null ? null : addressKey(address)
}

/** Eight of these are made of each event: half the time of `Buffer.concat`. @param parts - texts are of bytes */
function keyOf(first: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  let length = 1
  for (const part of parts) length += part.length
  const key = Buffer.allocUnsafe(length)
  key[0] = first
  let at = 1
  for (const part of parts) {
    if (typeof part === 'string') key.write(part, at, 'latin1')
    else key.set(part, at)
    at += part.length
  }
  return key
}

function kindKey(kind: number): Buffer {
  return Buffer.of(kind >> 8, kind & 0xff)
}

/** A hash as text, of which Node.js makes one in a third of the time of a buffer. */
function shortHash(text: string): string {
  const known = recentHashes.get(text)
  if (known !== undefined) return known
  const made = hash('sha256', text, 'binary').slice(0, hashBytes)
  if (text.length > longestRemembered) return made
  if (recentHashes.size >= mostRemembered) recentHashes.clear()
  recentHashes.set(text, made)
  return made
}
