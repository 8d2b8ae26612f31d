import { fc, test } from '@fast-check/vitest'
import { VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { AppendLog, type AppendLogOptions } from '../src/source/append-log.js'
import type { SourceEvent } from '../src/source/types.js'
import { expectSame, readAll, StreamModel } from './fixtures/append-log-model.js'

/** A log of stream `a` in a directory of its own. */
async function openLog(
  options: Partial<AppendLogOptions> = {},
): Promise<{ log: AppendLog; path: string } & AsyncDisposable> {
  const directory = await temporaryFolder()
  const log = await AppendLog.open({ path: directory.path, streams: ['a'], ...options })
  return {
    log,
    path: directory.path,
    [Symbol.asyncDispose]: async () => {
      await log.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Halts the loop after the next transaction, until it is committed and before the log has heard of that. */
class HaltingClock extends VirtualClock {
  #halt: (() => void) | undefined

  nextCommit(): Promise<void> {
    return new Promise((resolve) => {
      this.#halt = () => {
        this.#halt = undefined
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
        resolve()
      }
    })
  }

  /** Every transaction asks once, just before it is committed. */
  override wall(): number {
    if (this.#halt) setImmediate(this.#halt)
    return super.wall()
  }
}

const row = (token: number, ...rows: string[]) => ({ token, rows })

describe('what a log has acknowledged', () => {
  it('is there when it is opened again', async () => {
    await using opened = await openLog({ streams: ['b', 'a'] })
    const { log, path } = opened
    await log.append('a', ['x', 'y'], { token: 7 })
    await log.append('b', ['z'])
    await log.close()
    await using again = await AppendLog.open({ path })
    expect(again.streams).toEqual(['b', 'a'])
    expect(await readAll(again, 'a', 0)).toEqual([row(7, '"x"', '"y"')])
    expect(await again.append('a', ['w'])).toBe(8)
  })

  it('includes all that was asked for before closing', async () => {
    await using opened = await openLog()
    const { log, path } = opened
    const tokens = Array.from({ length: 50 }, (_, i) => log.append('a', [i]))
    await log.close()
    expect(await Promise.all(tokens)).toHaveLength(50)
    await using again = await AppendLog.open({ path })
    expect(again.head('a')).toBe(50)
  })

  it('is neither to be seen nor told before', async () => {
    await using opened = await openLog()
    const { log } = opened
    const told: SourceEvent[] = []
    log.subscribe((event) => told.push(event))
    const appended = log.append('a', ['x'])
    expect(log.head('a')).toBe(0)
    expect(await log.read('a', 0, 1, { bytes: 10 })).toEqual({ batches: [], to: 0 })
    expect(told).toEqual([])
    await appended
    expect(log.head('a')).toBe(1)
    expect(told).toHaveLength(1)
  })

  it('keeps the order of the calls, however many wait for the disk', async () => {
    await using opened = await openLog()
    const { log } = opened
    const told: number[] = []
    log.subscribe((event) => told.push(event.to))
    await Promise.all(Array.from({ length: 3000 }, (_, i) => log.append('a', [i])))
    expect(told).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1))
  })

  it('may be large: values and files far beyond the first size of the map', async () => {
    await using opened = await openLog()
    const { log } = opened
    const large = 'x'.repeat(3_000_000)
    for (let i = 0; i < 5; i++) await log.append('a', [large, i])
    const page = await log.read('a', 3, 5, { bytes: 10 })
    expect(page).toEqual({ batches: [row(4, JSON.stringify(large), '3')], to: 4 })
  })
})

describe('staged batches', () => {
  it('are not visible until the head advances, then in order and joined by token', async () => {
    await using opened = await openLog()
    const { log } = opened
    const told: SourceEvent[] = []
    log.subscribe((event) => told.push(event))
    await log.stage('a', [row(5, '1'), row(3, '2')])
    await log.stage('a', [row(5, '3'), row(9, '4')])
    expect(log.head('a')).toBe(0)
    expect(await log.read('a', 0, 9, { bytes: 100 })).toEqual({ batches: [], to: 0 })
    expect(told).toEqual([])
    await log.advance('a', 7)
    const visible = [row(3, '2'), row(5, '1', '3')]
    expect(await log.read('a', 0, 9, { bytes: 100 })).toEqual({ batches: visible, to: 7 })
    expect(told).toEqual([{ kind: 'appended', stream: 'a', from: 0, to: 7, batches: visible }])
    await log.advance('a', 9)
    expect(await readAll(log, 'a', 7)).toEqual([row(9, '4')])
  })

  it('are told without their rows when they are too many to remember', async () => {
    await using opened = await openLog()
    const { log } = opened
    const told: SourceEvent[] = []
    log.subscribe((event) => told.push(event))
    await log.stage(
      'a',
      Array.from({ length: 300 }, (_, i) => row(i + 1, '1')),
    )
    await log.advance('a', 300)
    expect(told).toEqual([{ kind: 'appended', stream: 'a', from: 0, to: 300 }])
    expect(await readAll(log, 'a', 0)).toHaveLength(300)
  })

  it('can be discarded, some or all', async () => {
    await using opened = await openLog()
    const { log } = opened
    await log.stage('a', [row(1, '1'), row(2, '2'), row(3, '3')])
    await log.dropAbove('a', 2)
    await log.advance('a', 5)
    expect(await readAll(log, 'a', 0)).toEqual([row(1, '1'), row(2, '2')])
    await log.stage(
      'a',
      Array.from({ length: 2000 }, (_, i) => row(10 + i, '1')),
    )
    await log.dropAbove('a', 5)
    expect(await log.append('a', ['next'], { token: 3000 })).toBe(3000)
    expect(await readAll(log, 'a', 5)).toEqual([row(3000, '"next"')])
  })

  it('no longer bar appending once all are discarded, by whatever token', async () => {
    await using opened = await openLog()
    const { log } = opened
    await log.stage('a', [row(2, '1')])
    await log.dropAbove('a', 1)
    expect(await log.append('a', ['x'])).toBe(1)
    expect(await log.append('a', ['y'])).toBe(2)
    expect(await readAll(log, 'a', 0)).toEqual([row(1, '"x"'), row(2, '"y"')])
  })

  it('do not outlive the log', async () => {
    await using opened = await openLog()
    const { log, path } = opened
    await log.append('a', ['visible'])
    await log.stage(
      'a',
      Array.from({ length: 1000 }, (_, i) => row(10 + i, '1')),
    )
    await log.close()
    await using again = await AppendLog.open({ path })
    await again.append('a', ['next'], { token: 5000 })
    expect(await readAll(again, 'a', 0)).toEqual([row(1, '"visible"'), row(5000, '"next"')])
  })

  it('are refused at or below the head, and bar appending beside them', async () => {
    await using opened = await openLog()
    const { log } = opened
    await log.append('a', ['x'], { token: 4 })
    await expect(log.stage('a', [row(5, '1'), row(4, '1')])).rejects.toMatchObject({ token: 4 })
    await log.stage('a', [row(6, '1')])
    await expect(log.append('a', ['y'])).rejects.toThrow('staged')
    await expect(log.advance('a', 3)).rejects.toThrow('reset()')
    await expect(log.dropAbove('a', 3)).rejects.toThrow('reset()')
  })

  it('must be lines', async () => {
    await using opened = await openLog()
    await expect(opened.log.stage('a', [row(1, '1\n2')])).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
    await expect(opened.log.stage('a', [row(1)])).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
  })
})

describe('a transaction', () => {
  it('I17: moves a position together with its rows', async () => {
    await using opened = await openLog()
    const { log, path } = opened
    await log.transaction((tx) => {
      tx.stage('a', [row(3, '1')])
      tx.advance('a', 3)
      tx.setPosition('upstream a', { at: 3, epoch: 'e' })
    })
    expect(log.position('upstream a')).toEqual({ at: 3, epoch: 'e' })
    await log.close()
    await using again = await AppendLog.open({ path })
    expect(again.head('a')).toBe(3)
    expect(again.position('upstream a')).toEqual({ at: 3, epoch: 'e' })
    await again.transaction((tx) => tx.setPosition('upstream a', null))
    expect(again.position('upstream a')).toBeUndefined()
  })

  it('writes nothing when its function throws, and later ones are checked as if it had not been', async () => {
    await using opened = await openLog()
    const { log } = opened
    const failing = log.transaction((tx) => {
      expect(tx.append('a', ['x'])).toBe(1)
      tx.setPosition('p', { at: 1 })
      throw new Error('mine')
    })
    const next = log.append('a', ['y'])
    await expect(failing).rejects.toThrow('mine')
    expect(await next).toBe(1)
    expect(await readAll(log, 'a', 0)).toEqual([row(1, '"y"')])
    expect(log.position('p')).toBeUndefined()
  })

  it('returns what its function returned', async () => {
    await using opened = await openLog({ streams: ['a', 'b'] })
    expect(
      await opened.log.transaction((tx) => [tx.append('a', [1]), tx.append('a', [2]), tx.append('b', [3])]),
    ).toEqual([1, 2, 1])
  })

  it('without anything to write still waits for what was asked before', async () => {
    await using opened = await openLog()
    const { log } = opened
    void log.append('a', ['x'])
    await log.transaction(() => undefined)
    expect(log.head('a')).toBe(1)
    void log.advance('a', 5)
    await log.advance('a', 5)
    expect(log.head('a')).toBe(5)
  })

  it('cannot be used when it is over, nor go on with a stream after a reset', async () => {
    await using opened = await openLog({ streams: ['a', 'b'] })
    const tx = await opened.log.transaction((current) => current)
    expect(() => tx.append('a', [1])).toThrow(
      expect.objectContaining({ code: 'HF_REPLICATION_TRANSACTION_MISUSE' }),
    )
    await expect(
      opened.log.transaction((current) => {
        current.reset('a', 5)
        current.append('b', [1])
        current.append('a', [1])
      }),
    ).rejects.toThrow('nothing can follow')
    expect(opened.log.head('b')).toBe(0)
  })
})

describe('a reset', () => {
  it('drops any number of rows without exposing one of them again', async () => {
    await using opened = await openLog()
    const { log } = opened
    await Promise.all(Array.from({ length: 2000 }, (_, i) => log.append('a', [i])))
    const reset = log.reset('a', 1)
    const next = log.append('a', ['new'], { token: 1500 })
    await reset
    await next
    expect(await readAll(log, 'a', 0)).toEqual([row(1, '0'), row(1500, '"new"')])
  })

  it('never leaves a reader at a head that it cannot reach', async () => {
    const clock = new HaltingClock()
    await using opened = await openLog({ clock })
    const { log } = opened
    await log.append('a', ['x'], { token: 50 })
    const committed = clock.nextCommit()
    const reset = log.reset('a', 10)
    await committed
    // The reset is on disk by now, but nobody has been told: a server still sees 50, and would read on for ever.
    expect(log.head('a')).toBe(50)
    expect(await log.read('a', 20, 50, { bytes: 100 })).toEqual({ batches: [], to: 20 })
    expect(log.head('a')).toBe(10)
    await reset
  })
})

describe('rows prepended', () => {
  it('extend downwards what can be read', async () => {
    await using opened = await openLog()
    const { log } = opened
    await log.reset('a', 100)
    await log.append('a', ['live'])
    await log.prepend('a', [row(100, '3'), row(60, '1'), row(100, '4')], 50)
    expect(log.first('a')).toBe(50)
    await log.prepend('a', [], 20)
    expect(await readAll(log, 'a', 20)).toEqual([row(60, '1'), row(100, '3', '4'), row(101, '"live"')])
    expect(await log.read('a', 19, 101, { bytes: 10 })).toBe('too-old')
  })

  it('are refused where they would overlap', async () => {
    await using opened = await openLog()
    const { log } = opened
    await log.reset('a', 100)
    await expect(log.prepend('a', [row(101, '1')], 50)).rejects.toMatchObject({ token: 101 })
    await expect(log.prepend('a', [row(50, '1')], 50)).rejects.toMatchObject({ token: 50 })
    await expect(log.prepend('a', [], 100)).rejects.toMatchObject({ token: 100 })
  })

  it('I25: leave no hole when the retention trims while they wait', async () => {
    await using opened = await openLog({ retain: { count: 10 } })
    const { log } = opened
    await log.reset('a', 100)
    // More than one transaction takes, so that the rows prepended come after a trim.
    const writes: Promise<unknown>[] = Array.from({ length: 1000 }, (_, i) => log.append('a', [i]))
    await Promise.all([...writes, log.prepend('a', [row(99, '1')], 98)])
    const held = await readAll(log, 'a', log.first('a'))
    expect(held).toHaveLength(log.head('a') - Math.max(log.first('a'), 100) + (log.first('a') < 99 ? 1 : 0))
    await log.close()
    await using again = await AppendLog.open({ path: opened.path })
    expect(await readAll(again, 'a', again.first('a'))).toHaveLength(10)
    expect(again.first('a')).toBe(1090)
  })
})

describe('a log that retains so much', () => {
  it('I25: lets the oldest batches go by rows, keeping up with any load', async () => {
    await using opened = await openLog({ retain: { count: 100 } })
    const { log } = opened
    await Promise.all(Array.from({ length: 5000 }, (_, i) => log.append('a', [i])))
    await log.append('a', ['last'])
    expect(log.first('a')).toBe(4901)
    expect(await log.read('a', 4900, 5001, { bytes: 10 })).toBe('too-old')
    expect(await readAll(log, 'a', 4901)).toHaveLength(100)
  })

  it('I25: counts the rows that were joined into one batch', async () => {
    await using opened = await openLog({ retain: { count: 3 } })
    const { log } = opened
    await log.stage('a', [row(1, '1')])
    await log.stage('a', [row(1, '2', '3')])
    await log.advance('a', 1)
    expect(log.first('a')).toBe(0)
    await log.append('a', ['x'])
    await log.append('a', ['y'])
    await log.append('a', ['z'])
    expect(log.first('a')).toBe(1)
    await log.append('a', ['w'])
    expect(log.first('a')).toBe(2)
  })

  it('I25: by bytes, counted across openings', async () => {
    await using opened = await openLog()
    const { log, path } = opened
    for (let i = 0; i < 10; i++) await log.append('a', ['x'.repeat(97)])
    await log.close()
    await using again = await AppendLog.open({ path, retain: { bytes: 500 } })
    expect(again.first('a')).toBe(5)
    await again.append('a', ['y'.repeat(1000)])
    expect(again.first('a')).toBe(10)
    expect(await readAll(again, 'a', 10)).toHaveLength(1)
  })

  it('by age, without being written to', async () => {
    const clock = new VirtualClock()
    await using opened = await openLog({ retain: { age: 80_000 }, clock })
    const { log } = opened
    await log.append('a', ['x'])
    clock.advance(70_000)
    await log.append('a', ['y'])
    clock.advance(20_000)
    await log.transaction((tx) => tx.setPosition('p', { at: 0 }))
    expect(log.first('a')).toBe(1)
    clock.advance(80_000)
    await log.transaction((tx) => tx.setPosition('p', { at: 0 }))
    expect(log.first('a')).toBe(2)
    expect(log.head('a')).toBe(2)
    await log.close()
    expect(clock.nextAt).toBeNull()
  })

  it('trims nothing that a jump upwards has voided already', async () => {
    const clock = new VirtualClock()
    await using opened = await openLog({ retain: { age: 80_000 }, clock })
    const { log } = opened
    await log.append('a', ['old'])
    clock.stepWall(90_000)
    await log.reset('a', 1000)
    expect(log.first('a')).toBe(1000)
  })

  it('refuses a retention without bound, or below one', async () => {
    await using directory = await temporaryFolder()
    const { path } = directory
    await expect(AppendLog.open({ path, retain: {} })).rejects.toMatchObject({ field: 'retain' })
    await expect(AppendLog.open({ path, retain: { bytes: 0 } })).rejects.toMatchObject({
      field: 'retain.bytes',
    })
  })
})

const batches = fc.array(
  fc.record({
    by: fc.integer({ min: 1, max: 12 }),
    rows: fc.array(fc.constantFrom('1', '"é"', '[2]'), { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 5 },
)
const command = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), by: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant('stage' as const), batches }),
  fc.record({ kind: fc.constant('advance' as const), by: fc.nat(8) }),
  fc.record({ kind: fc.constant('drop' as const), by: fc.nat(8) }),
  fc.record({ kind: fc.constant('reset' as const), by: fc.integer({ min: -15, max: 5 }) }),
  fc.record({ kind: fc.constant('prepend' as const), by: fc.integer({ min: 1, max: 10 }) }),
  fc.record({ kind: fc.constant('await' as const) }),
  fc.record({ kind: fc.constant('reopen' as const) }),
)

describe('a log under any sequence of calls', () => {
  test.prop([fc.array(command, { maxLength: 30 })], { numRuns: 50 })(
    'does what the plain model does',
    async (commands) => {
      await using directory = await temporaryFolder()
      const { path } = directory
      let log = await AppendLog.open({ path, streams: ['a', 'b'] })
      const model = new StreamModel()
      const asked: Promise<unknown>[] = [log.append('b', ['untouched'])]
      for (const step of commands) {
        const top = Math.max(model.head, ...model.rows.keys())
        switch (step.kind) {
          case 'append':
            if (top > model.head) break
            asked.push(log.append('a', ['x'], { token: top + step.by }))
            model.append(top + step.by, ['"x"'])
            break
          case 'stage': {
            const staged = step.batches.map(({ by, rows }) => ({ token: model.head + by, rows }))
            asked.push(log.stage('a', staged))
            model.stage(staged)
            break
          }
          case 'advance':
            asked.push(log.advance('a', model.head + step.by))
            model.head += step.by
            break
          case 'drop':
            asked.push(log.dropAbove('a', model.head + step.by))
            model.dropAbove(model.head + step.by)
            break
          case 'reset':
            asked.push(log.reset('a', model.head + step.by))
            model.reset(model.head + step.by)
            break
          case 'prepend': {
            const older = [row(model.first, '8'), row(model.first - step.by + 1, '9')]
            asked.push(log.prepend('a', older, model.first - step.by))
            model.stage(older)
            model.first -= step.by
            break
          }
          case 'await':
            await Promise.all(asked)
            expect(log.head('a')).toBe(model.head)
            break
          case 'reopen':
            await log.close()
            log = await AppendLog.open({ path, streams: ['a', 'b'] })
            model.dropAbove(model.head)
        }
      }
      await Promise.all(asked)
      await expectSame(log, 'a', model)
      expect(await readAll(log, 'b', 0)).toEqual([row(1, '"untouched"')])
      await log.close()
    },
    30_000,
  )
})
