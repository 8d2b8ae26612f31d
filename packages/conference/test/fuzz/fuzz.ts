/**
 * Gives damaged and made-up bytes to everything that reads bytes of strangers, in each of its states, and looks for
 * exceptions, for more being held than may be, and for calls that take too long.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/conference/test/fuzz/fuzz.ts --minutes 5 [--seed 1] [--only NAME]
 */
import { Buffer } from 'node:buffer'
import { seededRandom } from '@holdfast/core/testing'
import { fuzz } from '../../../../test-support/fuzzing.js'
import { cryptoReady } from '../../src/tox/crypto/box.js'
import { damaged } from './damage.js'

/** So many inputs that take so long would hold up everybody. */
const slowMillis = 1000

await cryptoReady
const { parsers } = await import('./parsers.js')
const { states } = await import('./states.js')

fuzz({
  targets: [...parsers, ...states],
  round(target, seed) {
    const random = seededRandom(seed)
    let inputs = 0
    for (let batch = 0; batch < 20; batch += 1) {
      const given = Array.from({ length: 25 }, () => damaged(target.seeds, random))
      const began = performance.now()
      inputs += given.length
      try {
        target.run(given)
        const took = performance.now() - began
        if (took > slowMillis) throw new Error(`took ${took.toFixed(0)} ms`)
      } catch (error) {
        const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
        return { inputs, flaw: [why, ...given.map((input) => Buffer.from(input).toString('hex'))].join('\n') }
      }
    }
    return { inputs, flaw: null }
  },
})
