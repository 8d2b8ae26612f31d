import { fc, test } from '@fast-check/vitest'
import {
  type AppliedBatch,
  type Batch,
  type Cursor,
  type CursorOptions,
  cursor,
  type HoldfastError,
  lifecycle,
  type Position,
  type PositionStore,
  type ResetWhy,
  type Store,
  silentLog,
} from '@holdfast/core'
import { type FakeScope, fakeScope, ScriptedDialer, testEnv } from '@holdfast/core/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'

/** Lets every promise that can settle do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Pending<A, R> {
  readonly args: A
  readonly resolve: (value: R) => void
  readonly reject: (cause: unknown) => void
}

/** An asynchronous function whose calls end when the test says so. */
class Calls<A, R> {
  readonly pending: Pending<A, R>[] = []
  readonly args: A[] = []

  call(args: A): Promise<R> {
    this.args.push(args)
    return new Promise((resolve, reject) => this.pending.push({ args, resolve, reject }))
  }

  async end(value: R): Promise<void> {
    this.pending.shift()?.resolve(value)
    await settle()
  }

  async fail(): Promise<void> {
    this.pending.shift()?.reject(new Error('failed'))
    await settle()
  }
}

type Rows = AppliedBatch<number, number>

/** A cursor whose apply, resync and save end when the test says so. */
class Bench {
  readonly env = testEnv()
  readonly apply = new Calls<Rows, void>()
  readonly resync = new Calls<{ why: ResetWhy; peer: Position<number> | null }, Position<number> | null>()
  readonly save = new Calls<Position<number> | null, void>()
  readonly cursor: Cursor<number, number>

  constructor(options: Partial<CursorOptions<number, number>> = {}) {
    this.cursor = cursor<number, number>({
      env: this.env,
      key: 'numbers',
      compare: (a, b) => a - b,
      sizeOf: () => 10,
      apply: (batch) => this.apply.call(batch),
      resync: (why, peer) => this.resync.call({ why, peer }),
      staging: { bytes: 1000 },
      backlog: { bytes: 1000 },
      ...options,
    })
  }

  /** With a store that holds `at`, and saves when the test says so. */
  static async stored(
    at: number | null,
    options: Partial<CursorOptions<number, number>> = {},
  ): Promise<Bench> {
    const bench: Bench = new Bench({
      store: {
        load: () => Promise.resolve(at === null ? undefined : { at }),
        save: (to) => bench.save.call(to),
      },
      ...options,
    })
    await bench.cursor.load()
    return bench
  }

  /** Seals a batch of one row, which is its own position unless another is given. */
  seal(scope: FakeScope, row: number, to: number | null = row): 'ok' | 'old' | 'gap' {
    const batch = this.cursor.open(scope)
    batch.add(row)
    return batch.seal(to)
  }

  get positions(): (number | null)[] {
    const { received, applied, durable } = this.cursor
    return [received, applied, durable].map((position) => position?.at ?? null)
  }
}

const codeOf = (code: string): HoldfastError => expect.objectContaining({ code }) as HoldfastError
const dense = (a: number, b: number): 'next' | 'gap' | 'old' =>
  b === a + 1 ? 'next' : b > a + 1 ? 'gap' : 'old'

describe('a batch', () => {
  it('is applied whole, and the position follows once that has settled', async () => {
    const { cursor: numbers, apply, ...bench } = new Bench()
    const batch = numbers.open(fakeScope())
    batch.add(1)
    batch.add(2)
    expect(apply.args).toEqual([])
    expect(batch.seal(2)).toBe('ok')
    expect(apply.args).toEqual([{ items: [1, 2], to: { at: 2 } }])
    expect(numbers.resumeFrom()).toBeNull()
    await apply.end()
    expect(numbers.resumeFrom()).toEqual({ at: 2 })
    expect(bench.env.clock.pending).toBe(0)
  })

  it('moves the position at once where apply is synchronous', () => {
    const { cursor: numbers } = new Bench({ apply: () => undefined })
    const scope = fakeScope()
    for (const at of [1, 2, 3]) expect(numbers.open(scope).seal(at)).toBe('ok')
    expect(numbers.applied).toEqual({ at: 3 })
  })

  it('is for single use', () => {
    const { cursor: numbers } = new Bench()
    const batch = numbers.open(fakeScope())
    batch.seal(1)
    expect(() => batch.add(2)).toThrow(codeOf('HF_BATCH_SEALED'))
    expect(() => batch.seal(2)).toThrow(codeOf('HF_BATCH_SEALED'))
  })

  it('I18: is applied in the order of sealing, whatever the order of opening', async () => {
    const { cursor: numbers, apply } = new Bench()
    const scope = fakeScope()
    const [first, second] = [numbers.open(scope), numbers.open(scope)]
    first.add(1)
    second.add(2)
    second.seal(null)
    first.seal(2)
    expect(apply.pending).toHaveLength(1)
    await apply.end()
    await apply.end()
    expect(apply.args).toEqual([
      { items: [2], to: null },
      { items: [1], to: { at: 2 } },
    ])
    expect(numbers.applied).toEqual({ at: 2 })
  })

  it('I18: being applied when its link ends is finished; those behind it are dropped with the link', async () => {
    const bench = new Bench()
    const scope = fakeScope()
    for (const row of [1, 2, 3]) bench.seal(scope, row)
    scope.end()
    expect(bench.positions).toEqual([1, null, null])
    await bench.apply.end()
    expect(bench.apply.args).toHaveLength(1)
    expect(bench.positions).toEqual([1, 1, null])
  })

  it('I19: open when its link ends leaves no trace', () => {
    const { cursor: numbers, apply, ...bench } = new Bench()
    const scope = fakeScope()
    const batch = numbers.open(scope)
    batch.add(1)
    scope.end()
    batch.add(2)
    expect(batch.seal(2)).toBe('old')
    expect(numbers.open(scope).seal(3)).toBe('old')
    expect([apply.args, numbers.received, bench.env.clock.pending]).toEqual([[], null, 0])
  })

  it('that is discarded leaves no trace, and can be discarded again', () => {
    const { cursor: numbers, apply } = new Bench()
    const batch = numbers.open(fakeScope())
    batch.add(1)
    batch.discard()
    batch.discard()
    batch.add(2)
    expect([batch.seal(2), apply.args, numbers.received]).toEqual(['old', [], null])
  })
})

