/**
 * Gives damaged and made-up bytes to everything that reads bytes of strangers, and looks for exceptions, for memory
 * beyond the bound, for results that depend on how the bytes were cut, and for calls that take too long.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/mtproto-proxy/test/fuzz/fuzz.ts --minutes 5 [--seed 1] [--only NAME]
 */
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { fuzz } from '../../../../test-support/fuzzing.js'
import { clientTargets } from './client-targets.js'
import { splitTargets } from './split-targets.js'
import type { FuzzTarget } from './target.js'
import { telegramTargets } from './telegram-targets.js'

/** An input of a few thousand bytes that takes so long would hold up everybody. */
const slowMillis = 500

interface Damage {
  readonly kind: 'set' | 'cut' | 'insert' | 'repeat'
  readonly at: number
  readonly size: number
  readonly bytes: Uint8Array
}

const interesting = fc.constantFrom(
  ...[
    '00',
    'ff',
    '7f',
    '80',
    'ffffffff',
    '00000000',
    '7fffffff',
    '04000000',
    '160301',
    '170303',
    '140303',
    'ffff',
  ].map((text) => Buffer.from(text, 'hex')),
)
const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('set', 'cut', 'insert', 'repeat'),
  at: fc.nat(),
  size: fc.nat({ max: 64 }),
  bytes: fc.oneof(interesting, fc.uint8Array({ maxLength: 16 })),
})

function damaged(seed: Buffer, all: readonly Damage[]): Buffer {
  return all.reduce((bytes, { kind, at, size, bytes: put }) => {
    const place = at % (bytes.length + 1)
    const before = bytes.subarray(0, place)
    const after = bytes.subarray(place)
    switch (kind) {
      case 'set':
        return Buffer.concat([before, put, after.subarray(put.length)])
      case 'cut':
        return Buffer.concat([before, after.subarray(size)])
      case 'insert':
        return Buffer.concat([before, put, after])
      case 'repeat':
        return Buffer.concat([before, after.subarray(0, size), after])
    }
  }, seed)
}

function inputs(target: FuzzTarget): fc.Arbitrary<Buffer> {
  const ofSeed = fc
    .tuple(fc.constantFrom(...target.seeds), fc.array(damage, { maxLength: 6 }))
    .map(([seed, all]) => damaged(seed, all))
  const several = fc.array(ofSeed, { minLength: 2, maxLength: 4 }).map((all) => Buffer.concat(all))
  const any = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))
  return fc.oneof(
    { arbitrary: ofSeed, weight: 6 },
    { arbitrary: several, weight: 2 },
    { arbitrary: any, weight: 1 },
  )
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    pieces.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  return pieces
}

function attempt(target: FuzzTarget, input: Buffer, sizes: readonly number[]): string {
  // Of this process alone: how busy the machine is says nothing about the input.
  const began = process.cpuUsage()
  const { held, outcome } = target.run(cut(input, sizes))
  const { user, system } = process.cpuUsage(began)
  const took = (user + system) / 1000
  if (held > target.bound(input.length)) throw new Error(`held ${held} bytes of ${input.length}`)
  if (took > slowMillis) throw new Error(`took ${took.toFixed(0)} ms for ${input.length} bytes`)
  return outcome
}

function property(target: FuzzTarget): fc.IProperty<[Buffer, number[]]> {
  return fc.property(
    inputs(target),
    fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 6 }),
    (input, sizes) => {
      const whole = attempt(target, input, [Math.max(1, input.length)])
      if (attempt(target, input, sizes) !== whole) throw new Error('the way of cutting makes a difference')
      if (attempt(target, input, [1]) !== whole) throw new Error('byte by byte makes a difference')
    },
  )
}

fuzz({
  targets: [...clientTargets, ...telegramTargets, ...splitTargets],
  round(target, seed) {
    const { numRuns, failed, errorInstance, counterexample } = fc.check(property(target), {
      seed,
      numRuns: 300,
    })
    const [input, sizes] = counterexample ?? [Buffer.alloc(0), []]
    const by = `input ${input.toString('hex')} in pieces of ${sizes.join(', ')}`
    return { inputs: numRuns, flaw: failed ? `${String(errorInstance)}\n${by}` : null }
  },
})
