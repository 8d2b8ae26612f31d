import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { SplitDecoder, SplitError } from '../src/split/decoder.js'
import {
  encodeSplitMessage,
  type SplitMessage,
  splitEnds,
  splitFormats,
  splitVerdicts,
} from '../src/split/messages.js'

const handle = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => Buffer.from(b))
const name = fc.string({ maxLength: 40 })

const message: fc.Arbitrary<SplitMessage> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), version: fc.integer({ min: 0, max: 255 }), node: name }),
  fc.record({ kind: fc.constantFrom('ping' as const, 'pong' as const) }),
  fc.record({ kind: fc.constant('goodbye' as const), within: u32 }),
  fc.record({
    kind: fc.constant('open' as const),
    handle,
    request: fc.record({
      dcId: fc.integer({ min: -32768, max: 32767 }),
      ip: bytes(16),
      port: fc.integer({ min: 0, max: 65535 }),
      adTag: fc.option(bytes(16)),
      format: fc.constantFrom(...splitFormats),
      listener: name,
    }),
  }),
  fc.record({
    kind: fc.constant('packet' as const),
    handle,
    quickAck: fc.boolean(),
    payload: fc.uint8Array({ maxLength: 600 }).map((b) => Buffer.from(b)),
  }),
  fc.record({ kind: fc.constant('quick-ack' as const), handle, confirm: bytes(4) }),
  fc.record({
    kind: fc.constantFrom(
      'sent' as const,
      'hold' as const,
      'ready' as const,
      'close' as const,
      'leave' as const,
      'quota-used' as const,
    ),
    handle,
  }),
  fc.record({ kind: fc.constant('closed' as const), handle, why: fc.constantFrom(...splitEnds) }),
  fc.record({ kind: fc.constant('delivered' as const), handle, packets: u32, bytes: u32 }),
  fc.record({
    kind: fc.constant('admit' as const),
    handle,
    newcomer: fc.record({
      listener: name,
      secret: name,
      ip: fc.ipV6(),
      sni: fc.option(fc.domain().filter((domain) => domain.length < 256)),
      replayKey: fc.option(fc.integer({ min: 1, max: 255 }).chain(bytes)),
    }),
  }),
  fc.record({ kind: fc.constant('verdict' as const), handle, verdict: fc.constantFrom(...splitVerdicts) }),
  fc.record({ kind: fc.constant('transferred' as const), handle, bytes: u32 }),
)

/** All messages of a stream that comes in chunks of these sizes, in turn. */
function decode(stream: Buffer, sizes: readonly number[]): SplitMessage[] {
  const decoder = new SplitDecoder()
  const messages: SplitMessage[] = []
  for (let at = 0, turn = 0; at < stream.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    // The decoder may keep nothing of what is only lent to it.
    const lent = Buffer.from(stream.subarray(at, at + size))
    decoder.push(lent)
    for (let next = decoder.next(); next !== null; next = decoder.next()) messages.push(structuredClone(next))
    lent.fill(0)
    at += size
  }
  return messages
}

/** Clones hold no buffers of Node, so both sides are compared as what they hold. */
const plain = (value: unknown): unknown => structuredClone(value)

describe('10 frames of the split link', () => {
  test.prop([
    fc.array(message, { maxLength: 12 }),
    fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
  ])('are read as they were written, in chunks of any size', (messages, sizes) => {
    const stream = Buffer.concat(messages.map(encodeSplitMessage))
    expect(decode(stream, sizes)).toEqual(messages.map(plain))
  })

  test.prop([message, fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'that were garbled are other messages, or a SplitError, never anything else',
    (original, at, flip) => {
      const stream = encodeSplitMessage(original)
      const index = at % stream.length
      stream[index] = (stream[index] ?? 0) ^ flip
      try {
        decode(stream, [stream.length])
      } catch (error) {
        expect(error).toBeInstanceOf(SplitError)
      }
    },
  )

  it.each([
    ['of no length', '00000000'],
    ['longer than Telegram has any', '02000000'],
    ['that begin with more than a greeting', '00000401'],
    ['of an unknown type', '0000000163'],
    ['with too little in it', '0000000208ff'],
    ['with too much in it', '0000000308000000000001ff'.replace('00000003', '00000008')],
    ['with an unknown reason', '000000080c000000000001ff'],
  ])('%s are refused', (_what, hex) => {
    expect(() => decode(Buffer.from(hex, 'hex'), [64])).toThrow(SplitError)
  })

  it('of which only the length came cost no more than what came', () => {
    const decoder = new SplitDecoder()
    decoder.push(encodeSplitMessage({ kind: 'ping' }))
    decoder.next()
    expect(decoder.next()).toBeNull()
    const before = process.memoryUsage().arrayBuffers
    decoder.push(Buffer.from('00ffffff0600', 'hex'))
    expect(decoder.next()).toBeNull()
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000)
  })
})