describe('a position without items', () => {
  it('I20: takes effect only after every batch sealed before it', async () => {
    const bench = new Bench()
    const scope = fakeScope()
    bench.seal(scope, 1, null)
    bench.seal(scope, 2, null)
    expect(bench.cursor.advance(5)).toBe('ok')
    await bench.apply.end()
    expect(bench.positions).toEqual([5, null, null])
    await bench.apply.end()
    expect(bench.positions).toEqual([5, 5, null])
  })

  it('I20: is forgotten with the batches that it covers', async () => {
    const bench = new Bench()
    const scope = fakeScope()
    bench.seal(scope, 1, null)
    bench.seal(scope, 2, null)
    bench.cursor.advance(5)
    scope.end()
    await bench.apply.end()
    expect(bench.positions).toEqual([null, null, null])
  })

  it('never goes back', () => {
    const { cursor: numbers } = new Bench()
    expect([numbers.advance(5), numbers.advance(4), numbers.advance(5)]).toEqual(['ok', 'back', 'ok'])
    expect(numbers.applied).toEqual({ at: 5 })
  })

  it('is handed to apply where that stores positions', async () => {
    const { cursor: numbers, apply } = new Bench({ store: { load: () => Promise.resolve({ at: 1 }) } })
    await numbers.load()
    numbers.advance(3)
    expect(apply.args).toEqual([{ items: [], to: { at: 3 } }])
    expect(numbers.durable).toEqual({ at: 1 })
    await apply.end()
    expect([numbers.durable, numbers.resumeFrom()]).toEqual([{ at: 3 }, { at: 3 }])
  })

  it('keeps the epoch', async () => {
    const { cursor: numbers, resync } = new Bench()
    const verdict = numbers.reset('epoch-changed', { at: 2, epoch: 'b' })
    await resync.end({ at: 2, epoch: 'b' })
    expect(await verdict).toBe(true)
    numbers.advance(3)
    expect(numbers.applied).toEqual({ at: 3, epoch: 'b' })
  })
})

describe('a floor', () => {
  it('keeps the position below it until its batch is applied', async () => {
    const { cursor: numbers, apply, ...bench } = new Bench()
    const scope = fakeScope()
    const low = numbers.open(scope, { floor: 5 })
    numbers.advance(4)
    numbers.advance(9)
    expect([numbers.applied, numbers.received]).toEqual([{ at: 4 }, { at: 9 }])
    low.add(7)
    low.seal(null)
    expect(numbers.applied).toEqual({ at: 4 })
    await apply.end()
    expect(numbers.applied).toEqual({ at: 9 })
    expect(apply.args).toEqual([{ items: [7], to: { at: 9 } }])
    expect(bench.env.clock.pending).toBe(0)
  })

  it('lets the position up to the next floor, when there are several', async () => {
    const { cursor: numbers, apply } = new Bench()
    const scope = fakeScope()
    const batches = [3, 6, 9].map((floor) => numbers.open(scope, { floor }))
    for (const at of [4, 5, 7, 10, 12]) numbers.advance(at)
    const applied: unknown[] = []
    for (const batch of batches) {
      batch.seal(null)
      await apply.end()
      applied.push(numbers.applied?.at)
    }
    expect(applied).toEqual([5, 7, 12])
  })

  it('forfeits what waited for it when its batch is lost', async () => {
    const bench = new Bench()
    const [scope, other] = [fakeScope(), fakeScope()]
    bench.cursor.open(scope, { floor: 5 })
    bench.seal(other, 1, 3)
    bench.seal(other, 2, 7)
    await bench.apply.end()
    scope.end()
    expect(bench.positions).toEqual([3, 3, null])
    await bench.apply.end()
    expect(bench.positions).toEqual([3, 3, null])
    expect(bench.cursor.advance(4)).toBe('ok')
    expect(bench.cursor.applied).toEqual({ at: 4 })
  })
})

