import { Buffer } from 'node:buffer'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import {
  type ConferenceMemory,
  changeProfile,
  encodeConferencesSection,
  encodeFriendsSection,
  messageIds,
  newProfile,
  newSavedFriend,
  ProfileStore,
  readProfile,
  renameSavedFriend,
  saveFileSections,
  sectionTypes,
} from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { vectorFile } from './support/vectors.js'

const vector = vectorFile('savefile') as { readonly fileHex: string }
const real = Buffer.from(vector.fileHex, 'hex')
const somebody = { secretKey: new Uint8Array(32).fill(7), nospam: 0x12345678 }

describe('a Tox profile', () => {
  it('spec 9: is read from a file of the real library: keys, nospam, friends, conferences', () => {
    const profile = readProfile(real)
    expect(profile.realKey).toBe('3178bea6d215060fea2d8a535bab4af7b994fc39e336d8d17fff6eee17e2c01d')
    expect(profile.nospam).toBe(0x67fc9e57)
    expect(profile.friends.length).toBeGreaterThan(0)
    expect(profile.conferences.length).toBeGreaterThan(0)
    expect(profile.secretKey).toHaveLength(32)
  })

  it('spec 9: friends and conferences are written as they were read, byte for byte', () => {
    const { friends, conferences } = readProfile(real)
    expect(Buffer.from(changeProfile(real, { friends, conferences }))).toEqual(real)
    const sections = saveFileSections(real)
    expect(encodeFriendsSection(friends)).toEqual(sections.find(({ type }) => type === 3)?.data)
    expect(encodeConferencesSection(conferences)).toEqual(sections.find(({ type }) => type === 0x14)?.data)
  })

  it('keeps every byte of the sections that a change does not touch', () => {
    const changed = changeProfile(real, { conferences: [], name: 'another' })
    const untouched = (file: Uint8Array) =>
      saveFileSections(file).filter(
        ({ type }) => type !== sectionTypes.conferences && type !== sectionTypes.name,
      )
    expect(untouched(changed)).toEqual(untouched(real))
    expect(readProfile(changed)).toMatchObject({ name: 'another', conferences: [] })
  })

  it('spec 9: of somebody new has the public key that belongs to the secret one, as the real library makes it', () => {
    const { secretKey, realKey } = readProfile(real)
    expect(readProfile(newProfile({ secretKey })).realKey).toBe(realKey)
    expect(() => newProfile({ secretKey: secretKey.subarray(1) })).toThrow(
      'secretKey must be 32 bytes, got 31',
    )
    expect(() => newProfile({ secretKey, name: 'ü'.repeat(65) })).toThrow('name must be at most 128 bytes')
  })

  it('of somebody new says who it is, and takes friends', () => {
    const friend = renameSavedFriend(newSavedFriend('cd'.repeat(32)), 'zoë')
    const file = changeProfile(newProfile({ ...somebody, name: 'ada' }), { friends: [friend] })
    expect(readProfile(file)).toMatchObject({ ...somebody, name: 'ada', friends: [friend] })
    expect(readProfile(file).friends[0]).toMatchObject({ realKey: 'cd'.repeat(32), name: 'zoë' })
  })

  test.prop([fc.uint8Array({ maxLength: 3000 }), fc.nat(real.length - 1)])(
    'spec 9: a damaged file is a SaveFileError or is read, and never anything else',
    (junk, at) => {
      const damaged = Buffer.from(real)
      damaged.set(junk.subarray(0, damaged.length - at), at)
      try {
        readProfile(damaged)
      } catch (error) {
        expect(error).toMatchObject({ code: 'HF_TOX_SAVE_FILE' })
      }
    },
  )
})

const memory: ConferenceMemory = {
  identifier: `00${'11'.repeat(32)}`,
  memberSince: 1_700_000_000_000,
  entries: [
    {
      realKey: 'ef'.repeat(32),
      peerNumber: 3,
      messageNumber: 9,
      messageId: messageIds.chat,
      text: Buffer.from('hello'),
      at: 1_700_000_001_000,
    },
  ],
  heard: [[3, 9]],
  floors: [[3, 8]],
  exact: { messageNumber: 70_000, lossyNumber: 5 },
}

describe('the files of a profile', () => {
  it('hold what was saved, for the owner alone', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'me.tox')
    const store = await ProfileStore.open(path, () => newProfile(somebody))
    await Promise.all([store.save({ name: 'one' }, []), store.save({ name: 'two' }, [memory])])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const again = await ProfileStore.open(path)
    expect(again.profile.name).toBe('two')
    expect(again.memories).toEqual([memory])
  })

  it('that are not there are named', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'nobody.tox')
    await expect(ProfileStore.open(path)).rejects.toMatchObject({
      code: 'HF_TOX_SAVE_FILE',
      message: expect.stringContaining(path) as string,
    })
  })

  it('spec 9: a file that cannot be understood is named, left as it is, and its bytes are kept', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'me.tox')
    const damaged = real.subarray(0, -30)
    await writeFile(path, damaged)
    const opened = ProfileStore.open(path, () => newProfile(somebody))
    await expect(opened).rejects.toMatchObject({
      code: 'HF_TOX_SAVE_FILE',
      message: expect.stringContaining(`${path}: `) as string,
    })
    expect(await readFile(path)).toEqual(damaged)
    expect(await readFile(`${path}.corrupt`)).toEqual(damaged)
  })

  it('memories that cannot be understood are named, and kept', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'me.tox')
    await writeFile(path, real)
    await writeFile(`${path}.memories`, '{"format":"something else"}')
    await expect(ProfileStore.open(path)).rejects.toMatchObject({
      code: 'HF_STORE_CORRUPT',
      message: expect.stringContaining(`${path}.memories`) as string,
    })
    expect(await readFile(`${path}.memories.corrupt`, 'utf8')).toContain('something else')
  })

  it('cannot be written where there is no folder, and says so', async () => {
    const opened = ProfileStore.open('/nowhere/at/all/me.tox', () => newProfile(somebody))
    await expect(opened).rejects.toMatchObject({ code: 'HF_STORE_UNWRITABLE' })
  })
})
