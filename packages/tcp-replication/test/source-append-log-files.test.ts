import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { open } from 'lmdb'
import { describe, expect, it } from 'vitest'
import { AppendLog } from '../src/source/append-log.js'
import { temporaryDirectory } from './fixtures/append-log-directory.js'
import { readAll } from './fixtures/append-log-model.js'

const noise = createHash('shake256', { outputLength: 100_000 }).update('noise').digest()

/** Makes a log of some size and returns its data file. */
async function writeLog(path: string, batches: number, rowBytes = 100): Promise<string> {
  await using log = await AppendLog.open({ path, streams: ['a'] })
  await Promise.all(Array.from({ length: batches }, () => log.append('a', ['x'.repeat(rowBytes)])))
  return join(path, 'data.mdb')
}

/** Opens what must not open; nothing of the file may change. */
async function refused(path: string, file: string): Promise<unknown> {
  const before = await readFile(file)
  const error: unknown = await AppendLog.open({ path, streams: ['a'] }).then(
    (log) => log.close(),
    (reason: unknown) => reason,
  )
  expect(before.equals(await readFile(file))).toBe(true)
  return error
}

describe('a directory that holds something else', () => {
  it.each([
    ['noise', noise],
    ['a few bytes', Buffer.from('hello')],
    ['zeros', Buffer.alloc(8192)],
  ])('is refused and left alone: %s', async (_what, bytes) => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'data.mdb')
    await writeFile(file, bytes)
    const error = await refused(directory.path, file)
    expect(error).toMatchObject({ name: 'StoreError', code: 'HF_STORE_FOREIGN', path: directory.path })
    expect(String(error)).toContain(directory.path)
  })

  it('is refused and left alone: the database of another program', async () => {
    await using directory = await temporaryDirectory()
    const other = open({ path: directory.path, noSubdir: false })
    await other.put('key', { value: 1 })
    await other.flushed
    await other.close()
    const error = await refused(directory.path, join(directory.path, 'data.mdb'))
    expect(error).toMatchObject({ code: 'HF_STORE_FOREIGN', path: directory.path })
  })

  it('is refused and left alone: the log of a later version', async () => {
    await using directory = await temporaryDirectory()
    await writeLog(directory.path, 1)
    const later = open({
      path: directory.path,
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
    })
    await later.put(Buffer.from([0]), Buffer.from('holdfast append log 2'))
    await later.close()
    const error = await refused(directory.path, join(directory.path, 'data.mdb'))
    expect(String(error)).toContain('holdfast append log 2')
  })

  it('is refused when it is no directory at all', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'file')
    await writeFile(file, 'hello')
    expect(await refused(file, file)).toMatchObject({ code: 'HF_STORE_FOREIGN' })
    await expect(AppendLog.open({ path: join(file, 'below') })).rejects.toMatchObject({
      code: 'HF_STORE_UNAVAILABLE',
    })
  })

  it('is taken for a new log when its file is empty', async () => {
    await using directory = await temporaryDirectory()
    await writeFile(join(directory.path, 'data.mdb'), '')
    await using log = await AppendLog.open({ path: directory.path, streams: ['a'] })
    expect(await log.append('a', [1])).toBe(1)
  })
})

