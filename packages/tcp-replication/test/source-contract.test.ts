import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { AppendLog } from '../src/source/append-log.js'
import { memorySource } from '../src/source/memory-source.js'
import type { ReplicationSource, SourceEvent } from '../src/source/types.js'
import { expectSame, readAll, StreamModel } from './fixtures/append-log-model.js'

interface Subject extends AsyncDisposable {
  readonly source: ReplicationSource
  append(stream: string, rows: readonly unknown[], token?: number): Promise<number>
  reset(stream: string, to: number): Promise<void>
}

const subjects: Record<string, (streams: readonly string[]) => Promise<Subject>> = {
  'a source in memory': async (streams) => {
    const source = memorySource({ streams })
    return {
      source,
      append: async (stream, rows, token) => source.append(stream, rows, token),
      reset: async (stream, to) => source.reset(stream, to),
      [Symbol.asyncDispose]: async () => {},
    }
  },
  'a log on disk': async (streams) => {
    const directory = await temporaryFolder()
    const source = await AppendLog.open({ path: directory.path, streams })
    return {
      source,
      append: (stream, rows, token) => source.append(stream, rows, token === undefined ? {} : { token }),
      reset: (stream, to) => source.reset(stream, to),
      [Symbol.asyncDispose]: async () => {
        await source.close()
        await directory[Symbol.asyncDispose]()
      },
    }
  },
}

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      gap: fc.nat(5),
      rows: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reset' as const), by: fc.integer({ min: -12, max: 4 }) }),
  },
)

