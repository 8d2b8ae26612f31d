import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { open } from 'lmdb'
import { describe, expect, it } from 'vitest'
import { builtProgram } from '../../../test-support/built-program.js'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { AppendLog } from '../src/source/append-log.js'
import { readAll } from './fixtures/append-log-model.js'

/** Makes a log and returns its data file. */
async function writeLog(path: string): Promise<string> {
  await using log = await AppendLog.open({ path, streams: ['a'] })
  await log.append('a', ['x'])
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

describe('a log that cannot be read', () => {
  it('is refused and left alone: the log of a later version', async () => {
    await using directory = await temporaryFolder()
    await writeLog(directory.path)
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

  it('is refused and left alone: a record that is none', async () => {
    await using directory = await temporaryFolder()
    const file = await writeLog(directory.path)
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
    await using directory = await temporaryFolder()
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
})

describe('a log that is open', () => {
  it('is refused to a second opener in the same process, under any name, until it is closed', async () => {
    await using directory = await temporaryFolder()
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
    await using directory = await temporaryFolder()
    const writer = await builtProgram(new URL('fixtures/append-log-writer.ts', import.meta.url))
    const child = spawn(process.execPath, [writer, directory.path, '0'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
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
    await using directory = await temporaryFolder()
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
      await using directory = await temporaryFolder()
      const script = await builtProgram(new URL('fixtures/append-log-full-disk.ts', import.meta.url))
      const limited = ['-c', 'ulimit -f 1000; exec "$@"', 'sh', process.execPath]
      // LMDB writes about it on standard error.
      const { stdout } = await promisify(execFile)('sh', [...limited, script, directory.path])
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
    await using directory = await temporaryFolder()
    await expect(AppendLog.open({ path: directory.path, streams })).rejects.toMatchObject({
      code: 'HF_BAD_OPTION',
    })
  })
})