describe('a failing apply', () => {
  it('I10, I17: moves nothing, and ends every link that feeds the cursor, so that the batch comes again', async () => {
    const traced: object[] = []
    const env = testEnv({
      trace: (channel, record) => channel === 'noun' || traced.push({ channel, ...record }),
    })
    const bench = new Bench({ env })
    const [first, second, stranger] = [fakeScope(), fakeScope(), fakeScope()]
    bench.seal(first, 1)
    bench.seal(first, 2)
    const open = bench.cursor.open(second)
    const settled = bench.cursor.settled()
    const failure = expect(settled).rejects.toThrow(codeOf('HF_CURSOR_UNSETTLED'))
    await bench.apply.fail()
    await failure
    expect([first, second, stranger].map(({ why }) => why?.kind)).toEqual([
      'adapter-threw',
      'adapter-threw',
      undefined,
    ])
    expect([bench.positions, open.seal(3), bench.apply.args.length]).toEqual([[null, null, null], 'old', 1])
    expect(traced).toMatchObject([{ channel: 'cursor', kind: 'apply-failed', key: 'numbers' }])
    const again = fakeScope()
    bench.seal(again, 1)
    await bench.apply.end()
    expect(bench.positions).toEqual([1, 1, null])
  })

  it('may be synchronous', () => {
    const bench = new Bench({
      apply: () => {
        throw new Error('failed')
      },
    })
    const scope = fakeScope()
    bench.seal(scope, 1)
    expect([scope.why?.kind, bench.cursor.applied]).toEqual(['adapter-threw', null])
  })
})

describe('a reset verdict', () => {
  it('I21: holds everything until the resync has ended, with the links that feed the cursor paused', async () => {
    const bench = new Bench()
    const scope = fakeScope()
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    const straddling = bench.cursor.open(scope)
    straddling.add(8)
    const verdict = bench.cursor.reset('went-backwards', { at: 5 })
    expect([bench.cursor.phase, scope.link.isPaused]).toEqual(['resyncing', true])
    expect(bench.resync.args).toEqual([])
    await bench.apply.end()
    expect(bench.resync.args).toEqual([{ why: 'went-backwards', peer: { at: 5 } }])
    bench.seal(scope, 5)
    bench.seal(scope, 7, null)
    straddling.seal(8)
    const late = fakeScope()
    bench.cursor.open(late)
    expect([late.link.isPaused, bench.apply.args.length]).toEqual([true, 1])
    await bench.resync.end({ at: 6 })
    expect(await verdict).toBe(true)
    expect([bench.cursor.phase, scope.link.isPaused, late.link.isPaused]).toEqual(['resynced', false, false])
    await bench.apply.end()
    await bench.apply.end()
    expect(bench.apply.args.slice(1)).toEqual([
      { items: [7], to: null },
      { items: [8], to: { at: 8 } },
    ])
    expect(bench.positions).toEqual([8, 8, null])
  })

  it('may set the position back, or to nothing', async () => {
    const bench = await Bench.stored(9)
    const first = bench.cursor.reset('went-backwards', { at: 5 })
    await bench.resync.end({ at: 5 })
    expect(bench.positions).toEqual([9, 9, 9])
    await bench.save.end()
    expect([await first, bench.positions]).toEqual([true, [5, 5, 5]])
    const second = bench.cursor.reset('retention-expired')
    await bench.resync.end(null)
    await bench.save.end()
    expect([await second, bench.positions, bench.save.args]).toEqual([
      true,
      [null, null, null],
      [{ at: 5 }, null],
    ])
  })

  it.each<[ResetWhy, 'info' | 'warn']>([
    ['first-time', 'info'],
    ['went-backwards', 'warn'],
  ])('that is %s is logged as %s: only who had a position has lost one', async (why, level) => {
    const logged: string[] = []
    const note = (at: string) => (_: object, text: string) => {
      if (/resync|load/.test(text)) logged.push(at)
    }
    const log = { ...silentLog, info: note('info'), warn: note('warn') }
    const bench = new Bench({ env: testEnv({ log }) })
    void bench.cursor.reset(why, { at: 5 })
    expect(logged).toEqual([level])
    await bench.resync.end({ at: 5 })
  })

  it('during a resync starts another one after it', async () => {
    const bench = new Bench()
    const verdicts = [bench.cursor.reset('asked'), bench.cursor.reset('too-old'), bench.cursor.reset('gap')]
    await bench.resync.end({ at: 1 })
    expect(bench.cursor.phase).toBe('resyncing')
    await bench.resync.end({ at: 2 })
    expect(await Promise.all(verdicts)).toEqual([true, true, true])
    expect(bench.resync.args.map(({ why }) => why)).toEqual(['asked', 'gap'])
    expect(bench.positions).toEqual([2, 2, null])
  })

  it('whose resync fails ends the links that feed the cursor, and is tried again with the next', async () => {
    const bench = await Bench.stored(3)
    const [scope, silent] = [fakeScope(), fakeScope()]
    bench.cursor.open(scope)
    const verdict = bench.cursor.reset('epoch-changed', null, silent)
    await bench.resync.fail()
    expect(await verdict).toBe(false)
    expect([scope.why?.kind, silent.why?.kind]).toEqual(['adapter-threw', 'adapter-threw'])
    expect([bench.cursor.phase, bench.cursor.resumeFrom()]).toEqual(['stale', { at: 3 }])
    const next = fakeScope()
    bench.seal(next, 4)
    expect([bench.cursor.phase, next.link.isPaused, bench.apply.args]).toEqual(['resyncing', true, []])
    await bench.resync.end({ at: 7 })
    await bench.save.end()
    expect([bench.cursor.phase, bench.positions, bench.apply.args]).toEqual(['resynced', [7, 7, 7], []])
    expect(bench.resync.args.map(({ why }) => why)).toEqual(['epoch-changed', 'epoch-changed'])
  })

  it('fails if the new position cannot be saved', async () => {
    const bench = await Bench.stored(9)
    const verdict = bench.cursor.reset('went-backwards', { at: 5 })
    await bench.resync.end({ at: 5 })
    await bench.save.fail()
    expect([await verdict, bench.cursor.phase, bench.positions]).toEqual([false, 'stale', [9, 9, 9]])
    bench.cursor.resumed()
    expect(bench.cursor.phase).toBe('resyncing')
  })

  it('is not satisfied by another link that continues', async () => {
    const bench = new Bench()
    const [first, second] = [fakeScope(), fakeScope()]
    void bench.cursor.reset('asked', null, first)
    bench.cursor.resumed(first)
    bench.cursor.resumed(second)
    await bench.resync.end({ at: 1 })
    expect(bench.cursor.phase).toBe('resyncing')
    await bench.resync.end({ at: 2 })
    expect(bench.resync.args).toHaveLength(2)
    bench.cursor.resumed(second)
    expect(bench.cursor.phase).toBe('continuous')
    second.end()
    first.end()
    expect(bench.cursor.phase).toBe('unknown')
  })
})

