import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { describe, expect, it } from 'vitest'
import { LmdbFolder } from '../src/lmdb/index.js'

const noise = createHash('shake256', { outputLength: 100_000 }).update('noise').digest()
const pageBytesAt = 48
const lastPageAt = 144

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-lmdb-'))
  const dispose = (): Promise<void> => rm(path, { recursive: true, force: true })
  return { path, file: join(path, 'data.mdb'), [Symbol.asyncDispose]: dispose }
}

function openIn(path: string, format = 'test 1') {
  return LmdbFolder.open<string, string>({
    ...{ path, format },
    claim: { format: '#format', owner: '#owner' },
    encoding: 'msgpack',
    keyEncoding: 'ordered-binary',
  })
}

async function fill(path: string, entries: number, valueBytes = 100): Promise<void> {
  await using folder = await openIn(path)
  await folder.transaction(() => {
    for (let index = 0; index < entries; index++) folder.entries.putSync(`${index}`, 'x'.repeat(valueBytes))
  })
}

/** Opens what must not open; nothing of the file may change. */
async function refused(path: string, file: string): Promise<unknown> {
  const before = await readFile(file)
  const error: unknown = await openIn(path).then(
    (folder) => folder.close(),
    (reason: unknown) => reason,
  )
  expect(before.equals(await readFile(file))).toBe(true)
  return error
}

describe('a folder with a database', () => {
  it('is in use, not damaged, while somebody writes to it', async () => {
    await using at = await temporaryFolder()
    await using folder = await openIn(at.path)
    let isOver = false
    const write = async (): Promise<void> => {
      for (let round = 0; !isOver; round += 1) {
        // It grows, and writes pages anew that it has freed.
        await folder.transaction(() => {
          folder.entries.putSync(`${round}`, 'x'.repeat(2_000))
          folder.entries.removeSync(`${round - 50}`)
        })
      }
    }
    const writing = write()
    for (let round = 0; round < 200; round += 1) {
      await expect(openIn(at.path)).rejects.toMatchObject({ code: 'HF_STORE_IN_USE' })
    }
    isOver = true
    await writing
  })

  it('is made for its owner only, and found again as it was left', async () => {
    await using at = await temporaryFolder()
    const path = join(at.path, 'new', 'folder')
    await fill(path, 10)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    await using folder = await openIn(path)
    expect(folder.entries.get('7')).toBe('x'.repeat(100))
  })

  it('has one owner, under any name, until it is closed', async () => {
    await using at = await temporaryFolder()
    const path = join(at.path, 'folder')
    const folder = await openIn(path)
    const alias = join(at.path, 'alias')
    await symlink(path, alias)
    await expect(openIn(path)).rejects.toMatchObject({ code: 'HF_STORE_IN_USE', path })
    await expect(openIn(alias)).rejects.toMatchObject({ code: 'HF_STORE_IN_USE' })
    await folder.close()
    await using again = await openIn(alias)
    expect(again.path).toBe(path)
  })

  it('writes a transaction whole or not at all, and goes on after one that failed', async () => {
    await using at = await temporaryFolder()
    await using folder = await openIn(at.path)
    const reason = new Error('half way')
    const failed = folder.transaction(() => {
      folder.entries.putSync('a', '1')
      throw reason
    })
    await expect(failed).rejects.toMatchObject({ code: 'HF_STORE_WRITE_FAILED', cause: reason })
    expect(folder.entries.get('a')).toBe(undefined)
    await expect(folder.transaction(() => folder.entries.putSync('a', '2'))).resolves.toBe(true)
    expect(folder.entries.get('a')).toBe('2')
  })
})

