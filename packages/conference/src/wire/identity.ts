import { Buffer } from 'node:buffer'

/** A peer's long-term Curve25519 public key, 32 bytes as 64 lower-case hexadecimal digits: its identity. */
export type RealKey = string

/** A peer's Curve25519 public key of this run of its process, 32 bytes in hexadecimal: needed to connect to it. */
export type DhtKey = string

/**
 * What makes somebody a member, 33 bytes in hexadecimal: `00` for a text or `01` for an audio conference, then 32
 * random bytes. Not secret towards members, and there is no other credential.
 */
export type ConferenceIdentifier = string

/** Bytes of a {@link ConferenceIdentifier}. */
export const identifierBytes = 33

/** Bytes of a {@link RealKey} or {@link DhtKey}. */
export const keyBytes = 32

/** What a conference carries. `unknown` is a type byte that nobody has given a meaning to. */
export type ConferenceType = 'text' | 'audio' | 'unknown'

/** Names a conference by its type and its 32 random bytes. */
export function conferenceIdentifier(type: 'text' | 'audio', id: Uint8Array): ConferenceIdentifier {
  return (type === 'text' ? '00' : '01') + hex(id)
}

/** What the conference of this identifier carries. */
export function conferenceType(identifier: ConferenceIdentifier): ConferenceType {
  if (identifier.startsWith('00')) return 'text'
  return identifier.startsWith('01') ? 'audio' : 'unknown'
}

/** Whether the key can be anybody's: the top bit of the last byte of a Curve25519 public key is 0. */
export function isValidKey(key: RealKey): boolean {
  return Number.parseInt(key.slice(62, 64), 16) < 0x80
}

/** Bytes in lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return view(bytes).toString('hex')
}

/** The number in two bytes, big-endian; where the bytes end there are zeros. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** The number in four bytes, see {@link u16}. */
export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 65_536 + u16(bytes, at + 2)
}

/** The bytes as a Buffer that shares their memory. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