describe('a log in which every position is taken', () => {
  it('drops what is old, and resets at a gap with the position behind it', async () => {
    const bench = new Bench({ next: dense })
    const scope = fakeScope()
    expect([bench.seal(scope, 1), bench.seal(scope, 1), bench.seal(scope, 2)]).toEqual(['ok', 'old', 'ok'])
    expect(bench.seal(scope, 4)).toBe('gap')
    await bench.apply.end()
    expect(bench.resync.args).toEqual([{ why: 'gap', peer: { at: 4 } }])
    bench.seal(scope, 5)
    await bench.resync.end({ at: 4 })
    await bench.apply.end()
    expect(bench.apply.args.map(({ items }) => items)).toEqual([[1], [5]])
    expect(bench.positions).toEqual([5, 5, null])
  })

  it('resets again if a gap was sealed during the resync', async () => {
    const bench = new Bench({ next: dense })
    const scope = fakeScope()
    void bench.cursor.reset('asked')
    bench.seal(scope, 5)
    bench.seal(scope, 7)
    await bench.resync.end({ at: 4 })
    expect(bench.resync.args.at(-1)).toEqual({ why: 'gap', peer: { at: 7 } })
    await bench.resync.end({ at: 7 })
    expect([bench.apply.args, bench.positions]).toEqual([[], [7, 7, null]])
  })

  it('lets a floor lift although its batch is old', () => {
    const bench = new Bench({ next: dense, apply: () => undefined })
    const scope = fakeScope()
    const old = bench.cursor.open(scope, { floor: 2 })
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    expect([bench.cursor.applied, old.seal(1), bench.cursor.applied]).toEqual([{ at: 1 }, 'old', { at: 2 }])
  })
})

