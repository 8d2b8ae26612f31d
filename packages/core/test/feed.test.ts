import { fc, test } from '@fast-check/vitest'
import type { Budget, Feed, FeedOptions, FeedPage, FeedReader, WriteResult } from '@holdfast/core'
import { feed, HoldfastError } from '@holdfast/core'
import { type FakeScope, fakeScope, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

/** Lets every promise that can settle do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A log of the numbers from 1 on, and the feed that serves it. */
class NumberLog {
  head = 0
  readonly env = testEnv()
  readonly feed: Feed<number, number>
  readonly reads: { after: number; upTo: number; limit: Budget }[] = []
  largestPage = 0
  onRead = (): void => undefined

  constructor(options: Partial<FeedOptions<number, number>> = {}) {
    this.feed = feed<number, number>({
      env: this.env,
      compare: (a, b) => a - b,
      head: () => this.head,
      read: (after, upTo, limit) => Promise.resolve(this.read(after, upTo, limit)),
      sizeOf: () => 10,
      page: { bytes: 30 },
      live: { bytes: 50 },
      ...options,
    })
  }

  read(after: number, upTo: number, limit: Budget): FeedPage<number, number> {
    this.reads.push({ after, upTo, limit })
    this.onRead()
    const to = Math.min(upTo, after + limit.bytes / 10)
    this.largestPage = Math.max(this.largestPage, to - after)
    return { items: numbers(after, to), to }
  }

  append(count: number): void {
    const before = this.head
    this.head += count
    this.feed.publish(numbers(before, this.head), this.head)
  }

  async settle(): Promise<void> {
    await settle()
    while (this.env.clock.nextAt !== null) {
      this.env.clock.advance(0)
      await settle()
    }
  }
}

/** What one reader was told, and a link that answers as the test says. */
class Recorder {
  readonly log: NumberLog
  readonly scope: FakeScope
  readonly told: unknown[] = []
  readonly rows: number[] = []
  readonly reader: FeedReader<number>
  answer: WriteResult = 'sent'
  isFull = false
  /** Rows sent since the link became writable, without one having been read. */
  burst = 0
  onSend: (items: readonly number[], to: number) => void = () => undefined
  #reads = 0

  constructor(log: NumberLog, from: number, scope = fakeScope()) {
    this.log = log
    this.scope = scope
    this.reader = log.feed.open(scope, from, {
      send: (items, to) => this.#send(items, to),
      caughtUp: (at, again) => void this.told.push(again ? `again up to ${at}` : `up to ${at}`),
      failed: (why) => void this.told.push(why),
    })
  }

  writable(): void {
    this.isFull = false
    this.burst = 0
    this.reader.writable()
  }

  #send(items: readonly number[], to: number): WriteResult {
    if (this.isFull) throw new Error('sent to a full link')
    this.told.push(...items)
    this.rows.push(...items)
    if (this.#reads === this.log.reads.length) this.burst += items.length
    this.#reads = this.log.reads.length
    this.onSend(items, to)
    this.isFull = this.answer === 'full'
    return this.answer
  }
}

function numbers(after: number, to: number): number[] {
  return Array.from({ length: to - after }, (_, index) => after + index + 1)
}

const act = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('open' as const), from: fc.integer({ min: 0, max: 40 }) }),
  fc.record({ kind: fc.constant('answer' as const), of: fc.nat(3), is: fc.constantFrom('sent', 'full') }),
  fc.record({ kind: fc.constantFrom('writable', 'close', 'end', 'refuse'), of: fc.nat(3) }),
  fc.record({ kind: fc.constant('settle' as const) }),
)

