import { Buffer } from 'node:buffer'
import { OptionError } from '@holdfast/core'
import { publicKeyOf } from '../tox/crypto/public-key.js'
import {
  decodeConferencesSection,
  encodeConferencesSection,
  type SavedConference,
} from '../wire/conferences-section.js'
import { SaveFileError } from '../wire/errors.js'
import { decodeFriendsSection, encodeFriendsSection, type SavedFriend } from '../wire/friends-section.js'
import { hex, keyBytes, type RealKey } from '../wire/identity.js'
import { maxNameBytes } from '../wire/packets.js'
import { encodeSaveFile, saveFileSections, sectionTypes, withSection } from '../wire/save-file.js'

/** What a Tox save file says that this package goes by. */
export interface ToxProfile {
  /** 32 bytes. Whoever has them is us. */
  readonly secretKey: Uint8Array
  readonly realKey: RealKey
  readonly nospam: number
  readonly name: string
  readonly statusMessage: string
  readonly friends: readonly SavedFriend[]
  readonly conferences: readonly SavedConference[]
}

/** What is written back; what is not given stays as it is in the file. */
export type ProfileChanges = Partial<Pick<ToxProfile, 'name' | 'friends' | 'conferences'>>

const nospamBytes = 4

/**
 * Reads a Tox save file, of this or any other Tox software.
 *
 * @throws {@link SaveFileError} if it is none, is encrypted, damaged, or has no keys
 */
export function readProfile(file: Uint8Array): ToxProfile {
  const sections = new Map<number, Uint8Array>()
  for (const { type, data } of saveFileSections(file)) if (!sections.has(type)) sections.set(type, data)
  const keys = Buffer.from(sections.get(sectionTypes.keys) ?? [])
  if (keys.length !== nospamBytes + 2 * keyBytes) {
    throw new SaveFileError('the save file has no keys: restore a backup')
  }
  const text = (type: number): string => Buffer.from(sections.get(type) ?? []).toString()
  return {
    nospam: keys.readUInt32BE(0),
    realKey: hex(keys.subarray(nospamBytes, nospamBytes + keyBytes)),
    secretKey: Uint8Array.from(keys.subarray(nospamBytes + keyBytes)),
    name: text(sectionTypes.name),
    statusMessage: text(sectionTypes.statusMessage),
    friends: decodeFriendsSection(sections.get(sectionTypes.friends) ?? new Uint8Array()),
    conferences: decodeConferencesSection(sections.get(sectionTypes.conferences) ?? new Uint8Array()),
  }
}

/** The file with these changes; every other byte stays what it is. */
export function changeProfile(file: Uint8Array, { name, friends, conferences }: ProfileChanges): Uint8Array {
  let changed = file
  if (name !== undefined) {
    changed = withSection(changed, { type: sectionTypes.name, data: Buffer.from(name) })
  }
  if (friends) {
    changed = withSection(changed, { type: sectionTypes.friends, data: encodeFriendsSection(friends) })
  }
  if (!conferences) return changed
  const data = encodeConferencesSection(conferences)
  return withSection(changed, { type: sectionTypes.conferences, data })
}

/** What a {@link newProfile} is made of. */
export interface NewProfile {
  /** 32 random bytes. Whoever has them is us. */
  readonly secretKey: Uint8Array
  /**
   * Four bytes of our Tox ID, as a number.
   *
   * @defaultValue 0
   */
  readonly nospam?: number
  /** At most 128 bytes of UTF-8. */
  readonly name?: string
}

/**
 * The save file of somebody new, which other Tox software reads, too.
 *
 * @throws an `OptionError` if the key or the name has another length
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { newProfile, readProfile } from '@holdfast/conference'
 *
 * const file = newProfile({ secretKey: randomBytes(32), name: 'ada' })
 * readProfile(file).name // => 'ada'
 * ```
 */
export function newProfile({ secretKey, nospam = 0, name = '' }: NewProfile): Uint8Array {
  if (secretKey.length !== keyBytes) throw new OptionError('secretKey', '32 bytes', secretKey.length)
  if (Buffer.byteLength(name) > maxNameBytes) {
    throw new OptionError('name', `at most ${maxNameBytes} bytes of UTF-8`, name)
  }
  const head = Buffer.alloc(nospamBytes)
  head.writeUInt32BE(nospam)
  const keys = Buffer.concat([head, Buffer.from(publicKeyOf(secretKey), 'hex'), secretKey])
  return encodeSaveFile([
    { type: sectionTypes.keys, data: keys },
    { type: sectionTypes.friends, data: new Uint8Array() },
    { type: sectionTypes.name, data: Buffer.from(name) },
    { type: sectionTypes.statusMessage, data: new Uint8Array() },
    { type: sectionTypes.status, data: Buffer.of(0) },
  ])
}
