import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import {
  type Command,
  decodeRow,
  describeCommand,
  dialectOf,
  LineDecoder,
  ProtocolError,
  parseCommand,
} from '@holdfast/tcp-replication'
import { describe, expect } from 'vitest'
import { recordedLines, vectors } from './vectors/vectors.js'

const recorded = ['live-v1.4.0', 'live-v1.66.0'].flatMap((name) =>
  recordedLines(vectors(name)).map(({ line }) => line),
)
const ways = (['server', 'client'] as const).flatMap((from) =>
  (['D1', 'D2'] as const).flatMap((dialect) =>
    (['strict', 'lenient'] as const).map((mode) => ({ from, dialect, mode })),
  ),
)

/** Does everything that is done with a line; nothing of it may throw. */
function digest(line: string): (Command | ProtocolError | null)[] {
  dialectOf(line)
  return ways.map((options) => {
    const parsed = parseCommand(line, options)
    if (parsed === null || parsed instanceof ProtocolError) return parsed
    describeCommand(parsed)
    if (parsed.name === 'RDATA') decodeRow(parsed.stream, parsed.row)
    return parsed
  })
}

const damage = fc.record({
  line: fc.constantFrom(...recorded),
  at: fc.nat(),
  cut: fc.nat(8),
  put: fc.string({ maxLength: 8 }),
})
const streams = fc.constantFrom(
  'events',
  'federation',
  'caches',
  'account_data',
  'device_lists',
  'constructor',
  '__proto__',
)

describe('whatever a peer sends', () => {
  test.prop([fc.uint8Array({ maxLength: 300 })], { numRuns: 500 })(
    'S5.1: any bytes are lines or a typed error',
    (bytes) => {
      const { lines, error } = new LineDecoder(64).push(bytes)
      for (const line of lines) digest(line)
      expect(error === null || error instanceof ProtocolError).toBe(true)
    },
  )

  test.prop([damage], { numRuns: 1000 })(
    'S5.1: a damaged line is a command or a typed error',
    ({ line, at, cut, put }) => {
      const place = at % (line.length + 1)
      for (const result of digest(line.slice(0, place) + put + line.slice(place + cut))) {
        if (result instanceof ProtocolError) expect(result.errorText).not.toContain('\n')
      }
    },
  )

  test.prop([streams, fc.jsonValue()], { numRuns: 1000 })(
    'H13.9: any JSON is a row or a typed error',
    (stream, value) => {
      const known = stream !== 'constructor' && stream !== '__proto__'
      expect(known ? ['row', 'malformed'] : ['unknown-stream']).toContain(
        decodeRow(stream, JSON.stringify(value)).kind,
      )
    },
  )

  test('I25: a peer that never ends its line costs one line', () => {
    const decoder = new LineDecoder()
    let most = 0
    for (let sent = 0; sent < 100; sent++) {
      decoder.push(Buffer.alloc(1000, 'x'))
      most = Math.max(most, decoder.pending)
    }
    expect([most, decoder.pending]).toEqual([16_000, 0])
  })
})
