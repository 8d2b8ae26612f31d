import { fc, test } from '@fast-check/vitest'
import { batchUpdates, sortByToken, type Token } from '@holdfast/tcp-replication'
import { describe, expect } from 'vitest'
import { vectors } from './vectors/vectors.js'

type Pair = readonly [Token | null, string]

const { batching } = vectors('rows') as { batching: { in: Pair[]; out: Pair[] }[] }
const update = fc.record({ token: fc.integer({ min: 0, max: 5 }), row: fc.nat() })

describe('batches of live rows', () => {
  test.each(batching)('S7.4: $in becomes $out', (recorded) => {
    const updates = recorded.in.map(([token, row]) => ({ token: token ?? ('batch' as const), row }))
    expect(batchUpdates(updates).map(({ token, row }) => [token, row])).toEqual(recorded.out)
  })

  test.prop([fc.array(update)])('S7.4: no row is lost or moved, and the last one has a number', (updates) => {
    const batched = batchUpdates(updates)
    expect(batched.map(({ row }) => row)).toEqual(updates.map(({ row }) => row))
    expect(batched.at(-1)?.token).not.toBe('batch')
  })

  test.prop([fc.array(update)])('H13.3: sorted rows of a token are one batch, in their order', (updates) => {
    const sorted = sortByToken(updates)
    const numbers = batchUpdates(sorted).flatMap(({ token }) => (token === 'batch' ? [] : [token]))
    expect(numbers).toEqual([...new Set(updates.map(({ token }) => token))].sort((a, b) => a - b))
    for (const token of numbers) {
      const ofToken = (update: { token: number }) => update.token === token
      expect(sorted.filter(ofToken)).toEqual(updates.filter(ofToken))
    }
  })
})