describe('a feed', () => {
  test.prop([fc.array(act, { maxLength: 60 }), fc.boolean()], { numRuns: 300 })(
    'I25: sends every row once and in order, whatever the links do, and holds no more than its budgets',
    async (acts, byCount) => {
      const log = new NumberLog(byCount ? { live: { bytes: 1e9, count: 5 } } : {})
      const recorders: { recorder: Recorder; from: number }[] = []
      for (const next of acts) {
        const recorder = 'of' in next ? recorders[next.of]?.recorder : undefined
        switch (next.kind) {
          case 'append':
            log.append(next.count)
            break
          case 'open':
            recorders.push({ recorder: new Recorder(log, next.from), from: Math.min(next.from, log.head) })
            break
          case 'settle':
            await log.settle()
            break
          case 'answer':
            if (recorder) recorder.answer = next.is
            break
          case 'writable':
            if (recorder?.isFull === true) recorder.writable()
            break
          case 'refuse':
            if (recorder) recorder.answer = 'refused'
            break
          case 'close':
            recorder?.reader.close()
            break
          case 'end':
            recorder?.scope.end()
        }
        for (const { recorder: each } of recorders) expect(each.reader.at).toBeLessThanOrEqual(log.head)
      }
      for (const { recorder } of recorders) if (recorder.answer === 'full') recorder.answer = 'sent'
      for (let round = 0; round < 3; round += 1) {
        for (const { recorder } of recorders) if (recorder.isFull) recorder.writable()
        await log.settle()
      }
      for (const { recorder, from } of recorders) {
        expect(recorder.scope.why?.kind).not.toBe('adapter-threw')
        const refused = recorder.answer === 'refused' || recorder.reader.mode === 'closed'
        const upTo = refused ? from + recorder.rows.length : log.head
        expect(recorder.rows).toEqual(numbers(from, upTo))
      }
      expect(log.largestPage).toBeLessThanOrEqual(3)
    },
  )

  test.prop([fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 20 })])(
    'I25: never hands over more from memory than its live budget holds',
    async (counts) => {
      const log = new NumberLog()
      const slow = new Recorder(log, 0)
      slow.answer = 'full'
      log.append(1)
      slow.answer = 'sent'
      for (const count of counts) log.append(count)
      slow.writable()
      const fromMemory = slow.burst
      await log.settle()
      expect(fromMemory).toBeLessThanOrEqual(5)
      expect(slow.rows).toEqual(numbers(0, log.head))
      expect(slow.told.filter((what) => typeof what === 'string')).toEqual(
        log.head - 1 > 5 ? ['up to 0', `again up to ${log.head}`] : ['up to 0'],
      )
    },
  )
})

describe('a reader that is behind', () => {
  it('reads in pages up to the head, is told once that it caught up, and is live from then on', async () => {
    const log = new NumberLog()
    log.append(7)
    const { reader, told } = new Recorder(log, 2)
    expect(reader.mode).toBe('catching-up')
    await log.settle()
    log.append(1)
    expect(told).toEqual([3, 4, 5, 6, 7, 'up to 7', 8])
    expect(reader.mode).toBe('live')
    expect(log.reads).toEqual([
      { after: 2, upTo: 7, limit: { bytes: 30 } },
      { after: 5, upTo: 7, limit: { bytes: 30 } },
    ])
  })

  it('gets what is published while its last page is read from memory, after it is told', async () => {
    const log = new NumberLog()
    log.append(2)
    const { told } = new Recorder(log, 0)
    log.append(1)
    await log.settle()
    expect(told).toEqual([1, 2, 'up to 2', 3])
    expect(log.reads).toHaveLength(1)
  })

  it('does not get twice what was in the log before it was published', async () => {
    const log = new NumberLog()
    log.head = 3
    const { told } = new Recorder(log, 0)
    log.feed.publish([1], 1)
    log.feed.publish([2, 3], 3)
    await log.settle()
    log.feed.publish([2, 3], 3)
    expect(told).toEqual([1, 2, 3, 'up to 3'])
  })

  it('does not take a page that holds all it missed for a log that leads nowhere', async () => {
    const log = new NumberLog({ live: { bytes: 10 } })
    log.head = 3
    const { told } = new Recorder(log, 0)
    for (const row of [1, 2, 3]) log.feed.publish([row], row)
    await log.settle()
    expect(told).toEqual([1, 2, 3, 'up to 3'])
  })

  it('I25: does not count what the next page covers against its live budget', async () => {
    const log = new NumberLog()
    log.append(4)
    const { told } = new Recorder(log, 0)
    log.append(2)
    log.onRead = () => {
      if (log.reads.length === 2) log.append(4)
    }
    await log.settle()
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 'up to 6', 7, 8, 9, 10])
    expect(log.reads).toHaveLength(2)
  })

  it('is sent nothing more once it is closed, not even what waited', async () => {
    const log = new NumberLog()
    log.append(1)
    const rows: number[] = []
    const reader = log.feed.open(fakeScope(), 0, {
      send: (items) => {
        rows.push(...items)
        return 'sent'
      },
      caughtUp: () => reader.close(),
      failed: () => undefined,
    })
    log.append(1)
    expect(log.feed.size).toBe(1)
    await log.settle()
    expect([rows, reader.mode, log.feed.size]).toEqual([[1], 'closed', 0])
  })

  it('waits for a full link before it reads on', async () => {
    const log = new NumberLog()
    log.append(5)
    const recorder = new Recorder(log, 0)
    recorder.answer = 'full'
    await log.settle()
    expect(recorder.rows).toEqual([1, 2, 3])
    expect(log.reads).toHaveLength(1)
    recorder.writable()
    await log.settle()
    expect(recorder.told).toEqual([1, 2, 3, 4, 5, 'up to 5'])
  })

  it('passes over positions without items', async () => {
    const log = new NumberLog({ read: (_, upTo) => Promise.resolve({ items: [], to: upTo }) })
    log.append(5)
    const { told, reader } = new Recorder(log, 0)
    await log.settle()
    expect(told).toEqual(['up to 5'])
    expect(reader.at).toBe(5)
  })

  it('does not keep others from their turn, even if its source answers from memory', async () => {
    const log = new NumberLog()
    log.append(300)
    const { rows } = new Recorder(log, 0)
    await settle()
    expect(rows.length).toBeLessThan(100)
    await log.settle()
    expect(rows).toHaveLength(300)
  })
})

