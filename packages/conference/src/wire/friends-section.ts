import { Buffer } from 'node:buffer'
import { SaveFileError } from './errors.js'
import { hex, keyBytes, type RealKey, view } from './identity.js'

/** A friend as a save file has it. */
export interface SavedFriend {
  readonly realKey: RealKey
  /** Empty until it is known. */
  readonly name: string
  /** All of it, 2216 bytes: what other programs keep there stays. */
  readonly entry: Uint8Array
}

// One entry, big endian (spec 9).
const entryBytes = 2216
const at = { status: 0, key: 1, name: 1060, nameLength: 1188 } as const
const maxNameBytes = 128
/** Friends on both sides, as far as a save file can tell. */
const confirmed = 3

/**
 * Reads the section; entries without a friend are left out.
 *
 * @throws {@link SaveFileError} if it is not made of whole entries
 */
export function decodeFriendsSection(section: Uint8Array): SavedFriend[] {
  if (section.length % entryBytes !== 0) {
    throw new SaveFileError(`the friends section ends within an entry: restore a backup`)
  }
  const friends: SavedFriend[] = []
  for (let from = 0; from < section.length; from += entryBytes) {
    const entry = view(section).subarray(from, from + entryBytes)
    if (entry[at.status] !== 0) friends.push(decodeEntry(entry))
  }
  return friends
}

/** Writes the section. */
export function encodeFriendsSection(friends: Iterable<SavedFriend>): Uint8Array {
  return Buffer.concat(Array.from(friends, ({ entry }) => entry))
}

/** A friend that was just made. */
export function newSavedFriend(realKey: RealKey): SavedFriend {
  const entry = Buffer.alloc(entryBytes)
  entry[at.status] = confirmed
  entry.write(realKey, at.key, 'hex')
  return { realKey, name: '', entry }
}

/** The friend under another name. */
export function renameSavedFriend(friend: SavedFriend, name: string): SavedFriend {
  if (friend.name === name) return friend
  const entry = Buffer.from(friend.entry)
  entry.fill(0, at.name, at.name + maxNameBytes)
  entry.writeUInt16BE(entry.write(name, at.name, maxNameBytes), at.nameLength)
  return decodeEntry(entry)
}

function decodeEntry(entry: Buffer): SavedFriend {
  const length = Math.min(entry.readUInt16BE(at.nameLength), maxNameBytes)
  return {
    realKey: hex(entry.subarray(at.key, at.key + keyBytes)),
    name: entry.toString('utf8', at.name, at.name + length),
    entry,
  }
}
