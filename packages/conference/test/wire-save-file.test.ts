import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import {
  decodeConferencesSection,
  encodeConferencesSection,
  encodeSaveFile,
  SaveFileError,
  saveFileSections,
  sectionTypes,
  withConferencesSection,
} from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { vectorFile } from './support/vectors.js'

interface SaveVector {
  readonly fileHex: string
  readonly conferencesSectionHex: string
  readonly decoded: readonly {
    readonly title: string
    readonly peers: readonly { readonly name: string }[]
  }[]
  readonly sections: readonly { readonly type: number; readonly length: number }[]
}

const vector = vectorFile('savefile') as SaveVector
const file = Buffer.from(vector.fileHex, 'hex')
const section = Buffer.from(vector.conferencesSectionHex, 'hex')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('the save file of the real library', () => {
  it('spec 9: has these sections', () => {
    const sections = saveFileSections(file).map(({ type, data }) => ({ type, length: data.length }))
    expect([...sections, { type: 255, length: 0 }]).toEqual(
      vector.sections.map(({ type, length }) => ({ type, length })),
    )
    expect(saveFileSections(file).find(({ type }) => type === sectionTypes.conferences)?.data).toEqual(
      section,
    )
  })

  it('spec 9: says of its conferences', () => {
    const decoded = decodeConferencesSection(section).map(({ identifier, lossyNumber, peers, ...rest }) => ({
      ...rest,
      type: Number.parseInt(identifier.slice(0, 2), 16),
      id: identifier.slice(2),
      title: text(rest.title),
      lossyMessageNumber: lossyNumber,
      peerCount: peers.length,
      peers: peers.map(({ realKey, dhtKey, name, ...peer }) => ({
        ...peer,
        realPk: realKey,
        dhtPk: dhtKey,
        name: text(name),
      })),
    }))
    expect(decoded).toEqual(vector.decoded)
  })

  it('spec 9: is written as it was read, byte for byte', () => {
    expect(encodeConferencesSection(decodeConferencesSection(section))).toEqual(section)
    expect(withConferencesSection(file, section)).toEqual(file)
  })

  it('spec 9: keeps all other bytes when the conferences change, those behind the end too', () => {
    const longer = Buffer.concat([file, Buffer.from('and more')])
    const changed = withConferencesSection(longer, Buffer.from('new'))
    const others = (bytes: Uint8Array): unknown =>
      saveFileSections(bytes).filter(({ type }) => type !== sectionTypes.conferences)
    expect(others(changed)).toEqual(others(file))
    expect(Buffer.from(changed).toString('latin1')).toMatch(/and more$/)
    expect(withConferencesSection(changed, section)).toEqual(longer)
  })

  it('spec 9: cut anywhere is an error, or a file with fewer sections', () => {
    for (let length = 0; length < file.length; length += 1) {
      try {
        saveFileSections(file.subarray(0, length))
      } catch (error) {
        expect(error).toBeInstanceOf(SaveFileError)
      }
    }
  })
})

const bytesOf = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'))
const names = fc.uint8Array({ maxLength: 128 }).map((bytes) => Buffer.from(bytes))
const conferences = fc.array(
  fc.record({
    identifier: bytesOf(33),
    messageNumber: fc.nat(0xffff_ffff),
    lossyNumber: fc.nat(0xffff),
    peerNumber: fc.nat(0xffff),
    title: names,
    peers: fc.array(
      fc.record({
        realKey: bytesOf(32),
        dhtKey: bytesOf(32),
        peerNumber: fc.nat(0xffff),
        lastActive: fc.nat(2 ** 40),
        name: names,
      }),
      { maxLength: 8 },
    ),
  }),
  { maxLength: 4 },
)

describe('save files', () => {
  test.prop([conferences])('spec 9: bring back what was saved', (saved) => {
    const decoded = saveFileSections(
      encodeSaveFile([{ type: sectionTypes.conferences, data: encodeConferencesSection(saved) }]),
    )
    expect(decodeConferencesSection(decoded[0]?.data ?? new Uint8Array())).toEqual(saved)
  })

  test.prop([fc.uint8Array({ maxLength: 300 })], { numRuns: 500 })(
    'spec 9: any bytes are conferences or an error',
    (bytes) => {
      try {
        decodeConferencesSection(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(SaveFileError)
      }
    },
  )

  it('spec 9: a section cut anywhere is an error', () => {
    for (let length = 1; length < section.length; length += 1) {
      expect(() => decodeConferencesSection(section.subarray(0, length))).toThrow(SaveFileError)
    }
  })

  it('spec 9: a count of four thousand million peers takes no memory', () => {
    const forged = Buffer.from(section)
    forged.writeUInt32LE(0xffff_ffff, 33 + 8)
    expect(() => decodeConferencesSection(forged)).toThrow('restore a backup')
  })

  it('spec 9: without a conferences section one is put before the end', () => {
    const name = { type: 4, data: Buffer.from('me') }
    const changed = withConferencesSection(encodeSaveFile([name]), section)
    expect(saveFileSections(changed)).toEqual([name, { type: sectionTypes.conferences, data: section }])
  })

  it.each([
    ['another file', Buffer.from('not a save file')],
    ['an encrypted one', Buffer.from('toxEsave')],
    ['nothing', Buffer.alloc(0)],
  ])('spec 9: %s is refused with a word on what to do', (_what, bytes) => {
    expect(() => saveFileSections(bytes)).toThrow('decrypt it first')
  })
})