describe('budgets', () => {
  it.each([
    ['bytes', { bytes: 25 }],
    ['count', { bytes: 1e6, count: 2 }],
  ])('I25: past the %s of staging the link that added last ends with overflow', (_, staging) => {
    const bench = new Bench({ staging })
    const [first, second] = [fakeScope(), fakeScope()]
    const [one, two] = [bench.cursor.open(first), bench.cursor.open(second)]
    one.add(1)
    one.add(2)
    two.add(3)
    expect([first.why, second.why?.kind]).toEqual([null, 'overflow'])
    two.add(4)
    one.seal(2)
    expect(bench.apply.args).toEqual([{ items: [1, 2], to: { at: 2 } }])
    const rest = bench.cursor.open(first)
    rest.add(5)
    rest.add(6)
    expect(first.why).toBeNull()
  })

  it('I25: a batch open for longer than the age of staging ends its link', () => {
    const bench = new Bench({ staging: { bytes: 1e6, age: 1000 } })
    const scope = fakeScope({ clock: bench.env.clock })
    const sealed = bench.cursor.open(scope)
    bench.env.clock.advance(500)
    bench.cursor.open(scope)
    sealed.seal(1)
    bench.env.clock.advance(999)
    expect(scope.why).toBeNull()
    bench.env.clock.advance(1)
    expect(scope.why?.kind).toBe('overflow')
  })

  it.each([
    ['bytes', { bytes: 25 }],
    ['count', { bytes: 1e6, count: 2 }],
  ])('I25: past the %s of the backlog the links are paused until it shrinks', async (_, backlog) => {
    const bench = new Bench({ backlog })
    const scope = fakeScope()
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    expect(scope.link.isPaused).toBe(false)
    bench.seal(scope, 3)
    expect(scope.link.isPaused).toBe(true)
    const late = fakeScope()
    bench.cursor.open(late).discard()
    expect(late.link.isPaused).toBe(true)
    await bench.apply.end()
    expect([scope.link.isPaused, late.link.isPaused]).toEqual([false, false])
    bench.seal(scope, 4)
    expect([scope.link.isPaused, late.link.isPaused]).toEqual([true, true])
  })

  it('I25: past the age of the backlog the links are paused', async () => {
    const bench = new Bench({ backlog: { bytes: 1e6, age: 100 } })
    const scope = fakeScope()
    bench.seal(scope, 1)
    bench.env.clock.advance(101)
    bench.seal(scope, 2)
    expect(scope.link.isPaused).toBe(true)
    await bench.apply.end()
    expect(scope.link.isPaused).toBe(false)
  })
})

describe('a store', () => {
  it('has to be read before the first link', async () => {
    const bench = new Bench({ store: { load: () => Promise.resolve({ at: 4, epoch: 'a' }) } })
    const { cursor: numbers } = bench
    expect(numbers.phase).toBe('unloaded')
    for (const early of [
      () => numbers.resumeFrom(),
      () => numbers.open(fakeScope()),
      () => numbers.advance(1),
    ])
      expect(early).toThrow(codeOf('HF_CURSOR_NOT_LOADED'))
    await Promise.all([numbers.load(), numbers.load()])
    expect([numbers.phase, numbers.resumeFrom(), bench.positions]).toEqual([
      'unknown',
      { at: 4, epoch: 'a' },
      [4, 4, 4],
    ])
  })

  it('that cannot be read is an error, and can be read again', async () => {
    let isBroken = true
    const { cursor: numbers } = new Bench({
      store: { load: () => (isBroken ? Promise.reject(new Error('corrupt')) : Promise.resolve(undefined)) },
    })
    await expect(numbers.load()).rejects.toThrow(codeOf('HF_CURSOR_LOAD_FAILED'))
    isBroken = false
    await numbers.load()
    expect(numbers.resumeFrom()).toBeNull()
  })

  it('I17: is what is resumed from, not what was only applied', async () => {
    const bench = await Bench.stored(null)
    const scope = fakeScope()
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    await bench.apply.end()
    await bench.apply.end()
    expect([bench.positions, bench.cursor.resumeFrom()]).toEqual([[2, 2, null], null])
    await bench.save.end()
    expect([bench.positions, bench.save.args]).toEqual([
      [2, 2, 1],
      [{ at: 1 }, { at: 2 }],
    ])
    await bench.save.end()
    expect(bench.cursor.resumeFrom()).toEqual({ at: 2 })
  })

  it('is written every so often, with what came together', async () => {
    const bench = await Bench.stored(null, { saveEvery: 1000, apply: () => undefined })
    const scope = fakeScope()
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    bench.env.clock.advance(999)
    expect(bench.save.args).toEqual([])
    bench.env.clock.advance(1)
    bench.seal(scope, 3)
    expect(bench.save.args).toEqual([{ at: 2 }])
    await bench.save.end()
    bench.env.clock.advance(1000)
    await bench.save.end()
    expect([bench.save.args, bench.positions]).toEqual([
      [{ at: 2 }, { at: 3 }],
      [3, 3, 3],
    ])
    expect(bench.env.clock.pending).toBe(0)
  })

  it('I18: is written at once when a link ends, so that the next one repeats nothing', async () => {
    const bench = await Bench.stored(null, { saveEvery: 1000 })
    const scope = fakeScope()
    bench.seal(scope, 1)
    scope.end()
    await bench.apply.end()
    expect(bench.save.args).toEqual([{ at: 1 }])
    await bench.save.end()
    expect(bench.cursor.resumeFrom()).toEqual({ at: 1 })
  })

  it('that fails to save is reported, not counted, and written with the next batch', async () => {
    const traced: object[] = []
    const bench = await Bench.stored(null, {
      apply: () => undefined,
      env: testEnv({ trace: (channel, record) => channel === 'noun' || traced.push(record) }),
    })
    const scope = fakeScope()
    bench.seal(scope, 1)
    await bench.save.fail()
    expect([bench.positions, scope.why, bench.save.args.length]).toEqual([[1, 1, null], null, 1])
    expect(traced).toMatchObject([{ kind: 'save-failed', to: { at: 1 } }])
    await expect(
      Promise.all([bench.cursor.settled(), bench.save.fail()]).then(() => 'settled'),
    ).rejects.toThrow(codeOf('HF_CURSOR_UNSETTLED'))
    bench.seal(scope, 2)
    await bench.save.end()
    expect(bench.positions).toEqual([2, 2, 2])
  })
})

