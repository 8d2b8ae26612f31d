/** How many bytes of clients a second one core wraps up for a middle proxy, and takes out of its answers. */
import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  cbcDecryptor,
  cbcEncryptor,
  decodeMiddleMessage,
  encodeAnswerHead,
  FrameChannel,
  FrameReader,
  FrameWriter,
  ProxyRequestHead,
} from '@holdfast/mtproto-proxy'
import type { Benchmark } from '../../../bench/benchmark.js'

const direction = { key: randomBytes(32), iv: randomBytes(16) }
const chunkBytes = 65_536
const bytesPerRun = 2 ** 25
const sizes = { '1 KiB': 1024, '64 KiB': 65_536 }

/** Megabytes a second: the best of ten rounds, as nothing but the machine slows one down. */
function rate(work: () => number): number {
  const rounds = Array.from({ length: 11 }, () => {
    const start = performance.now()
    return work() / (performance.now() - start) / 1000
  })
  return Math.max(...rounds.slice(1))
}

function requests(size: number): number {
  const writer = new FrameWriter({ seq: 0, encrypt: cbcEncryptor(direction) })
  const head = new ProxyRequestHead({
    ...{ connId: 5n, ip: new Uint8Array(16), port: 1, ourIp: new Uint8Array(16), ourPort: 2 },
    ...{ adTag: randomBytes(16), format: 'padded' },
  })
  const payload = Buffer.alloc(size, 1)
  for (let bytes = 0; bytes < bytesPerRun; bytes += size) {
    writer.write(head.for(payload, { quickAck: false }), payload)
  }
  return bytesPerRun
}

/** What a middle proxy sends, as it comes off a socket. */
function wireOf(size: number): Buffer[] {
  const writer = new FrameWriter({ seq: 0, encrypt: cbcEncryptor(direction) })
  const payload = Buffer.alloc(size, 1)
  const all = Buffer.concat(
    Array.from({ length: bytesPerRun / size }, () => writer.write(encodeAnswerHead(5n), payload)),
  )
  return Array.from({ length: Math.ceil(all.length / chunkBytes) }, (_, index) =>
    all.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  )
}

function answers(chunks: readonly Buffer[]): number {
  const writer = new FrameWriter({ seq: 0 })
  const channel = new FrameChannel(cbcDecryptor(direction), new FrameReader({ seq: 0 }), writer)
  let bytes = 0
  for (const chunk of chunks) {
    channel.feed(chunk)
    for (let body = channel.next(); body !== null; body = channel.next()) {
      if (!Buffer.isBuffer(body)) throw body
      const message = decodeMiddleMessage(body)
      if ('payload' in message) bytes += message.payload.length
    }
  }
  return bytes
}

/** What no program can leave out. */
function cipherAlone(size: number, way: 'encrypt' | 'decrypt'): number {
  const { key, iv } = direction
  const make = way === 'encrypt' ? createCipheriv : createDecipheriv
  const cipher = make('aes-256-cbc', key, iv).setAutoPadding(false)
  const block = Buffer.alloc(way === 'encrypt' ? size : chunkBytes, 1)
  for (let bytes = 0; bytes < bytesPerRun; bytes += block.length) {
    crc32(block)
    cipher.update(block)
  }
  return bytesPerRun
}

const figure = { unit: 'MB/s', better: 'more' } as const
const chunks = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, wireOf(size)]))

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'frames of a middle proxy',
    figures: Object.fromEntries(
      Object.keys(sizes).flatMap((name) => [
        [`requests of ${name}`, figure],
        [`answers of ${name}`, figure],
      ]),
    ),
    runs: 3,
    subjects: [
      {
        name: 'holdfast',
        measure: () =>
          Object.fromEntries(
            Object.entries(sizes).flatMap(([name, size]) => [
              [`requests of ${name}`, rate(() => requests(size))],
              [`answers of ${name}`, rate(() => answers(chunks[name] ?? []))],
            ]),
          ),
      },
      {
        name: 'cipher and checksum alone',
        measure: () =>
          Object.fromEntries(
            Object.entries(sizes).flatMap(([name, size]) => [
              [`requests of ${name}`, rate(() => cipherAlone(size, 'encrypt'))],
              [`answers of ${name}`, rate(() => cipherAlone(size, 'decrypt'))],
            ]),
          ),
      },
    ],
  },
]
