/** What a member costs that passes on what others say: ours and one made of libtoxcore, between the same two peers. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark, Subject } from '../../../bench/benchmark.js'
import { bundle } from '../../../bench/bundle.js'
import { buildWithToxcore, RealPeer, toxcoreVersion } from '../test/support/real-peer.js'
import { type Between, Flood } from './flood.js'

const folder = 'packages/conference'
const bytes = 100
const messages = 10_000
/** What is on its way at a time. Whoever looks for packets every 20 ms needs much; a socket does not hold more. */
const windows = [64, 256, 1024]

const installed = await toxcoreVersion().catch(() => null)

/** CPU time that a process has taken, in microseconds, to the next 10 ms. */
function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

async function through(flood: Flood, between: Between, pid: number): Promise<Record<string, number>> {
  await flood.meet(between)
  await flood.flood(messages, bytes, 64)
  const one = await flood.flood(200, bytes, 1)
  const rates: number[] = []
  const before = cpuMicros(pid)
  for (const window of windows) {
    const { messages: heard, seconds } = await flood.flood(messages, bytes, window)
    rates.push(heard / seconds)
  }
  const cpu = (cpuMicros(pid) - before) / (messages * windows.length)
  return {
    'messages through it': Math.max(...rates),
    'CPU time a message': cpu,
    'latency through it': one.latencySeconds * 1000,
  }
}

async function buildFlood(directory: string): Promise<string | null> {
  return installed === null ? null : buildWithToxcore(`${folder}/bench/tox-flood.c`, directory)
}

async function inFolder<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-tox-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function ours(): Promise<Record<string, number>> {
  return inFolder(async (directory) => {
    await using flood = await Flood.start(await buildFlood(directory))
    const child = fork(await bundle(`${folder}/bench/relay.program.ts`), [flood.source, flood.sink])
    try {
      const [between] = (await once(child, 'message')) as [Between]
      return await through(flood, between, child.pid ?? 0)
    } finally {
      child.disconnect()
    }
  })
}

function real(): Promise<Record<string, number>> {
  return inFolder(async (directory) => {
    await using flood = await Flood.start(await buildFlood(directory))
    const program = await buildWithToxcore(`${folder}/test/support/tox-peer.c`, directory)
    await using peer = await RealPeer.start(program, 'between', { deaf: 1 })
    await peer.do('create')
    await peer.do(`add ${flood.source}`)
    await peer.do(`add ${flood.sink}`)
    const invite = async (friend: number): Promise<void> => {
      await peer.says(new RegExp(`^friend ${friend} udp$`), { withinMs: 120_000 })
      await peer.do(`invite 0 ${friend}`)
    }
    const [measured] = await Promise.all([
      through(flood, { port: peer.port, dhtKey: peer.dhtKey, realKey: peer.realKey }, peer.pid),
      invite(0),
      invite(1),
    ])
    return measured
  })
}

const baseline: readonly Subject[] =
  installed === null
    ? [{ name: 'libtoxcore (not installed: apt-get install libtoxcore-dev gcc)', measure: () => ({}) }]
    : [{ name: `libtoxcore ${installed}`, measure: real }]

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'conference, a member between two',
    figures: {
      'messages through it': { unit: '/s', better: 'more' },
      'CPU time a message': { unit: 'µs', better: 'less' },
      'latency through it': { unit: 'ms', better: 'less' },
    },
    runs: 3,
    subjects: [{ name: 'holdfast', measure: ours }, ...baseline],
  },
]