describe('settled', () => {
  it('waits until what was sealed so far is applied and saved, without waiting for the clock', async () => {
    const bench = await Bench.stored(null, { saveEvery: 60_000 })
    const scope = fakeScope()
    let isSettled = false
    await bench.cursor.settled()
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    void bench.cursor.settled().then(() => {
      isSettled = true
    })
    bench.seal(scope, 3)
    await bench.apply.end()
    await bench.save.end()
    await bench.apply.end()
    expect(isSettled).toBe(false)
    await bench.save.end()
    expect([isSettled, bench.positions]).toEqual([true, [3, 2, 2]])
  })

  it('does not wait for batches that their link has taken along', async () => {
    const bench = new Bench()
    const scope = fakeScope()
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    const settled = bench.cursor.settled()
    scope.end()
    await bench.apply.end()
    await settled
    expect(bench.positions).toEqual([1, 1, null])
  })
})

describe('closing', () => {
  it('drops what is queued, finishes what is being applied, saves it, and leaves links alone', async () => {
    const bench = await Bench.stored(null, { saveEvery: 60_000, backlog: { bytes: 5 } })
    const scope = fakeScope()
    const seen: unknown[] = []
    let isComplete = false
    bench.cursor.progress$.subscribe({
      next: ({ durable }) => seen.push(durable),
      complete: () => {
        isComplete = true
      },
    })
    bench.seal(scope, 1)
    bench.seal(scope, 2)
    const open = bench.cursor.open(scope)
    const unsettled = expect(bench.cursor.settled()).rejects.toThrow(codeOf('HF_CURSOR_UNSETTLED'))
    const closed = bench.cursor.close()
    await unsettled
    expect([scope.why, scope.link.isPaused, open.seal(3)]).toEqual([null, false, 'old'])
    expect(() => bench.cursor.open(scope)).toThrow(codeOf('HF_CURSOR_CLOSED'))
    await bench.apply.end()
    expect(isComplete).toBe(false)
    await bench.save.end()
    await Promise.all([closed, bench.cursor.close(), bench.cursor[Symbol.asyncDispose]()])
    expect([bench.positions, seen, isComplete, bench.apply.args.length]).toEqual([
      [1, 1, 1],
      [null, 1],
      true,
      1,
    ])
    expect(bench.env.clock.pending).toBe(0)
  })

  it('ends a resync that is under way as failed, and refuses another', async () => {
    const bench = new Bench()
    const verdict = bench.cursor.reset('asked')
    await bench.cursor.close()
    expect([await verdict, await bench.cursor.reset('asked')]).toEqual([false, false])
    await bench.resync.end({ at: 4 })
    expect(bench.cursor.applied).toBeNull()
  })

  it('does not end a link because of a batch that fails afterwards', async () => {
    const bench = new Bench()
    const scope = fakeScope()
    bench.seal(scope, 1)
    const closed = bench.cursor.close()
    await bench.apply.fail()
    await closed
    expect(scope.why).toBeNull()
  })
})

describe('progress$', () => {
  it('replays the present, samples what is applied, and tells of what is durable at once', async () => {
    const bench = await Bench.stored(null, { apply: () => undefined })
    const scope = fakeScope()
    bench.seal(scope, 1)
    const seen: unknown[] = []
    bench.cursor.progress$.subscribe((progress) => seen.push(Object.values(progress)))
    for (const row of [2, 3, 4]) bench.seal(scope, row)
    bench.env.clock.advance(99)
    expect(seen).toEqual([[1, 1, null]])
    bench.env.clock.advance(1)
    await bench.save.end()
    expect(seen).toEqual([
      [1, 1, null],
      [4, 4, null],
      [4, 4, 1],
    ])
    await bench.save.end()
    await bench.cursor.close()
    expect(bench.env.clock.pending).toBe(0)
  })
})

