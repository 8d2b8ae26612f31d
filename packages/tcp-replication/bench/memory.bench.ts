/** What a subscriber costs that waits. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeEnv, tcp } from '@holdfast/core/node'
import { memorySource, replicationServer } from '@holdfast/tcp-replication'
import type { Benchmark } from '../../../bench/benchmark.js'
import { bundle } from '../../../bench/bundle.js'
import { portOf } from './port-of.js'
import { RedisServer, redisVersion } from './redis-server.js'

const count = 1000
/** So many come and go first, so that what is made once is there. */
const firstCount = 200
const streams = Array.from({ length: 15 }, (_, index) => `stream${index}`)
const replicate = `NAME bench\n${streams.map((stream) => `REPLICATE ${stream} NOW\n`).join('')}`
const collect = globalThis.gc ?? (() => undefined)

interface Memory {
  readonly heap: number
  readonly resident: number
}

function residentBytes(pid: number | 'self'): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return 1024 * Number(kilobytes)
}

function ownMemory(): Memory {
  collect()
  collect()
  return { heap: process.memoryUsage().heapUsed, resident: residentBytes('self') }
}

async function clients(port: number, number: number, text: string): Promise<AsyncDisposable> {
  const program = await bundle('packages/tcp-replication/bench/idle-clients.program.ts')
  const child = fork(program, [String(port), String(number), text], { execArgv: [] })
  await once(child, 'message')
  await sleep(300)
  return {
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
      await sleep(300)
    },
  }
}

async function memoryEach(port: number, text: string, memory: () => Memory): Promise<Memory> {
  {
    await using _ = await clients(port, firstCount, text)
  }
  const before = memory()
  await using _ = await clients(port, count, text)
  const after = memory()
  return {
    heap: (after.heap - before.heap) / count,
    resident: (after.resident - before.resident) / count,
  }
}

async function ofHoldfast(): Promise<Record<string, number>> {
  await using server = await replicationServer({
    env: nodeEnv({ name: 'bench' }),
    acceptor: tcp(),
    at: { uri: 'tcp://127.0.0.1:0' },
    source: memorySource({ streams }),
    serverName: 'bench.example',
  })
  return { ...(await memoryEach(portOf(server.endpoint.uri), replicate, ownMemory)) }
}

/** Sockets in a set for each stream, and nothing else. */
async function ofNaive(): Promise<Record<string, number>> {
  const followers = streams.map(() => new Set<Socket>())
  const server = createServer((socket) => {
    for (const each of followers) each.add(socket)
    socket.on('data', () => socket.write('POSITION\n'))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const each of followers) each.delete(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const found = await memoryEach(port, replicate, ownMemory)
  server.close()
  return { ...found }
}

async function ofRedis(): Promise<Record<string, number>> {
  await using redis = await RedisServer.start()
  const wait = `PING\r\nXREAD BLOCK 0 STREAMS ${streams.join(' ')} ${streams.map(() => '$').join(' ')}\r\n`
  const { resident } = await memoryEach(redis.port, wait, () => ({
    heap: 0,
    resident: residentBytes(redis.pid),
  }))
  return { resident }
}

const figure = { unit: 'B', better: 'less' } as const
const redis = redisVersion()

export const benchmarks: readonly Benchmark[] = [
  {
    name: `memory of each of ${count} idle subscribers to ${streams.length} streams`,
    figures: { heap: figure, resident: figure },
    runs: 1,
    subjects: [
      { name: 'holdfast', measure: ofHoldfast },
      { name: 'naive sets of sockets', measure: ofNaive },
      ...(redis === null ? [] : [{ name: `redis ${redis} streams`, measure: ofRedis }]),
    ],
  },
]
