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
import type { Benchmark } from '../../../bench/benchmark.js'

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

/** Million lines a second: the best of ten rounds, as nothing but the machine slows one down. */
function rate(work: () => number): number {
  const rounds = Array.from({ length: 11 }, () => {
    const start = performance.now()
    return work() / (performance.now() - start) / 1000
  })
  return Math.max(...rounds.slice(1))
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

function encode(row: () => string): number {
  for (let token = 0; token < linesPerRun; token++) encodeRdata('events', token, row())
  return linesPerRun
}

/** What anybody would write first: it takes any length, and cuts characters in two. */
function split(chunks: readonly Buffer[], each: (line: string) => void): number {
  let rest = ''
  let count = 0
  for (const chunk of chunks) {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) each(line)
    count += lines.length
  }
  return count
}

const figure = { unit: 'million/s', better: 'more' } as const

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'replication lines of 175 bytes in chunks of 64 KiB',
    figures: {
      'decode, ASCII': figure,
      'decode, UTF-8': figure,
      'decode and parse': figure,
      'decode, parse and read the row': figure,
      'encode a row': figure,
      'write a row and encode it': figure,
    },
    runs: 3,
    subjects: [
      {
        name: 'holdfast',
        measure: () => ({
          'decode, ASCII': rate(() => decode(ascii, () => undefined)),
          'decode, UTF-8': rate(() => decode(utf8, () => undefined)),
          'decode and parse': rate(() => decode(ascii, parse)),
          'decode, parse and read the row': rate(() =>
            decode(ascii, (line) => {
              const { stream, row } = parse(line)
              decodeRow(stream, row)
            }),
          ),
          'encode a row': rate(() => encode(() => json)),
          'write a row and encode it': rate(() => encode(() => encodeRow('events', event))),
        }),
      },
      {
        name: 'toString, split and JSON.parse',
        measure: () => ({
          'decode, ASCII': rate(() => split(ascii, () => undefined)),
          'decode, UTF-8': rate(() => split(utf8, () => undefined)),
          'decode, parse and read the row': rate(() =>
            split(ascii, (line) => void JSON.parse(line.slice(line.indexOf('[')))),
          ),
        }),
      },
    ],
  },
]