describe('with a lifecycle', () => {
  it('I10, I17: a batch that could not be applied comes again over the next link', async () => {
    let failures = 1
    const applied: number[] = []
    const bench = new Bench({
      apply: ({ items }) => {
        if (failures-- > 0) throw new Error('disk full')
        applied.push(...items)
      },
    })
    const dialer = new ScriptedDialer(bench.env.clock, [{ openAfter: 1 }])
    const life = lifecycle({
      env: bench.env,
      dialer,
      endpoints: [{ uri: 'memory:log' }],
      protocol: (scope) => {
        const from = bench.cursor.resumeFrom()?.at ?? 0
        bench.cursor.resumed(scope)
        scope.ready()
        scope.after(1, () => {
          const batch = bench.cursor.open(scope)
          batch.add(from + 1)
          batch.seal(from + 1)
        })
        return {}
      },
    })
    life.start()
    const ends: unknown[] = []
    life.state$.subscribe((state) => state.phase === 'waiting' && ends.push(state.why.kind))
    for (let second = 0; second < 60 && applied.length === 0; second += 1) bench.env.clock.advance(1000)
    expect([ends, applied, dialer.links.length, bench.positions]).toEqual([
      ['adapter-threw'],
      [1],
      2,
      [1, 1, null],
    ])
    life.close()
    await bench.cursor.close()
    expect(bench.env.clock.pending).toBe(0)
  })
})

describe('a plain store', () => {
  it('keeps positions', () => {
    expectTypeOf<Store<Position<number> | null>>().toExtend<PositionStore<number>>()
  })
})

describe('options of a cursor', () => {
  it.each([
    ['compare', { compare: undefined }],
    ['apply', { apply: 3 }],
    ['staging.bytes', { staging: {} }],
    ['backlog.count', { backlog: { bytes: 1, count: 0 } }],
    ['saveEvery', { saveEvery: -1 }],
  ])('%s is refused by name', (field, wrong) => {
    expect(() => new Bench(wrong as Partial<CursorOptions<number, number>>)).toThrow(
      expect.objectContaining({ code: 'HF_BAD_OPTION', field }) as Error,
    )
  })
})

const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('open' as const), floor: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('seal' as const), of: fc.nat(3), position: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('add', 'discard'), of: fc.nat(3) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('applied', 'saved', 'resynced', 'advance') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('fail-apply', 'fail-save', 'fail-resync') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('end', 'reset', 'resumed', 'tick', 'crash') }) },
)

interface Sent {
  readonly batch: Batch<number, number>
  readonly rows: number[]
  readonly floor: number | null
  to: number | null
  phase: 'open' | 'sealed' | 'gone'
}

type Storing = 'nobody' | 'apply' | 'save'

/** An honest peer, whose log never ends, and an application that keeps what it is given. */
class Scenario {
  bench: Bench
  #stored: number | null = null
  readonly #has = new Set<number>()
  readonly #storing: Storing
  readonly #saveEvery: number
  #scope = fakeScope()
  /** Rows on this link begin after here; the next one is sent next. */
  #from = 0
  #next = 1
  #sent: Sent[] = []
  /** What was sealed and has not begun to be applied. */
  #queue: Sent[] = []
  #applying = 0
  /** Thrown later: what apply throws is the cursor's to catch. */
  #violated: string | null = null

  constructor(storing: Storing, saveEvery: number) {
    this.#storing = storing
    this.#saveEvery = saveEvery
    this.bench = this.#start()
  }

  #start(): Bench {
    const bench: Bench = new Bench({
      saveEvery: this.#saveEvery,
      staging: { bytes: 60 },
      backlog: { bytes: 60 },
      apply: (batch) => {
        this.#begins(bench, batch)
        return bench.apply.call(batch)
      },
      ...(this.#storing !== 'nobody' && {
        store: {
          load: () => Promise.resolve(this.#stored === null ? undefined : { at: this.#stored }),
          ...(this.#storing === 'save' && { save: (to: Position<number> | null) => bench.save.call(to) }),
        },
      }),
    })
    return bench
  }

  async connect(): Promise<void> {
    await this.bench.cursor.load()
    this.#scope = fakeScope()
    this.#from = this.bench.cursor.resumeFrom()?.at ?? 0
    this.#next = this.#from + 1
    for (const sent of this.#sent) sent.phase = 'gone'
    this.#sent = []
    this.#queue = []
  }

  #begins(bench: Bench, { items }: Rows): void {
    if (bench.apply.pending.length > 0) this.#violated = 'I18: two batches at once'
    if (bench.resync.pending.length > 0) this.#violated = 'I21: a batch began during a resync'
    this.#applying = items.length
    if (items.length === 0) return
    const due = this.#queue.shift()
    if (due === undefined) this.#violated = `I18, I19: ${String(items)} came from nowhere`
    else if (String(items) !== String(due.rows))
      this.#violated = `I18: ${String(items)}, not ${String(due.rows)}`
  }

  /** The furthest position that the peer may claim, with `sealing` sealed. */
  #claimable(sealing: Sent | null): number | null {
    let furthest: number | null = null
    const open = this.#sent.filter((sent) => sent !== sealing && sent.phase === 'open')
    for (let to = this.#from + 1; to < this.#next; to += 1)
      if (open.every(({ rows, floor }) => rows.every((row) => row > to) || (floor !== null && floor <= to)))
        furthest = to
    return furthest
  }

