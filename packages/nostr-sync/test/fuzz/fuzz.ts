/**
 * Gives damaged and made-up messages to everything that reads what strangers send, and looks for exceptions that are not meant,
 * and for calls that take too long.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/nostr-sync/test/fuzz/fuzz.ts --minutes 5 [--seed 1] [--only NAME]
 */
import fc from 'fast-check'
import { fuzz } from '../../../../test-support/fuzzing.js'
import { fuzzTargets } from './targets.js'

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

fuzz({
  targets: fuzzTargets,
  round(target, seed) {
    const ofSeed = fc
      .tuple(fc.constantFrom(...target.seeds), fc.array(damage, { maxLength: 6 }))
      .map(([text, all]) => damaged(text, all))
    const input = fc.oneof(
      { arbitrary: ofSeed, weight: 6 },
      { arbitrary: fc.json(), weight: 2 },
      { arbitrary: fc.string({ unit: 'binary', maxLength: 300 }), weight: 1 },
    )
    const property = fc.property(input, (text) => {
      const before = process.cpuUsage()
      target.run(text)
      const { user, system } = process.cpuUsage(before)
      if ((user + system) / 1000 > slowMillis) throw new Error(`took ${(user + system) / 1000} ms`)
    })
    const { numRuns, failed, errorInstance, counterexample } = fc.check(property, { seed, numRuns: 300 })
    const by = `input ${JSON.stringify(counterexample?.[0])}`
    return { inputs: numRuns, flaw: failed ? `${String(errorInstance)}\n${by}` : null }
  },
})