describe('a reader at the head', () => {
  it('is live at once, also if it claims to be beyond the head', () => {
    const log = new NumberLog()
    log.append(2)
    const at = new Recorder(log, 2)
    const beyond = new Recorder(log, 9)
    expect([at.told, beyond.told]).toEqual([['up to 2'], ['up to 2']])
    log.append(1)
    expect([at.rows, beyond.rows]).toEqual([[3], [3]])
  })

  it('is told of a position without items', () => {
    const log = new NumberLog()
    const recorder = new Recorder(log, 0)
    const told: number[] = []
    recorder.onSend = (_, to) => told.push(to)
    log.head = 4
    log.feed.publish([], 4)
    expect([told, recorder.reader.at]).toEqual([[4], 4])
  })

  it('falls back to pages when what waits for it grows old', async () => {
    const log = new NumberLog({ live: { bytes: 1e9, age: 1000 } })
    const recorder = new Recorder(log, 0)
    recorder.answer = 'full'
    log.append(2)
    log.append(1)
    log.env.clock.advance(1001)
    expect(recorder.reader.mode).toBe('live')
    log.append(1)
    expect(recorder.reader.mode).toBe('catching-up')
    recorder.answer = 'sent'
    recorder.writable()
    await log.settle()
    expect(recorder.told).toEqual(['up to 0', 1, 2, 3, 4, 'again up to 4'])
  })
})

