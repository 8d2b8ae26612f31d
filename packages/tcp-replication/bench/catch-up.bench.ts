/** How fast somebody who was away gets what was missed, and what it costs both sides. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { nodeEnv, tcp } from '@holdfast/core/node'
import { replicationClient } from '@holdfast/tcp-replication'
import type { Benchmark } from '../../../bench/benchmark.js'
import { bundle } from '../../../bench/bundle.js'
import { ownCpuSeconds } from './holdfast-feeder.js'
import { pastRow, pastRows } from './past.js'
import { command, RedisServer, redisVersion } from './redis-server.js'

/** Times that everything is read; the fastest tells, because the first ones run code that is not compiled yet. */
const rounds = 8

/** A server in a process of its own. */
class Served implements AsyncDisposable {
  readonly port: number
  readonly #process: ChildProcess

  private constructor(port: number, process: ChildProcess) {
    this.port = port
    this.#process = process
  }

  static async start(kind: 'log' | 'memory' | 'naive'): Promise<Served> {
    const child = fork(await bundle('packages/tcp-replication/bench/serve-past.program.ts'), [kind])
    const [port] = (await once(child, 'message')) as [number]
    return new Served(port, child)
  }

  async cpuSeconds(): Promise<number> {
    this.#process.send('cpu')
    const [seconds] = (await once(this.#process, 'message')) as [number]
    return seconds
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.disconnect()
    await once(this.#process, 'exit')
  }
}

interface Costs {
  /** Rows for a second of the processor time of the server, of the client, and of the clock. */
  readonly server: number
  readonly client: number
  readonly wall: number
}

async function costsOf(
  served: { cpuSeconds(): Promise<number> },
  catchUp: () => Promise<number>,
): Promise<Costs> {
  const best = { server: 0, client: 0, wall: 0 }
  for (let round = 0; round < rounds; round += 1) {
    const before = [await served.cpuSeconds(), ownCpuSeconds(), performance.now() / 1000] as const
    const rows = await catchUp()
    const wall = performance.now() / 1000 - before[2]
    if (rows !== pastRows) throw new Error(`${pastRows - rows} rows are lost`)
    best.client = Math.max(best.client, rows / (ownCpuSeconds() - before[1]))
    best.server = Math.max(best.server, rows / ((await served.cpuSeconds()) - before[0]))
    best.wall = Math.max(best.wall, rows / wall)
  }
  return best
}

/** Reads lines off a bare socket until the POSITION, and counts those that are the next. */
async function readLines(port: number, each: (line: string) => void = () => undefined): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.write('NAME bench\nREPLICATE events 0\n')
  let token = 0
  let rest = ''
  for await (const chunk of socket) {
    const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith(`RDATA events ${token + 1} `)) token += 1
      each(line)
    }
    if (lines.at(-1)?.startsWith('POSITION ')) break
  }
  socket.destroy()
  return token
}

/** Our client, which is ready once everything was applied. */
async function follow(port: number): Promise<number> {
  let applied = 0
  await using client = replicationClient({
    env: nodeEnv({ name: 'bench' }),
    dialer: tcp(),
    endpoints: [{ uri: `tcp://127.0.0.1:${port}` }],
    name: 'bench',
    streams: [
      {
        stream: 'events',
        from: 0,
        unread: true,
        apply: ({ token }) => {
          if (token === applied + 1) applied += 1
        },
      },
    ],
  })
  await client.start()
  await client.whenReady()
  return applied
}

async function ofHoldfast(): Promise<Record<string, number>> {
  await using memory = await Served.start('memory')
  const held = await costsOf(memory, () => readLines(memory.port))
  const applied = await costsOf(memory, () => follow(memory.port))
  await using log = await Served.start('log')
  const stored = await costsOf(log, () => readLines(log.port))
  return {
    'served from memory, a CPU second': held.server,
    'served from disk, a CPU second': stored.server,
    'served from memory, a second': held.wall,
    'served from disk, a second': stored.wall,
    'applied by the client, a CPU second': applied.client,
    'applied by the client, a second': applied.wall,
  }
}

async function ofNaive(): Promise<Record<string, number>> {
  await using memory = await Served.start('naive')
  const held = await costsOf(memory, () => readLines(memory.port))
  const applied = await costsOf(memory, () =>
    readLines(
      memory.port,
      (line) => void JSON.parse(line.startsWith('RDATA') ? line.slice(line.indexOf('[')) : '0'),
    ),
  )
  return {
    'served from memory, a CPU second': held.server,
    'served from memory, a second': held.wall,
    'applied by the client, a CPU second': applied.client,
    'applied by the client, a second': applied.wall,
  }
}

/** Pages of a thousand, asked for one after the other; the client looks at nothing but their ends. */
async function ofRedis(): Promise<Record<string, number>> {
  await using redis = await RedisServer.start()
  const producer = await redis.producer()
  for (let token = 1; token <= pastRows; token += 1)
    producer.write(command('XADD', 's', `${token}-1`, 'l', JSON.stringify(pastRow(token))))
  const served = { cpuSeconds: () => Promise.resolve(redis.cpuSeconds()) }
  const held = await costsOf(served, () => readPages(redis.port))
  return { 'served from memory, a CPU second': held.server, 'served from memory, a second': held.wall }
}

async function readPages(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  const ask = (after: number): boolean => socket.write(`XREAD COUNT 1000 STREAMS s ${after}-1\r\n`)
  ask(0)
  let token = 0
  let rest = ''
  for await (const chunk of socket) {
    const lines = (rest + (chunk as Buffer).toString('latin1')).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line !== `${token + 1}-1`) continue
      token += 1
      if (token % 1000 === 0 && token < pastRows) ask(token)
    }
    if (token === pastRows) break
  }
  socket.destroy()
  return token
}

const figure = { unit: 'rows', better: 'more' } as const
const redis = redisVersion()

export const benchmarks: readonly Benchmark[] = [
  {
    name: `catching up on ${pastRows} rows of 200 bytes`,
    figures: {
      'served from memory, a CPU second': figure,
      'served from disk, a CPU second': figure,
      'served from memory, a second': figure,
      'served from disk, a second': figure,
      'applied by the client, a CPU second': figure,
      'applied by the client, a second': figure,
    },
    runs: 1,
    subjects: [
      { name: 'holdfast', measure: ofHoldfast },
      { name: 'naive write, split and JSON.parse', measure: ofNaive },
      ...(redis === null ? [] : [{ name: `redis ${redis} streams`, measure: ofRedis }]),
    ],
  },
]
