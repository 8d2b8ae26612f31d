import { Buffer } from 'node:buffer'
import { SaveFileError } from './errors.js'
import { view } from './identity.js'

/** Types of sections that this package reads or writes (spec 9). */
export const sectionTypes = {
  keys: 0x01,
  friends: 0x03,
  name: 0x04,
  statusMessage: 0x05,
  status: 0x06,
  conferences: 0x14,
  end: 0xff,
} as const

/** A part of a Tox save file. */
export interface SaveSection {
  readonly type: number
  readonly data: Uint8Array
}

const magic = Buffer.from('000000001f1bed15', 'hex')
const sectionCookie = 0x01ce
const headBytes = 8

/**
 * Cuts a Tox save file into its sections, without the end marker. They share the memory of `file`.
 *
 * @throws {@link SaveFileError} if it is no Tox save file, is encrypted, or ends within a section
 */
export function saveFileSections(file: Uint8Array): SaveSection[] {
  return walk(file).map(({ type, from, to }) => ({ type, data: file.subarray(from, to) }))
}

/**
 * The file with another conferences section; see {@link withSection}.
 *
 * @throws {@link SaveFileError} as {@link saveFileSections}
 */
export function withConferencesSection(file: Uint8Array, conferences: Uint8Array): Uint8Array {
  return withSection(file, { type: sectionTypes.conferences, data: conferences })
}

/**
 * The file with this section in place of the first of its type. All other bytes stay what they are, those after the
 * end marker too; where there was no such section, it is put in front of the end.
 *
 * @throws {@link SaveFileError} as {@link saveFileSections}
 */
export function withSection(file: Uint8Array, { type, data }: SaveSection): Uint8Array {
  const sections = walk(file)
  const old = sections.find((each) => each.type === type)
  const last = sections.at(-1)?.to ?? magic.length
  const from = old ? old.from - headBytes : last
  const to = old ? old.to : last
  return Buffer.concat([file.subarray(0, from), section(type, data), file.subarray(to)])
}

/** Writes a save file of these sections; for tests and for programs that keep their own. */
export function encodeSaveFile(sections: Iterable<SaveSection>): Uint8Array {
  const parts = Array.from(sections, ({ type, data }) => section(type, data))
  return Buffer.concat([magic, ...parts, section(sectionTypes.end, new Uint8Array())])
}

interface Extent {
  readonly type: number
  readonly from: number
  readonly to: number
}

function walk(file: Uint8Array): Extent[] {
  const bytes = view(file)
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new SaveFileError('this is no Tox save file, or it is encrypted: decrypt it first')
  }
  const sections: Extent[] = []
  let at = magic.length
  while (bytes.length - at >= headBytes) {
    const type = bytes.readUInt16LE(at + 4)
    const cookie = bytes.readUInt16LE(at + 6)
    if (cookie !== sectionCookie) throw new SaveFileError(`no section begins at byte ${at}: restore a backup`)
    if (type === sectionTypes.end) return sections
    const from = at + headBytes
    const to = from + bytes.readUInt32LE(at)
    if (to > bytes.length) {
      throw new SaveFileError(`the section at byte ${at} is cut short: restore a backup`)
    }
    sections.push({ type, from, to })
    at = to
  }
  if (at !== bytes.length) throw new SaveFileError(`the file is cut short at byte ${at}: restore a backup`)
  return sections
}

function section(type: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32LE(data.length, 0)
  head.writeUInt16LE(type, 4)
  head.writeUInt16LE(sectionCookie, 6)
  return Buffer.concat([head, data])
}
