/** How many lines a second one core takes in and puts out. */
import { Buffer } from 'node:buffer'
import {
  decodeRow,
  encodeRdata,
  encodeRow,
  LineDecoder,
  ProtocolError,
  parseCommand,
} from '@holdfast/tcp-replication'
import { bench, describe } from 'vitest'

const chunkBytes = 65_536
const linesPerRun = 30_000
const options = { from: 'server', dialect: 'D1' } as const
const event = {
  kind: 'ev',
  eventId: `$${'a'.repeat(43)}`,
  roomId: `!${'b'.repeat(18)}:localhost:8448`,
  type: 'm.room.member',
  stateKey: '@alice:localhost:8448',
  redacts: null,
  relatesTo: null,
} as const
const json = encodeRow('events', event)

/** `linesPerRun` rows of 175 bytes, cut as a socket cuts them. */
function chunksOf(row: string): Buffer[] {
  const line = Buffer.from(encodeRdata('events', 5_123_456, row))
  const padded = encodeRdata('events', 5_123_456, row + ' '.repeat(175 - line.length))
  const all = Buffer.concat(Array.from({ length: linesPerRun }, () => padded))
  return Array.from({ length: Math.ceil(all.length / chunkBytes) }, (_, index) =>
    all.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  )
}

const ascii = chunksOf(json)
const utf8 = chunksOf(json.replace('alice', 'alicé'))
const best = new Map<string, number>()

function perSecond(name: string, work: () => number): void {
  bench(
    name,
    () => {
      const start = performance.now()
      const count = work()
      best.set(name, Math.max(best.get(name) ?? 0, count / ((performance.now() - start) / 1000)))
    },
    {
      time: 1500,
      teardown: (_task, mode) => {
        if (mode === 'run')
          console.log(`${name}: ${((best.get(name) ?? 0) / 1e6).toFixed(2)} million lines/s at best`)
      },
    },
  )
}

function decode(chunks: readonly Buffer[], each: (line: string) => void): number {
  const decoder = new LineDecoder()
  let count = 0
  for (const chunk of chunks) {
    const { lines } = decoder.push(chunk)
    for (const line of lines) each(line)
    count += lines.length
  }
  return count
}

function parse(line: string) {
  const command = parseCommand(line, options)
  if (command === null || command instanceof ProtocolError || command.name !== 'RDATA') throw new Error(line)
  return command
}

describe('lines of 175 bytes in chunks of 64 KiB', () => {
  perSecond('decode, ASCII', () => decode(ascii, () => undefined))
  perSecond('decode, UTF-8', () => decode(utf8, () => undefined))
  perSecond('decode and parse', () => decode(ascii, parse))
  perSecond('decode, parse and read the row', () =>
    decode(ascii, (line) => {
      const { stream, row } = parse(line)
      decodeRow(stream, row)
    }),
  )
  perSecond('encode a row', () => {
    for (let token = 0; token < linesPerRun; token++) encodeRdata('events', token, json)
    return linesPerRun
  })
  perSecond('write a row and encode it', () => {
    for (let token = 0; token < linesPerRun; token++) encodeRdata('events', token, encodeRow('events', event))
    return linesPerRun
  })
})
