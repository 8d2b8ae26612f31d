/**
 * Gives damaged and made-up messages to everything that reads what strangers send, and looks for exceptions that are not meant,
 * and for calls that take too long.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/nostr-sync/test/fuzz/fuzz.ts --minutes 5 [--seed 1] [--only NAME]
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { fuzzTargets } from './targets.js'

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const minutes = Number(values.minutes ?? 1)
const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31)
/** A message of a few thousand characters that takes so much of the processor would hold up everybody. */
const slowMillis = 300

const interesting = fc.constantFrom(
  '"',
  '\\',
  ',',
  '[',
  ']',
  '{',
  '}',
  '0',
  '-1',
  '1e309',
  'null',
  '\u0000',
  '\ud800',
  'ff',
  '61',
  '80',
)
const damage = fc.record({
  kind: fc.constantFrom('set', 'cut', 'insert', 'repeat'),
  at: fc.nat(),
  size: fc.nat({ max: 64 }),
  text: fc.oneof(interesting, fc.string({ unit: 'binary', maxLength: 12 })),
})
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function damaged(seed: string, all: readonly Damage[]): string {
  return all.reduce((text, { kind, at, size, text: put }) => {
    const place = at % (text.length + 1)
    const [before, after] = [text.slice(0, place), text.slice(place)]
    switch (kind) {
      case 'set':
        return before + put + after.slice(put.length)
      case 'cut':
        return before + after.slice(size)
      case 'insert':
        return before + put + after
      case 'repeat':
        return before + after.slice(0, size).repeat(3) + after
    }
    throw new Error(kind)
  }, seed)
}

const targets = fuzzTargets.filter(({ name }) => name.includes(values.only ?? ''))
const end = performance.now() + minutes * 60_000
let runs = 0
let failed = false
let seed = firstSeed
for (; performance.now() < end && !failed; seed += 1) {
  for (const target of targets) {
    const { name, seeds } = target
    const input = fc.oneof(
      {
        arbitrary: fc
          .tuple(fc.constantFrom(...seeds), fc.array(damage, { maxLength: 6 }))
          .map(([text, all]) => damaged(text, all)),
        weight: 6,
      },
      { arbitrary: fc.json(), weight: 2 },
      { arbitrary: fc.string({ unit: 'binary', maxLength: 300 }), weight: 1 },
    )
    const property = fc.property(input, (text) => {
      const before = process.cpuUsage()
      target.run(text)
      const { user, system } = process.cpuUsage(before)
      if ((user + system) / 1000 > slowMillis) throw new Error(`took ${(user + system) / 1000} ms`)
    })
    const result = fc.check(property, { seed, numRuns: 300 })
    runs += result.numRuns
    if (!result.failed) continue
    failed = true
    console.error(`${name}, seed ${seed}: ${String(result.errorInstance)}`)
    console.error(`input ${JSON.stringify(result.counterexample?.[0])}`)
  }
}
console.log(
  `${targets.length} targets, ${runs} inputs, seeds ${firstSeed} to ${seed - 1}: ${failed ? 'BROKEN' : 'held'}`,
)
process.exitCode = failed ? 1 : 0