describe('a reader that cannot go on', () => {
  it('is told when its position is too old', async () => {
    const log = new NumberLog({ read: () => Promise.resolve('too-old') })
    log.append(1)
    const { told, reader } = new Recorder(log, 0)
    await log.settle()
    log.append(1)
    expect(told).toEqual(['too-old'])
    expect(reader.mode).toBe('closed')
  })

  it.each([
    ['HF_FEED_READ_FAILED', () => Promise.reject(new Error('disk'))],
    [
      'HF_FEED_READ_FAILED',
      () => {
        throw new Error('disk')
      },
    ],
    ['HF_FEED_STUCK', (after: number) => Promise.resolve({ items: [], to: after })],
  ])('is told of %s, and the others go on', async (code, read) => {
    const log = new NumberLog({ read })
    const live = new Recorder(log, 0)
    log.append(2)
    const behind = new Recorder(log, 0)
    await log.settle()
    log.append(1)
    expect(behind.told).toEqual([expect.any(HoldfastError)])
    expect((behind.told[0] as HoldfastError).code).toBe(code)
    expect(behind.scope.why).toBeNull()
    expect(live.rows).toEqual([1, 2, 3])
  })

  it('I2: ends with its link, also while a page is being read', async () => {
    const log = new NumberLog()
    log.append(1)
    const { scope, told, reader } = new Recorder(log, 0)
    scope.end()
    await log.settle()
    expect(told).toEqual([])
    expect(reader.mode).toBe('closed')
    expect(new Recorder(log, 0, scope).reader.mode).toBe('closed')
  })

  it('is closed by a refusal, and the link is left to end by itself', () => {
    const log = new NumberLog()
    const recorder = new Recorder(log, 0)
    recorder.answer = 'refused'
    log.append(1)
    log.append(1)
    expect(recorder.rows).toEqual([1])
    expect(recorder.scope.why).toBeNull()
  })

  it('I10: ends its link, and no other, by throwing', async () => {
    const log = new NumberLog()
    const [first, second] = [new Recorder(log, 0), new Recorder(log, 0)]
    first.onSend = () => {
      throw new Error('bug')
    }
    log.append(1)
    const scope = fakeScope()
    log.feed.open(scope, 0, {
      send: () => 'sent',
      caughtUp: () => {
        throw new Error('bug')
      },
      failed: () => undefined,
    })
    await log.settle()
    expect([first.scope.why?.kind, scope.why?.kind]).toEqual(['adapter-threw', 'adapter-threw'])
    expect([second.scope.why, second.rows]).toEqual([null, [1]])
  })
})

describe('what happens while something is published', () => {
  it('a reader closed by another is passed over, and one opened by another gets everything once', () => {
    const log = new NumberLog()
    const first = new Recorder(log, 0)
    const second = new Recorder(log, 0)
    let third: Recorder | undefined
    first.onSend = () => {
      second.reader.close()
      third ??= new Recorder(log, log.head)
    }
    log.append(1)
    log.append(1)
    expect([first.rows, second.rows, third?.rows]).toEqual([[1, 2], [], [2]])
  })

  it('a publication from within a reader comes after the present one for everybody', () => {
    const log = new NumberLog()
    const first = new Recorder(log, 0)
    const second = new Recorder(log, 0)
    first.onSend = (_, to) => {
      if (to === 1) log.append(2)
    }
    log.append(1)
    expect([first.rows, second.rows]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ])
  })

  it('a publication from within a flush overflows the reader that is flushed without losing a row', async () => {
    const log = new NumberLog()
    const recorder = new Recorder(log, 0)
    recorder.answer = 'full'
    log.append(1)
    log.append(1)
    recorder.answer = 'sent'
    recorder.onSend = (_, to) => {
      if (to === 2) log.append(9)
    }
    recorder.writable()
    await log.settle()
    expect(recorder.rows).toEqual(numbers(0, 11))
    expect(recorder.reader.mode).toBe('live')
  })
})

describe('options of a feed', () => {
  it.each([
    ['compare', { compare: undefined }],
    ['page.bytes', { page: { bytes: 0 } }],
    ['live.count', { live: { bytes: 1, count: -1 } }],
  ])('%s is refused by name', (field, wrong) => {
    expect(() => new NumberLog(wrong as Partial<FeedOptions<number, number>>)).toThrow(
      expect.objectContaining({ code: 'HF_BAD_OPTION', field }) as Error,
    )
  })
})

describe('a reader that is closed before its link', () => {
  it('I25: leaves nothing behind on the link, however many there were', () => {
    const log = new NumberLog()
    const scope = fakeScope()
    const target = { send: (): WriteResult => 'sent', caughtUp: () => undefined, failed: () => undefined }
    for (let opened = 0; opened < 100; opened += 1) log.feed.open(scope, 0, target).close()
    expect([scope.deferred, log.feed.size]).toEqual([0, 0])
    log.feed.open(scope, 0, target)
    expect([scope.deferred, log.feed.size]).toEqual([1, 1])
    scope.end()
    expect([scope.deferred, log.feed.size]).toEqual([0, 0])
  })
})
