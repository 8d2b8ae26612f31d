import { Buffer } from 'node:buffer'
import { SaveFileError } from './errors.js'
import {
  type ConferenceIdentifier,
  type DhtKey,
  hex,
  identifierBytes,
  keyBytes,
  type RealKey,
  view,
} from './identity.js'
import { maxNameBytes } from './packets.js'

/** A member as the save file has it. */
export interface SavedPeer {
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
  readonly peerNumber: number
  /** Unix time in whole seconds. */
  readonly lastActive: number
  readonly name: Uint8Array
}

/** A conference as the save file has it: the numbers are those to go on with, never used before. */
export interface SavedConference {
  readonly identifier: ConferenceIdentifier
  readonly messageNumber: number
  readonly lossyNumber: number
  /** Our own. */
  readonly peerNumber: number
  readonly title: Uint8Array
  /** All members but ourselves, live ones first. */
  readonly peers: readonly SavedPeer[]
}

/** Writes the section; its numbers are little endian (spec 9). */
export function encodeConferencesSection(conferences: Iterable<SavedConference>): Uint8Array {
  return Buffer.concat(Array.from(conferences, encodeConference))
}

function encodeConference(conference: SavedConference): Buffer {
  const { title, peers } = conference
  const head = Buffer.alloc(identifierBytes + 13)
  head.write(conference.identifier, 0, 'hex')
  head.writeUInt32LE(conference.messageNumber, identifierBytes)
  head.writeUInt16LE(conference.lossyNumber, identifierBytes + 4)
  head.writeUInt16LE(conference.peerNumber, identifierBytes + 6)
  head.writeUInt32LE(peers.length, identifierBytes + 8)
  head.writeUInt8(title.length, identifierBytes + 12)
  return Buffer.concat([head, title, ...peers.map(encodePeer)])
}

function encodePeer({ realKey, dhtKey, peerNumber, lastActive, name }: SavedPeer): Buffer {
  const head = Buffer.alloc(2 * keyBytes + 11)
  head.write(realKey + dhtKey, 0, 'hex')
  head.writeUInt16LE(peerNumber, 2 * keyBytes)
  head.writeBigUInt64LE(BigInt(lastActive), 2 * keyBytes + 2)
  head.writeUInt8(name.length, 2 * keyBytes + 10)
  return Buffer.concat([head, name])
}

/**
 * Reads the section.
 *
 * @throws {@link SaveFileError} for a name or title over 128 bytes, or a section that ends too early: then nothing
 * of it is to be loaded
 */
export function decodeConferencesSection(section: Uint8Array): SavedConference[] {
  const reader = new Reader(view(section))
  const conferences: SavedConference[] = []
  while (!reader.atEnd) conferences.push(decodeConference(reader))
  return conferences
}

function decodeConference(reader: Reader): SavedConference {
  const identifier = hex(reader.take(identifierBytes))
  const numbers = reader.take(12)
  const title = reader.name()
  const peers: SavedPeer[] = []
  // The count is a peer's word, so to say: each entry must be there before memory is taken for it.
  for (let left = numbers.readUInt32LE(8); left > 0; left -= 1) peers.push(decodePeer(reader))
  return {
    identifier,
    messageNumber: numbers.readUInt32LE(0),
    lossyNumber: numbers.readUInt16LE(4),
    peerNumber: numbers.readUInt16LE(6),
    title,
    peers,
  }
}

function decodePeer(reader: Reader): SavedPeer {
  const realKey = hex(reader.take(keyBytes))
  const dhtKey = hex(reader.take(keyBytes))
  const numbers = reader.take(10)
  const lastActive = Number(numbers.readBigUInt64LE(2))
  if (!Number.isSafeInteger(lastActive)) throw reader.flaw('a time that cannot be')
  return { realKey, dhtKey, peerNumber: numbers.readUInt16LE(0), lastActive, name: reader.name() }
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  take(count: number): Buffer {
    const to = this.#at + count
    if (to > this.#bytes.length) throw this.flaw('an early end')
    const part = this.#bytes.subarray(this.#at, to)
    this.#at = to
    return part
  }

  name(): Uint8Array {
    const length = this.take(1).readUInt8(0)
    if (length > maxNameBytes) throw this.flaw(`a name or title of ${length} bytes`)
    return Buffer.from(this.take(length))
  }

  flaw(what: string): SaveFileError {
    return new SaveFileError(`the conferences section has ${what} at byte ${this.#at}: restore a backup`)
  }
}