describe.each(Object.entries(subjects))('%s', (_name, open) => {
  it('names its streams in the order given', async () => {
    await using subject = await open(['typing', 'events'])
    expect(subject.source.streams).toEqual(['typing', 'events'])
  })

  it('begins at 0 with nothing to read', async () => {
    await using subject = await open(['events'])
    expect(subject.source.head('events')).toBe(0)
    expect(subject.source.first('events')).toBe(0)
    expect(await subject.source.read('events', 0, 0, { bytes: 10 })).toEqual({ batches: [], to: 0 })
  })

  it('writes rows as JSON, all rows of a token in one batch', async () => {
    await using subject = await open(['events'])
    await subject.append('events', [['ev', { a: 'é\n' }], null])
    expect(await readAll(subject.source, 'events', 0)).toEqual([
      { token: 1, rows: ['["ev",{"a":"\\u00e9\\n"}]', 'null'] },
    ])
  })

  it('takes tokens up to 2^53-1, and not beyond', async () => {
    await using subject = await open(['events'])
    await subject.append('events', ['first'], 2 ** 32)
    await subject.append('events', ['last'], Number.MAX_SAFE_INTEGER)
    expect(await readAll(subject.source, 'events', 2 ** 32)).toEqual([
      { token: Number.MAX_SAFE_INTEGER, rows: ['"last"'] },
    ])
    await expect(subject.append('events', ['beyond'])).rejects.toMatchObject({
      code: 'HF_REPLICATION_TOKEN_ORDER',
    })
  })

  it('goes on from negative positions after a reset to one', async () => {
    await using subject = await open(['events'])
    await subject.reset('events', -(2 ** 40))
    await subject.append('events', [1])
    await subject.append('events', [2], -1)
    await subject.append('events', [3])
    expect(subject.source.head('events')).toBe(0)
    expect(await readAll(subject.source, 'events', -(2 ** 40))).toEqual([
      { token: -(2 ** 40) + 1, rows: ['1'] },
      { token: -1, rows: ['2'] },
      { token: 0, rows: ['3'] },
    ])
  })

  it.each([0, 3, 4.5, Number.NaN])('refuses token %s at head 3, and stays as it was', async (token) => {
    await using subject = await open(['events'])
    await subject.append('events', ['a'], 3)
    await expect(subject.append('events', ['b'], token)).rejects.toMatchObject({
      code: 'HF_REPLICATION_TOKEN_ORDER',
      stream: 'events',
    })
    expect(await readAll(subject.source, 'events', 0)).toEqual([{ token: 3, rows: ['"a"'] }])
  })

  it('refuses empty batches and what JSON does not have', async () => {
    await using subject = await open(['events'])
    await expect(subject.append('events', [])).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
    await expect(subject.append('events', ['fine', undefined])).rejects.toMatchObject({
      code: 'HF_REPLICATION_UNSENDABLE',
    })
    expect(subject.source.head('events')).toBe(0)
  })

  it('refuses streams that it does not have', async () => {
    await using subject = await open(['events'])
    await expect(subject.append('event', [1])).rejects.toMatchObject({
      code: 'HF_REPLICATION_UNKNOWN_STREAM',
      stream: 'event',
    })
    await expect(subject.source.read('event', 0, 1, { bytes: 1 })).rejects.toMatchObject({ stream: 'event' })
    expect(() => subject.source.head('event')).toThrow('"event"')
  })

  it('tells of every change in order, with the rows, and not after unsubscribing', async () => {
    await using subject = await open(['events'])
    const told: SourceEvent[] = []
    const off = subject.source.subscribe((event) => told.push(event))
    await subject.append('events', ['a'])
    await subject.append('events', ['b', 'c'], 5)
    await subject.reset('events', 3)
    await subject.reset('events', 3)
    off()
    off()
    await subject.append('events', ['d'])
    expect(told).toEqual([
      { kind: 'appended', stream: 'events', from: 0, to: 1, batches: [{ token: 1, rows: ['"a"'] }] },
      { kind: 'appended', stream: 'events', from: 1, to: 5, batches: [{ token: 5, rows: ['"b"', '"c"'] }] },
      { kind: 'reset', stream: 'events', to: 3 },
    ])
  })

  it('shows a subscriber what it is told of', async () => {
    await using subject = await open(['events'])
    const seen: unknown[] = []
    const { promise, done } = deferred()
    subject.source.subscribe((event) => {
      seen.push(subject.source.head('events'))
      void readAll(subject.source, 'events', 0).then((batches) => {
        seen.push(event.to, batches)
        done()
      })
    })
    await subject.append('events', ['a'])
    await promise
    expect(seen).toEqual([1, 1, [{ token: 1, rows: ['"a"'] }]])
  })

  it('serves pages of about the size asked for, whole batches, and never nothing', async () => {
    await using subject = await open(['events'])
    for (let i = 0; i < 4; i++) await subject.append('events', ['xxxx', 'xxxx'])
    const page = (bytes: number, count?: number) =>
      subject.source.read('events', 0, 4, { bytes, ...(count !== undefined && { count }) })
    expect(await page(1)).toMatchObject({ batches: [{ token: 1 }], to: 1 })
    expect(await page(28)).toMatchObject({ batches: [{ token: 1 }, { token: 2 }], to: 2 })
    expect(await page(27)).toMatchObject({ to: 1 })
    expect(await page(1000, 6)).toMatchObject({ to: 3 })
    expect(await page(1000)).toMatchObject({ to: 4 })
    expect(await subject.source.read('events', 1, 3, { bytes: 1000 })).toMatchObject({
      batches: [{ token: 2 }, { token: 3 }],
      to: 3,
    })
  })

  it('holds nothing below a jump upwards', async () => {
    await using subject = await open(['events', 'other'])
    await subject.append('events', ['a'])
    await subject.append('other', ['a'])
    await subject.reset('events', 100)
    expect(await subject.source.read('events', 1, 100, { bytes: 10 })).toBe('too-old')
    await subject.append('events', ['b'])
    expect(await readAll(subject.source, 'events', 100)).toEqual([{ token: 101, rows: ['"b"'] }])
    expect(await readAll(subject.source, 'other', 0)).toEqual([{ token: 1, rows: ['"a"'] }])
  })

  test.prop([fc.array(command, { maxLength: 25 })], { numRuns: 60 })(
    'does what the plain model does',
    async (commands) => {
      await using subject = await open(['events', 'other'])
      const model = new StreamModel()
      await subject.append('other', ['untouched'])
      for (const step of commands) {
        if (step.kind === 'append') {
          const token = model.head + 1 + step.gap
          await subject.append('events', step.rows, token)
          model.append(
            token,
            step.rows.map((row) => ascii(JSON.stringify(row))),
          )
        } else {
          const to = model.head + step.by
          await subject.reset('events', to)
          model.reset(to)
        }
        expect(subject.source.head('events')).toBe(model.head)
      }
      await expectSame(subject.source, 'events', model)
      expect(await readAll(subject.source, 'other', 0)).toEqual([{ token: 1, rows: ['"untouched"'] }])
    },
  )
})

function deferred(): { promise: Promise<void>; done: () => void } {
  let done = (): void => {}
  const promise = new Promise<void>((resolve) => {
    done = resolve
  })
  return { promise, done }
}

function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