describe('a folder that holds something else', () => {
  it.each([
    ['noise', noise],
    ['a few bytes', Buffer.from('hello')],
    ['zeros', Buffer.alloc(8192)],
  ])('is refused and left alone: %s', async (_what, bytes) => {
    await using at = await temporaryFolder()
    await writeFile(at.file, bytes)
    const error = await refused(at.path, at.file)
    expect(error).toMatchObject({ name: 'StoreError', code: 'HF_STORE_FOREIGN', path: at.path })
    expect(String(error)).toContain(at.path)
  })

  it('is refused and left alone: the database of another program', async () => {
    await using at = await temporaryFolder()
    const other = open({ path: at.path, noSubdir: false })
    await other.put('key', { value: 1 })
    await other.close()
    expect(await refused(at.path, at.file)).toMatchObject({ code: 'HF_STORE_FOREIGN', path: at.path })
  })

  it('is refused and left alone: another version, which the message names', async () => {
    await using at = await temporaryFolder()
    await (await openIn(at.path, 'test 2')).close()
    const error = await refused(at.path, at.file)
    expect(error).toMatchObject({ code: 'HF_STORE_FOREIGN' })
    expect(String(error)).toContain('test 2')
    // The failed attempt let go of the folder.
    await (await openIn(at.path, 'test 2')).close()
  })

  it('is refused when it is no folder, or cannot be made', async () => {
    await using at = await temporaryFolder()
    await writeFile(at.file, 'hello')
    expect(await refused(at.file, at.file)).toMatchObject({
      code: 'HF_STORE_FOREIGN',
      message: expect.stringContaining('is not a directory: choose another path') as string,
    })
    await expect(openIn(join(at.file, 'below'))).rejects.toMatchObject({
      code: 'HF_STORE_UNAVAILABLE',
      message: expect.stringContaining('(ENOTDIR): see who owns it') as string,
    })
  })

  it('is taken for a new one when its file is empty', async () => {
    await using at = await temporaryFolder()
    await writeFile(at.file, '')
    await fill(at.path, 1)
  })
})

describe('a damaged file', () => {
  it.each([50, 4096, 5000, 8192, 9000, 20_000, -4096, -1])('is refused: cut at %i', async (length) => {
    await using at = await temporaryFolder()
    await fill(at.path, 500)
    await truncate(at.file, length > 0 ? length : (await stat(at.file)).size + length)
    const code = length === 50 ? 'HF_STORE_FOREIGN' : 'HF_STORE_CORRUPT'
    expect(await refused(at.path, at.file)).toMatchObject({ code, path: at.path })
  })

  it('is refused: cut within a large value', async () => {
    await using at = await temporaryFolder()
    await fill(at.path, 3, 50_000)
    await truncate(at.file, (await stat(at.file)).size - 8192)
    expect(await refused(at.path, at.file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it('is refused: noise in place of the tree', async () => {
    await using at = await temporaryFolder()
    await fill(at.path, 500)
    const bytes = await readFile(at.file)
    noise.copy(bytes, 8192, 0, bytes.length - 8192)
    await writeFile(at.file, bytes)
    expect(await refused(at.path, at.file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it('is refused: a page size that cannot be', async () => {
    await using at = await temporaryFolder()
    await fill(at.path, 1)
    const bytes = await readFile(at.file)
    bytes.writeUInt32LE(0, pageBytesAt)
    await writeFile(at.file, bytes)
    expect(await refused(at.path, at.file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it.each([
    ['a number of nodes', 20],
    ['the place of a node', 24],
  ])('is refused: %s that cannot be', async (_what, offset) => {
    await using at = await temporaryFolder()
    await fill(at.path, 1)
    const bytes = await readFile(at.file)
    const pageBytes = bytes.readUInt32LE(pageBytesAt)
    for (let page = 2; page < bytes.length / pageBytes; page++) {
      bytes.writeUInt16LE(0xfff0, page * pageBytes + offset)
    }
    await writeFile(at.file, bytes)
    expect(await refused(at.path, at.file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it('is none when it is shorter than the pages it once had', async () => {
    await using at = await temporaryFolder()
    await fill(at.path, 500, 5000)
    // Says that there are more pages than the file holds, as after a transaction that freed its last ones.
    const bytes = await readFile(at.file)
    for (const meta of [0, bytes.readUInt32LE(pageBytesAt)])
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(meta + lastPageAt) + 100n, meta + lastPageAt)
    await writeFile(at.file, bytes)
    await using folder = await openIn(at.path)
    expect(folder.entries.getKeysCount()).toBe(502)
  })
})
