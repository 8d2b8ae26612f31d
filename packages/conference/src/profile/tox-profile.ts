import { Buffer } from 'node:buffer'
import {
  decodeConferencesSection,
  encodeConferencesSection,
  type SavedConference,
} from '../wire/conferences-section.js'
import { SaveFileError } from '../wire/errors.js'
import { decodeFriendsSection, encodeFriendsSection, type SavedFriend } from '../wire/friends-section.js'
import { hex, type RealKey } from '../wire/identity.js'
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

const keyBytes = 32
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
export interface NewProfile extends Pick<ToxProfile, 'secretKey' | 'realKey' | 'nospam'> {
  readonly name?: string
}

/** The save file of somebody new, which other Tox software reads, too. */
export function newProfile({ secretKey, realKey, nospam, name = '' }: NewProfile): Uint8Array {
  const head = Buffer.alloc(nospamBytes)
  head.writeUInt32BE(nospam)
  const keys = Buffer.concat([head, Buffer.from(realKey, 'hex'), secretKey])
  return encodeSaveFile([
    { type: sectionTypes.keys, data: keys },
    { type: sectionTypes.friends, data: new Uint8Array() },
    { type: sectionTypes.name, data: Buffer.from(name) },
    { type: sectionTypes.statusMessage, data: new Uint8Array() },
    { type: sectionTypes.status, data: Buffer.of(0) },
  ])
}
