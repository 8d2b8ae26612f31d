import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { randomBlocks } from '../src/random-blocks.js'

/** Draws 0, 1, 2 … as four bytes each, so that it shows where a byte is from. */
function counting(): (size: number) => Uint8Array {
  let next = 0
  return (size) => {
    const words = Uint32Array.from({ length: Math.ceil(size / 4) }, () => next++)
    return new Uint8Array(words.buffer, 0, size)
  }
}

describe('random bytes drawn in blocks', () => {
  test.prop([fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 400, maxLength: 600 })])(
    'no four bytes are given twice',
    (words) => {
      const random = randomBlocks(counting())
      const given = words.flatMap((count) => [...new Uint32Array(random(4 * count).slice().buffer)])
      expect(new Set(given).size).toBe(given.length)
    },
  )

  test.prop([fc.integer({ min: 0, max: 20_000 })])('so many are given as were asked for', (size) => {
    expect(randomBlocks()(size)).toHaveLength(size)
  })
})
