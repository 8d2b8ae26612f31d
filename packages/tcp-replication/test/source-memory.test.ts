import { fc, test } from '@fast-check/vitest'
import { OptionError } from '@holdfast/core'
import { VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { memorySource } from '../src/source/memory-source.js'
import { expectSame, readAll, StreamModel } from './fixtures/append-log-model.js'

/** Lets the oldest batches go, but for the newest, until what is left takes no more than so many bytes. */
function letGo(model: StreamModel, bytes: number): void {
  const held = model.above(model.first)
  let taken = held.reduce((sum, { rows }) => sum + bytesOf(rows), 0)
  for (const { token, rows } of held.slice(0, -1)) {
    if (taken <= bytes) return
    taken -= bytesOf(rows)
    model.first = token
    model.rows.delete(token)
  }
}

function bytesOf(rows: readonly string[]): number {
  return rows.reduce((sum, row) => sum + row.length + 1, 0)
}

describe('a source in memory that retains so much', () => {
  it('I25: lets the oldest batches go when there are too many rows', async () => {
    const source = memorySource({ streams: ['a'], retain: { bytes: 1_000_000, count: 5 } })
    for (let i = 0; i < 3; i++) source.append('a', [i, i])
    expect(source.first('a')).toBe(1)
    expect(await source.read('a', 0, 3, { bytes: 1000 })).toBe('too-old')
    expect(await readAll(source, 'a', 1)).toEqual([
      { token: 2, rows: ['1', '1'] },
      { token: 3, rows: ['2', '2'] },
    ])
  })

  it('I25: lets them go when they take too many bytes, each row counted with its line feed', () => {
    const source = memorySource({ streams: ['a'], retain: { bytes: 20 } })
    for (let i = 0; i < 5; i++) source.append('a', ['xx'])
    expect(source.first('a')).toBe(1)
  })

  it('keeps the newest batch, however large', async () => {
    const source = memorySource({ streams: ['a'], retain: { bytes: 10 } })
    source.append('a', ['x'.repeat(100)])
    source.append('a', ['y'.repeat(100)])
    expect(source.first('a')).toBe(1)
    expect(await readAll(source, 'a', 1)).toHaveLength(1)
  })

  it('lets everything go that is too old, by civil time', () => {
    const clock = new VirtualClock()
    const source = memorySource({ streams: ['a'], retain: { bytes: 1000, age: 60_000 }, clock })
    source.append('a', [1])
    clock.sleep(60_000)
    source.append('a', [2])
    expect(source.first('a')).toBe(0)
    clock.advance(1)
    source.append('a', [3])
    expect(source.first('a')).toBe(1)
  })

  it('I25: does not hold on to what it let go', async () => {
    const source = memorySource({ streams: ['a'], retain: { bytes: 1_000_000, count: 100 } })
    for (let i = 0; i < 10_000; i++) source.append('a', [i])
    expect(source.first('a')).toBe(9900)
    expect(await readAll(source, 'a', 9998)).toEqual([
      { token: 9999, rows: ['9998'] },
      { token: 10_000, rows: ['9999'] },
    ])
  })

  // Rows of up to some thousand bytes, so that what is held spans many slabs, and slabs are filled anew.
  const step = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        lengths: fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('reset' as const), by: fc.integer({ min: -8, max: 1 }) }),
    },
  )

  test.prop([fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 40_000 })], { numRuns: 50 })(
    'I25: holds the newest batches that fit, whatever was appended and reset',
    async (steps, bytes) => {
      const source = memorySource({ streams: ['a'], retain: { bytes } })
      const model = new StreamModel()
      for (const [index, each] of steps.entries()) {
        if (each.kind === 'reset') {
          const to = model.head + each.by
          source.reset('a', to)
          model.reset(to)
        } else {
          const rows = each.lengths.map((length) => JSON.stringify(String(index % 10).repeat(length)))
          model.append(model.head + 1, rows)
          source.append(
            'a',
            rows.map((row) => JSON.parse(row) as unknown),
          )
          letGo(model, bytes)
        }
      }
      await expectSame(source, 'a', model)
    },
  )

  it.each([{ bytes: 0 }, { bytes: 10, count: -1 }, { bytes: 10, age: Number.NaN }])(
    'refuses %j',
    (retain) => {
      expect(() => memorySource({ streams: ['a'], retain })).toThrow(OptionError)
    },
  )

  it('refuses a stream named twice', () => {
    expect(() => memorySource({ streams: ['a', 'a'] })).toThrow('distinct names')
  })
})

describe('a subscriber that throws', () => {
  it('harms neither the source nor the others', async () => {
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
    const others = process.listeners('uncaughtException').slice(0, -1)
    for (const listener of others) process.off('uncaughtException', listener)
    try {
      const source = memorySource({ streams: ['a'] })
      const told: string[] = []
      source.subscribe(() => {
        throw new Error('mine')
      })
      source.subscribe(({ kind }) => told.push(kind))
      expect(source.append('a', [1])).toBe(1)
      expect(told).toEqual(['appended'])
      expect(await uncaught).toMatchObject({ message: 'mine' })
    } finally {
      for (const listener of others) process.on('uncaughtException', listener)
    }
  })
})
