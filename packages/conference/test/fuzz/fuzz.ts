/**
 * Gives damaged and made-up bytes to everything that reads bytes of strangers, in each of its states, and looks for
 * exceptions, for more being held than may be, and for calls that take too long.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/conference/test/fuzz/fuzz.ts --minutes 5 [--seed 1] [--only NAME]
 */
import { Buffer } from 'node:buffer'
import { parseArgs } from 'node:util'
import { seededRandom } from '@holdfast/core/testing'
import { cryptoReady } from '../../src/tox/crypto/box.js'
import { damaged } from './damage.js'

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const minutes = Number(values.minutes ?? 1)
const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31)
/** So many inputs that take so long would hold up everybody. */
const slowMillis = 1000

await cryptoReady
const { parsers } = await import('./parsers.js')
const { states } = await import('./states.js')
const targets = [...parsers, ...states].filter(({ name }) => name.includes(values.only ?? ''))
const end = performance.now() + minutes * 60_000
const heap: number[] = []
let inputs = 0
let failed = false

let seed = firstSeed
for (; performance.now() < end && !failed; seed += 1) {
  for (const target of targets) {
    const random = seededRandom(seed)
    for (let batch = 0; batch < 20 && !failed; batch += 1) {
      const given = Array.from({ length: 25 }, () => damaged(target.seeds, random))
      const began = performance.now()
      inputs += given.length
      try {
        target.run(given)
        const took = performance.now() - began
        if (took > slowMillis) throw new Error(`took ${took.toFixed(0)} ms`)
      } catch (error) {
        failed = true
        console.error(`${target.name}, seed ${seed}:`, error)
        for (const input of given) console.error(Buffer.from(input).toString('hex'))
      }
    }
  }
  globalThis.gc?.()
  heap.push(process.memoryUsage().heapUsed)
}

/** What stays after a round should not grow from the second quarter to the last. */
const quarter = Math.floor(heap.length / 4)
const least = (part: readonly number[]): number => Math.min(...part) / 2 ** 20
const grown = quarter === 0 ? 0 : least(heap.slice(-quarter)) - least(heap.slice(quarter, 2 * quarter))
const leaks = grown > 20
console.log(
  `${targets.length} targets, ${inputs} inputs, seeds ${firstSeed} to ${seed - 1}, ` +
    `heap ${grown >= 0 ? '+' : ''}${grown.toFixed(1)} MiB: ${failed || leaks ? 'BROKEN' : 'held'}`,
)
process.exitCode = failed || leaks ? 1 : 0
