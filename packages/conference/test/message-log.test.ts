import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fc, test } from '@fast-check/vitest'
import { type LoggedMessage, MessageLog, type MessageLogOptions } from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { builtProgram } from '../../../test-support/built-program.js'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'

const conference = `00${'22'.repeat(32)}`
const day = 86_400_000

let lastNumber = 0

function said(text: string, at = 0): LoggedMessage {
  const ada = { from: 'ab'.repeat(32), name: 'ada', isOurs: false, as: 'chat' } as const
  lastNumber += 1
  return { ...ada, text, messageNumber: lastNumber, at, isLate: false }
}

async function logIn(path: string, options: Partial<MessageLogOptions> = {}): Promise<MessageLog> {
  return MessageLog.open({ path: join(path, 'log'), wall: () => 0, ...options })
}

const texts = (entries: readonly { readonly text: string }[]): string[] => entries.map(({ text }) => text)

describe('a message log', () => {
  it('gives back what was appended, page by page from the end', async () => {
    await using folder = await temporaryFolder()
    await using log = await logIn(folder.path)
    await Promise.all(Array.from({ length: 7 }, (_, index) => log.append(conference, said(`${index + 1}`))))
    const last = log.page(conference, { limit: 3 })
    expect(texts(last)).toEqual(['5', '6', '7'])
    const earlier = log.page(conference, { limit: 3, before: last[0]?.position ?? 0 })
    expect(texts(earlier)).toEqual(['2', '3', '4'])
    expect(texts(log.page(conference, { before: earlier[0]?.position ?? 0 }))).toEqual(['1'])
    expect(log.page('another')).toEqual([])
    const message = said('8', 5)
    expect(await log.append(conference, message)).toBe(8)
    expect(log.page(conference, { limit: 1 })).toEqual([{ ...message, position: 8 }])
  })

  it('gives a reader what follows the last position that it has seen, in pages', async () => {
    await using folder = await temporaryFolder()
    await using log = await logIn(folder.path, { keep: { bytes: Infinity, count: 5 } })
    for (let index = 1; index <= 8; index += 1) await log.append(conference, said(`${index}`))
    expect(texts(log.page(conference, { after: 5, limit: 2 }))).toEqual(['6', '7'])
    expect(texts(log.page(conference, { after: 7 }))).toEqual(['8'])
    expect(log.page(conference, { after: 8 })).toEqual([])
    // What is no longer kept cannot be given: the first position tells.
    expect(log.page(conference, { after: 1, limit: 1 })).toMatchObject([{ position: 4 }])
  })

  it('E2: does not add again what comes late a second time, and nothing else is taken for it', async () => {
    await using folder = await temporaryFolder()
    await using log = await logIn(folder.path, { keep: { bytes: Infinity, count: 4 } })
    const hello = said('hello')
    expect(await log.append(conference, hello)).toBe(1)
    expect(await log.append(conference, { ...hello, isLate: true })).toBeNull()
    expect(await log.append('another', { ...hello, isLate: true })).toBe(1)
    // Its author came in anew, and counts from the beginning.
    expect(await log.append(conference, { ...hello, text: 'hi', isLate: true })).toBe(2)
    expect(await log.append(conference, hello)).toBe(3)
    expect(await log.append(conference, { ...hello, isLate: true })).toBeNull()
    for (let more = 0; more < 4; more += 1) await log.append(conference, said('more'))
    expect(await log.append(conference, { ...hello, isLate: true })).toBe(8)
  })

  it('finds messages that have all the words, whatever case and order, the newest first', async () => {
    await using folder = await temporaryFolder()
    await using log = await logIn(folder.path)
    for (const text of ['The Quick brown fox', 'a brown bear', 'Größe und BROWN quick', '東京に行きます']) {
      await log.append(conference, said(text))
    }
    const find = (words: string, limit = 50): string[] => texts(log.search(conference, words, { limit }))
    expect(find('brown')).toEqual(['Größe und BROWN quick', 'a brown bear', 'The Quick brown fox'])
    expect(find('brown', 1)).toEqual(['Größe und BROWN quick'])
    expect(find('fox QUICK')).toEqual(['The Quick brown fox'])
    expect(find('grösse')).toEqual([])
    expect(find('größe')).toEqual(['Größe und BROWN quick'])
    expect(find('東京')).toEqual(['東京に行きます'])
    expect(find('row')).toEqual([])
    expect(find(' … ')).toEqual([])
    const [newest] = log.search(conference, 'brown')
    expect(texts(log.search(conference, 'brown', { before: newest?.position ?? 0, limit: 1 }))).toEqual([
      'a brown bear',
    ])
  })

  it('keeps conferences apart', async () => {
    await using folder = await temporaryFolder()
    await using log = await logIn(folder.path)
    await log.append('one', said('shared word'))
    await log.append('other', said('shared secret'))
    expect(texts(log.search('one', 'shared'))).toEqual(['shared word'])
    expect(texts(log.page('other'))).toEqual(['shared secret'])
  })

  it('is bounded by number: the oldest go, and are found no more', async () => {
    await using folder = await temporaryFolder()
    await using log = await logIn(folder.path, { keep: { bytes: Infinity, count: 3 } })
    for (let index = 1; index <= 10; index += 1) await log.append(conference, said(`all w${index}`))
    expect(texts(log.page(conference))).toEqual(['all w8', 'all w9', 'all w10'])
    expect(log.search(conference, 'all')).toHaveLength(3)
    expect(log.search(conference, 'w2')).toEqual([])
    expect(log.size(conference).count).toBe(3)
  })

  it('is bounded by age', async () => {
    await using folder = await temporaryFolder()
    let now = 0
    await using log = await logIn(folder.path, { keep: { bytes: Infinity, age: day }, wall: () => now })
    await log.append(conference, said('yesterday', 0))
    now = day + 1
    await log.append(conference, said('today', now))
    expect(texts(log.page(conference))).toEqual(['today'])
  })

  test.prop([fc.array(fc.string({ maxLength: 300 }), { maxLength: 25 })], { numRuns: 10 })(
    'is bounded by bytes, and counts them rightly',
    async (all) => {
      await using folder = await temporaryFolder()
      const most = 12_000
      await using log = await logIn(folder.path, { keep: { bytes: most } })
      for (const text of all) await log.append(conference, said(text))
      const kept = log.page(conference, { limit: 1000 })
      const { bytes, count } = log.size(conference)
      expect(bytes).toBeLessThanOrEqual(most)
      expect(count).toBe(kept.length)
      // As much as if nothing but these had ever been there.
      await Promise.all(kept.map((entry) => log.append('another', entry)))
      expect(log.size('another')).toEqual({ count, bytes })
      expect(texts(kept)).toEqual(all.slice(all.length - kept.length))
    },
  )

  it.each([1, 5, 40])('what it counts is what the file takes, about: %i words each', async (words) => {
    await using folder = await temporaryFolder()
    const log = await logIn(folder.path, { keep: { bytes: 2_000_000 } })
    const identifier = `00${'ab'.repeat(32)}`
    const text = (index: number): string =>
      Array.from({ length: words }, (_, at) => `word${(index * 7919 + at * 104_729) % 4999}`).join(' ')
    const count = 8000 / words + 600
    // Few at once: pages that a commit frees are free from the next but one.
    const together = Math.ceil(500 / words)
    for (let index = 0; index < count; index += together) {
      const some = Array.from({ length: together }, (_, at) => said(text(index + at)))
      await Promise.all(some.map((message) => log.append(identifier, message)))
    }
    const { bytes } = log.size(identifier)
    await log.close()
    const { size } = await stat(join(folder.path, 'log', 'data.mdb'))
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(size).toBeGreaterThan(bytes * 0.5)
    expect(size).toBeLessThan(bytes * 2)
  })

  it('goes on where it was when it is opened again', async () => {
    await using folder = await temporaryFolder()
    const first = await logIn(folder.path)
    await first.append(conference, said('before'))
    await first.close()
    await using second = await logIn(folder.path)
    await second.append(conference, said('after'))
    expect(second.page(conference).map(({ text, position }) => [text, position])).toEqual([
      ['before', 1],
      ['after', 2],
    ])
  })

  it('refuses a damaged file, and leaves it as it is', async () => {
    await using folder = await temporaryFolder()
    const log = await logIn(folder.path)
    await log.append(conference, said('once'))
    await log.close()
    const file = join(folder.path, 'log', 'data.mdb')
    await truncate(file, 9000)
    await expect(logIn(folder.path)).rejects.toMatchObject({ code: 'HF_STORE_CORRUPT' })
    expect((await stat(file)).size).toBe(9000)
  })

  it('is opened once at a time', async () => {
    await using folder = await temporaryFolder()
    const log = await logIn(folder.path)
    await expect(logIn(folder.path)).rejects.toMatchObject({ code: 'HF_STORE_IN_USE' })
    await log.close()
    await expect(log.append(conference, said('late'))).rejects.toMatchObject({ code: 'HF_STORE_CLOSED' })
    for (const read of [
      () => log.page(conference),
      () => log.search(conference, 'late'),
      () => log.size(conference),
    ]) {
      expect(read).toThrow('was closed')
    }
    await using again = await logIn(folder.path)
    expect(again.page(conference)).toEqual([])
  })

  it('says when it cannot be opened', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'log'), 'a file')
    await expect(logIn(folder.path)).rejects.toMatchObject({ code: 'HF_STORE_FOREIGN' })
  })

  it('holds everything that was acknowledged after a kill -9, with its words, and can be opened at once', async () => {
    await using folder = await temporaryFolder()
    const acknowledged = await killedWriter(join(folder.path, 'log'), 20)
    await using log = await logIn(folder.path)
    const kept = log.page('c', { limit: 100_000 })
    expect(kept.length).toBeGreaterThanOrEqual(acknowledged)
    for (const [index, { text, position }] of kept.entries()) {
      expect(text).toBe(`message number${index + 1} of many`)
      expect(log.search('c', `number${index + 1}`).map((found) => found.position)).toEqual([position])
    }
  }, 30_000)
})

/** Lets another process append until it has said so a number of times, and kills it. Returns how often it had. */
async function killedWriter(path: string, after: number): Promise<number> {
  const program = await builtProgram(new URL('fixtures/message-writer.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { stdout } = child
  if (!stdout) throw new Error('no standard output')
  let acknowledged = 0
  for await (const line of createInterface({ input: stdout })) {
    acknowledged = Number(line)
    if (acknowledged === after) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return acknowledged
}