  async act(next: { kind: string; of?: number; floor?: boolean; position?: boolean }): Promise<void> {
    const { bench } = this
    const { cursor: numbers } = bench
    const sent = this.#sent.filter(({ phase }) => phase === 'open')[next.of ?? 0]
    const mayRead = !this.#scope.link.isPaused
    switch (next.kind) {
      case 'open': {
        if (!mayRead) break
        const floor = next.floor === true ? this.#next : null
        const batch = numbers.open(this.#scope, floor === null ? {} : { floor })
        this.#sent.push({ batch, rows: [], floor, to: null, phase: 'open' })
        break
      }
      case 'add':
        if (sent === undefined || !mayRead) break
        sent.rows.push(this.#next)
        sent.batch.add(this.#next)
        this.#next += 1
        break
      case 'seal':
        if (sent === undefined || sent.rows.length === 0) break
        sent.to = next.position === true ? this.#claimable(sent) : null
        sent.phase = 'sealed'
        this.#queue.push(sent)
        expect(sent.batch.seal(sent.to)).toBe('ok')
        break
      case 'discard':
        // Whoever discards asks again for what it held: here on a new link.
        sent?.batch.discard()
        if (sent !== undefined) this.#scope.end()
        break
      case 'advance': {
        const to = this.#claimable(null)
        if (to !== null) numbers.advance(to)
        break
      }
      case 'reset':
        // What was sealed before the verdict is for the resync to cover.
        this.#queue = []
        void numbers.reset('asked', null, this.#scope)
        break
      case 'resumed':
        numbers.resumed(this.#scope)
        break
      case 'tick':
        bench.env.clock.advance(1000)
        break
      case 'end':
        this.#scope.end()
        break
      case 'crash':
        this.#scope.end()
        this.bench = this.#start()
        this.#applying = 0
        break
      default:
        await this.#finish(next.kind)
    }
    await settle()
    if (this.#scope.why !== null) await this.connect()
    this.#check()
  }

  async #finish(kind: string): Promise<void> {
    const { apply, save, resync } = this.bench
    const [applying] = apply.pending
    const [saving] = save.pending
    if (kind === 'applied' && applying !== undefined) {
      for (const row of applying.args.items) this.#has.add(row)
      if (this.#storing === 'apply' && applying.args.to !== null) this.#stored = applying.args.to.at
      this.#applying = 0
      await apply.end()
    } else if (kind === 'saved' && saving !== undefined) {
      this.#stored = saving.args?.at ?? null
      await save.end()
    } else if (kind === 'resynced' && resync.pending.length > 0) {
      const at = this.#next - 1
      for (let row = 1; row <= at; row += 1) this.#has.add(row)
      if (this.#storing === 'apply') this.#stored = at
      this.#queue = this.#queue.filter(({ to }) => to === null)
      await resync.end({ at })
    } else if (kind === 'fail-apply') {
      this.#applying = 0
      await apply.fail()
    } else if (kind === 'fail-save') await save.fail()
    else if (kind === 'fail-resync') await resync.fail()
  }

  #check(): void {
    expect(this.#violated).toBeNull()
    const { received, applied, durable } = this.bench.cursor
    const of = (position: Position<number> | null): number => position?.at ?? 0
    expect(of(durable)).toBeLessThanOrEqual(of(applied))
    expect(of(applied)).toBeLessThanOrEqual(of(received))
    for (let row = 1; row <= Math.max(of(applied), this.#stored ?? 0); row += 1)
      expect(this.#has).toContain(row)
    const count = (batches: Sent[]): number => batches.reduce((sum, { rows }) => sum + rows.length, 0)
    const open = count(this.#sent.filter(({ phase }) => phase === 'open'))
    const backlog = count(this.#queue) + this.#applying
    expect(open).toBeLessThanOrEqual(6)
    // What was open when the link was paused may still be sealed.
    expect(open + backlog).toBeLessThanOrEqual(6 + 6)
    if (backlog > 6) expect(this.#scope.link.isPaused || this.#sent.length === 0).toBe(true)
  }

  /** Everything that can end ends well, and nothing is left to wait for. */
  async finish(): Promise<void> {
    for (let round = 0; round < 15; round += 1)
      for (const kind of ['resynced', 'applied', 'saved', 'tick']) await this.act({ kind })
    const { cursor: numbers } = this.bench
    await numbers.settled()
    expect(this.#scope.link.isPaused).toBe(false)
    await numbers.close()
    expect(this.bench.env.clock.pending).toBe(0)
  }
}

describe('a cursor between an honest peer and links that come and go', () => {
  for (const [storing, saveEvery] of [
    ['nobody', 0],
    ['apply', 0],
    ['save', 0],
    ['save', 1000],
  ] as const) {
    test.prop([fc.array(act, { minLength: 5, maxLength: 60 })], { numRuns: 50 })(
      `I17, I18, I19, I20, I21, I25: skips nothing and stays within its budgets (saved by ${storing}, every ${saveEvery} ms)`,
      async (acts) => {
        const scenario = new Scenario(storing, saveEvery)
        await scenario.connect()
        for (const next of acts) await scenario.act(next)
        await scenario.finish()
      },
    )
  }
})
