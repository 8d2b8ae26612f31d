import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { RecentIds } from '../src/telegram/recent-ids.js'

const few = fc.bigInt({ min: 0n, max: 12n })

test.prop([fc.integer({ min: 1, max: 6 }), fc.array(few, { maxLength: 60 })])(
  'of the clients that are gone the last so many are remembered, each once',
  (max, ids) => {
    const recent = new RecentIds(max)
    let expected: bigint[] = []
    for (const id of ids) {
      recent.add(id)
      if (!expected.includes(id)) expected = [...expected, id].slice(-max)
      const remembered = Array.from({ length: 13 }, (_, index) => BigInt(index)).filter((each) =>
        recent.has(each),
      )
      expect(remembered).toEqual([...expected].sort((a, b) => Number(a - b)))
    }
  },
)