describe('a log whose file is damaged', () => {
  it.each([50, 4096, 5000, 8192, 9000, 20_000, -4096, -1])(
    'is refused and left alone: cut at %i',
    async (length) => {
      await using directory = await temporaryDirectory()
      const file = await writeLog(directory.path, 500)
      const { length: whole } = await readFile(file)
      await truncate(file, length > 0 ? length : whole + length)
      const error = await refused(directory.path, file)
      expect(error).toMatchObject({
        code: length === 50 ? 'HF_STORE_FOREIGN' : 'HF_STORE_CORRUPT',
        path: directory.path,
      })
    },
  )

  it('is refused and left alone: cut within a large value', async () => {
    await using directory = await temporaryDirectory()
    const file = await writeLog(directory.path, 3, 50_000)
    await truncate(file, (await readFile(file)).length - 8192)
    expect(await refused(directory.path, file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it('is refused and left alone: noise in place of the tree', async () => {
    await using directory = await temporaryDirectory()
    const file = await writeLog(directory.path, 500)
    const bytes = await readFile(file)
    noise.copy(bytes, 8192, 0, bytes.length - 8192)
    await writeFile(file, bytes)
    expect(await refused(directory.path, file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it('is refused and left alone: a page size that cannot be', async () => {
    await using directory = await temporaryDirectory()
    const file = await writeLog(directory.path, 1)
    const bytes = await readFile(file)
    bytes.writeUInt32LE(0, 48)
    await writeFile(file, bytes)
    expect(await refused(directory.path, file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it.each([
    ['a number of nodes', 20],
    ['the place of a node', 24],
  ])('is refused and left alone: %s that cannot be', async (_what, offset) => {
    await using directory = await temporaryDirectory()
    const file = await writeLog(directory.path, 1)
    const bytes = await readFile(file)
    const pageBytes = bytes.readUInt32LE(48)
    for (let page = 2; page < bytes.length / pageBytes; page++) {
      bytes.writeUInt16LE(0xfff0, page * pageBytes + offset)
    }
    await writeFile(file, bytes)
    expect(await refused(directory.path, file)).toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })

  it('is refused and left alone: a record that is none', async () => {
    await using directory = await temporaryDirectory()
    const file = await writeLog(directory.path, 1)
    const raw = open({
      path: directory.path,
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
    })
    await raw.put(Buffer.from('\u0002a'), Buffer.from('{"id":'))
    await raw.close()
    await expect(AppendLog.open({ path: directory.path })).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT' })
    expect((await readFile(file)).length).toBeGreaterThan(0)
    // The failed attempt let go of the directory.
    await expect(AppendLog.open({ path: directory.path })).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT' })
  })
})

describe('a log that has shrunk and grown many times', () => {
  it('opens: pages at the end of the file that nobody uses are no damage', async () => {
    await using directory = await temporaryDirectory()
    const { path } = directory
    for (let round = 0; round < 12; round++) {
      await using log = await AppendLog.open({ path, streams: ['a'] })
      const staged = Array.from({ length: 300 }, (_, i) => ({
        token: log.head('a') + 1 + i,
        rows: ['1'.repeat(1 + ((i * 7919) % 9000))],
      }))
      await log.transaction((tx) => {
        tx.stage('a', staged)
        tx.dropAbove('a', log.head('a') + round)
      })
      await log.advance('a', log.head('a') + round)
      if (round % 3 === 2) await log.reset('a', 0)
    }
    await using log = await AppendLog.open({ path })
    expect(await readAll(log, 'a', 0)).toHaveLength(log.head('a'))
  })

  it('opens when its file is shorter than the pages it once had', async () => {
    await using directory = await temporaryDirectory()
    const file = await writeLog(directory.path, 500, 5000)
    // Says that there are more pages than the file holds, as after a transaction that freed its last ones.
    const bytes = await readFile(file)
    for (const meta of [0, bytes.readUInt32LE(48)])
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(meta + 144) + 100n, meta + 144)
    await writeFile(file, bytes)
    await using log = await AppendLog.open({ path: directory.path })
    expect(await readAll(log, 'a', 0)).toHaveLength(500)
    await log.close()
  })
})

describe('a log that is open', () => {
  it('is refused to a second opener in the same process, under any name, until it is closed', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'log')
    const log = await AppendLog.open({ path, streams: ['a'] })
    await symlink(path, join(directory.path, 'other'))
    await expect(AppendLog.open({ path })).rejects.toMatchObject({ code: 'HF_STORE_IN_USE', path })
    await expect(AppendLog.open({ path: join(directory.path, 'other') })).rejects.toMatchObject({
      code: 'HF_STORE_IN_USE',
    })
    await log.close()
    await using again = await AppendLog.open({ path: join(directory.path, 'other') })
    expect(again.streams).toEqual(['a'])
  })

  it('is refused to a second process, which harms nothing, and free once that one is killed', async () => {
    await using directory = await temporaryDirectory()
    const writer = fileURLToPath(new URL('fixtures/append-log-writer.ts', import.meta.url))
    const options = ['--import', 'tsx', '--conditions=@holdfast/source', writer, directory.path, '0']
    const child = spawn(process.execPath, options, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    child.stdin.write('begin')
    await once(child.stdout, 'data')
    await expect(AppendLog.open({ path: directory.path })).rejects.toThrow(`process ${child.pid} has it open`)
    child.stdout.resume()
    child.kill('SIGKILL')
    await exited
    await using log = await AppendLog.open({ path: directory.path })
    expect(log.streams).toEqual(['events', 'typing', 'relayed'])
  }, 30_000)

  it('closes again and again, and then refuses everything', async () => {
    await using directory = await temporaryDirectory()
    const log = await AppendLog.open({ path: join(directory.path, 'a', 'b'), streams: ['a'] })
    const pending = log.append('a', [1])
    await Promise.all([log.close(), log.close()])
    await log.close()
    expect(await pending).toBe(1)
    const closed = { code: 'HF_STORE_CLOSED' }
    await expect(log.append('a', [1])).rejects.toMatchObject(closed)
    await expect(log.read('a', 0, 1, { bytes: 1 })).rejects.toMatchObject(closed)
    expect(() => log.position('p')).toThrow(expect.objectContaining(closed))
  })
})

describe('a disk that is full', () => {
  it.skipIf(process.platform === 'win32')(
    'fails what was asked, leaves no trace of it, and the log goes on',
    async () => {
      await using directory = await temporaryDirectory()
      const script = fileURLToPath(new URL('fixtures/append-log-full-disk.ts', import.meta.url))
      const limited = ['-c', 'ulimit -f 1000; exec "$@"', 'sh', process.execPath]
      const node = ['--import', 'tsx', '--conditions=@holdfast/source', script, directory.path]
      // LMDB writes about it on standard error.
      const { stdout } = await promisify(execFile)('sh', [...limited, ...node])
      const { failures, acknowledged, ...after } = JSON.parse(stdout) as {
        failures: string[]
        acknowledged: number
      }
      expect(failures).toEqual(['HF_STORE_WRITE_FAILED', 'HF_STORE_WRITE_FAILED'])
      expect(acknowledged).toBeGreaterThan(2)
      // Besides what was appended before, the reset and the append after it are told.
      expect(after).toEqual({ head: acknowledged, told: acknowledged + 2, next: 3, again: 3 })
    },
    30_000,
  )
})

describe('options', () => {
  it.each([[['a', 'a']], [['']], [['x'.repeat(501)]]])('refuses streams %j', async (streams) => {
    await using directory = await temporaryDirectory()
    await expect(AppendLog.open({ path: directory.path, streams })).rejects.toMatchObject({
      code: 'HF_BAD_OPTION',
    })
  })
})
