import { fc, test } from '@fast-check/vitest'
import { SortedMap } from '@holdfast/core'
import { describe, expect, it } from 'vitest'

type Change = readonly [key: number, value: number | null]

const anyChanges = fc.array(
  fc.tuple(fc.nat(400), fc.oneof({ weight: 2, arbitrary: fc.nat() }, fc.constant(null))),
  { maxLength: 60, size: 'max' },
)

/** Enough entries for several chunks, so that changes divide and join them. */
const many: readonly Change[] = Array.from({ length: 250 }, (_, index) => [(index * 97) % 400, index])

function changed(map: SortedMap<number, number>, [key, value]: Change): SortedMap<number, number> {
  return value === null ? map.delete(key) : map.set(key, value)
}

describe('a sorted map', () => {
  test.prop([anyChanges])('is what a Map would be, in the order of the keys', (changes) => {
    let map = new SortedMap<number, number>()
    const model = new Map<number, number>()
    for (const [key, value] of [...many, ...changes]) {
      map = changed(map, [key, value])
      if (value === null) model.delete(key)
      else model.set(key, value)
      if (map.size !== model.size || map.get(key) !== model.get(key) || map.has(key) !== model.has(key))
        throw new Error(`differs at ${key}`)
    }
    const sorted = [...model].sort(([a], [b]) => a - b)
    expect([...map]).toEqual(sorted)
    expect([...map.keys()]).toEqual(sorted.map(([key]) => key))
    expect([...map.values()]).toEqual(sorted.map(([, value]) => value))
    expect(map.first()).toEqual(sorted[0])
  })

  test.prop([anyChanges], { numRuns: 20 })('never changes, whatever is derived from it', (changes) => {
    const maps = [many.reduce(changed, new SortedMap<number, number>())]
    const texts = maps.map((map) => JSON.stringify(map))
    for (const change of changes) {
      const next = changed(maps.at(-1)!, change)
      maps.push(next)
      texts.push(JSON.stringify(next))
    }
    expect(maps.map((map) => JSON.stringify(map))).toEqual(texts)
  })

  it('stays in order when it has grown large and shrunk again', () => {
    let map = new SortedMap<string, number>()
    const keys = Array.from({ length: 3000 }, (_, index) => ((index * 7919) % 3000).toString(36))
    for (const [index, key] of keys.entries()) map = map.set(key, index)
    for (const key of keys.slice(10)) map = map.delete(key)
    expect([...map.keys()]).toEqual(keys.slice(0, 10).sort())
  })

  it('is the very same map when nothing changes', () => {
    const map = new SortedMap<string, number>().set('a', 1)
    expect(map.set('a', 1)).toBe(map)
    expect(map.delete('b')).toBe(map)
  })

  it('visits its own entries even if others are derived during the visit', () => {
    let map = new SortedMap<number, string>().set(1, 'a').set(2, 'b')
    const seen: number[] = []
    map.forEach((_, key) => {
      seen.push(key)
      map = map.delete(2).set(3, 'c')
    })
    expect(seen).toEqual([1, 2])
    expect([...map.keys()]).toEqual([1, 3])
  })
})
