import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtProgram } from '../../../test-support/built-program.js'
import { fileStore } from '../src/node/index.js'
import { seededRandom } from '../src/testing/index.js'

interface Position {
  at: number
}

const position = z.strictObject({ at: z.number() })

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-'))
  return {
    file: join(path, 'position.json'),
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  }
}

const open = (path: string) => fileStore<Position>({ path, parse: (json) => position.parse(json) })

describe('a file store', () => {
  it('loads undefined where nothing was saved, and what was saved elsewhere', async () => {
    using at = folder()
    expect(await open(at.file).load()).toBe(undefined)
    await open(at.file).save({ at: 7 })
    expect(await open(at.file).load()).toEqual({ at: 7 })
  })

  it('keeps the file to its owner, and leaves no other file behind', async () => {
    using at = folder()
    await open(at.file).save({ at: 7 })
    expect(statSync(at.file).mode & 0o777).toBe(0o600)
    expect(readdirSync(at.path)).toEqual(['position.json'])
  })

  it('saves the value as it was when save was called', async () => {
    using at = folder()
    const value = { at: 1 }
    const saved = open(at.file).save(value)
    value.at = 2
    await saved
    expect(await open(at.file).load()).toEqual({ at: 1 })
  })

  it('writes saves asked for at once as one, and each settles when its value or a later one is on disk', async () => {
    using at = folder()
    const store = open(at.file)
    const onDisk: number[] = []
    const note = (): void => void onDisk.push((JSON.parse(readFileSync(at.file, 'utf8')) as Position).at)
    const saves = Array.from({ length: 100 }, (_, index) => store.save({ at: index }).then(note))
    await Promise.all(saves)
    expect(onDisk).toEqual(Array.from({ length: 100 }, () => 99))
    await Promise.all([store.save({ at: 100 }), Promise.resolve().then(() => store.save({ at: 101 }))])
    expect(await store.load()).toEqual({ at: 101 })
  })

  it.each([
    ['half a value', '{"at": 1'],
    ['nothing at all', ''],
    ['another value', '{"at": "seven"}'],
  ])(
    'with %s in its file fails to load, every time, and to save, and leaves the file alone',
    async (_, text) => {
      using at = folder()
      writeFileSync(at.file, text)
      const store = open(at.file)
      for (const attempt of [
        () => store.load(),
        () => store.load(),
        () => store.save({ at: 0 }),
        () => store.save({ at: 1 }),
      ]) {
        const error: unknown = await attempt().catch((caught: unknown) => caught)
        expect(error).toMatchObject({ code: 'HF_STORE_CORRUPT' })
        expect((error as Error).message).toContain(
          `${at.file}: damaged; its bytes are kept in ${at.file}.corrupt; restore it, or remove it to start from nothing`,
        )
      }
      expect(readFileSync(at.file, 'utf8')).toBe(text)
      expect(readFileSync(`${at.file}.corrupt`, 'utf8')).toBe(text)
      rmSync(at.file)
      await store.save({ at: 2 })
      expect(await store.load()).toEqual({ at: 2 })
    },
  )

  it('says which file it cannot read or write', async () => {
    using at = folder()
    mkdirSync(at.file)
    await expect(open(at.file).load()).rejects.toMatchObject({ code: 'HF_STORE_UNREADABLE' })
    await expect(open(join(at.path, 'none', 'x.json')).save({ at: 1 })).rejects.toMatchObject({
      code: 'HF_STORE_UNWRITABLE',
    })
    await expect(open(join(at.path, 'none', 'x.json')).save({ at: 1 })).rejects.toThrow(
      `none/x.json: cannot be saved: there is no folder ${join(at.path, 'none')}; make it`,
    )
  })

  it('goes on after a save that failed', async () => {
    using at = folder()
    const store = open(join(at.path, 'later', 'position.json'))
    await expect(store.save({ at: 1 })).rejects.toMatchObject({ code: 'HF_STORE_UNWRITABLE' })
    mkdirSync(join(at.path, 'later'))
    await store.save({ at: 2 })
    expect(await store.load()).toEqual({ at: 2 })
    chmodSync(join(at.path, 'later'), 0o700)
  })

  it('refuses a value that is no JSON, and a path that is none', async () => {
    using at = folder()
    await expect(fileStore<unknown>({ path: at.file }).save(1n)).rejects.toThrow(TypeError)
    expect(() => fileStore({ path: '' })).toThrow('path must be the path of a file, got ""')
  })

  it.concurrent.each([1, 2])(
    'holds a whole value whenever the process is killed, and never goes back (%i)',
    async (seed) => {
      using at = folder()
      const random = seededRandom(seed)
      let last = 0
      for (let round = 0; round < 15; round += 1) {
        await saveUntilKilled(at.file, random() * 60)
        const value = await fileStore<{ count: number; filler: string }>({ path: at.file }).load()
        const count = value?.count ?? 0
        expect(count).toBeGreaterThanOrEqual(last)
        expect(value?.filler.length ?? 0).toBe((count * 997) % 50_000)
        last = count
      }
      expect(last).toBeGreaterThan(15)
      expect(readdirSync(at.path).length).toBeLessThanOrEqual(2)
    },
    120_000,
  )
})

const savesInALoop = await builtProgram(new URL('programs/saves-in-a-loop.ts', import.meta.url))

/** Runs a process that saves without pause, and kills it `after` milliseconds: real time, for it is a real process. */
async function saveUntilKilled(file: string, after: number): Promise<void> {
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const child = spawn(process.execPath, [savesInALoop, file], { stdio: [...stdio] })
  await once(child.stdout, 'data')
  const exit = once(child, 'exit')
  await new Promise((resolve) => setTimeout(resolve, after))
  child.kill('SIGKILL')
  await exit
}
