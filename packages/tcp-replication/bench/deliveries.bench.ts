/** How many rows a server delivers to how many subscribers, and how soon. */
import { loadavg } from 'node:os'
import type { Benchmark, Figure, Readings, Subject } from '../../../bench/benchmark.js'
import { FanOut, type Feeder, groupRows } from './fan-out.js'
import { holdfastFeeder, ownCpuSeconds } from './holdfast-feeder.js'
import { naiveFeeder } from './naive-feeder.js'
import { readyFeeder } from './ready-feeder.js'
import { redisFeeder } from './redis-feeder.js'
import { redisVersion } from './redis-server.js'
import { rowOf } from './row.js'

const counts = [1, 10, 100, 1000] as const
const latencyAmong = 10
/** A load that all bear, in rows a second. */
const modestRate = 30_000
/** Half of what Redis can pass on to as many, in rows a second: found once, and the same for all. */
const halfOfRedis = 'half of Redis’s maximum, in rows a second'
/** What latency is measured at, as the figures call it. */
const loads = ['half of its own maximum', 'half of Redis’s maximum', `${modestRate} rows/s`] as const

async function measure(make: () => Promise<Feeder>, common: Readings): Promise<Readings> {
  await using fanOut = await FanOut.of(await make())
  const found: Record<string, number> = {}
  let rows = 0
  let astray = 0
  // The first rates are those of code that is not compiled yet.
  await fanOut.subscribe(1)
  for (let time = 0; time < 2; time += 1) await fanOut.fastest()
  for (const count of counts) {
    await fanOut.subscribe(count)
    const { perCpuSecond, perSecond, report } = await fanOut.fastest()
    found[`to ${count}, a CPU second`] = perCpuSecond
    found[`to ${count}, a second`] = perSecond
    rows += report.rows
    astray += report.astray
    if (count !== latencyAmong) continue
    const rates = [perSecond / count / 2, common[halfOfRedis] ?? Infinity, modestRate]
    for (const [index, name] of loads.entries()) {
      const rate = rates[index] ?? Infinity
      // Who cannot keep up has no latency, only a backlog.
      if (rate * count > perSecond) continue
      await fanOut.subscribe(count)
      const { report, longestPause, paused } = await fanOut.steady(rate)
      found[`latency at ${name}, p50`] = report.p50
      found[`latency at ${name}, p99`] = report.p99
      found[`  of it garbage collection at ${name}, longest`] = longestPause
      found[`  of it garbage collection at ${name}, of the time`] = paused
      rows += report.rows
      astray += report.astray
    }
  }
  found['rows that came in order'] = (100 * rows) / (rows + astray)
  found['load of the machine'] = loadavg()[0] ?? NaN
  return found
}

/** The load at which we and Redis are compared fairly: the same rows a second, neither of us at its limit. */
async function findHalfOfRedis(): Promise<Readings> {
  await using fanOut = await FanOut.of(await redisFeeder())
  await fanOut.subscribe(latencyAmong)
  const found: number[] = []
  for (let time = 0; time < 4; time += 1) found.push((await fanOut.fastest()).perSecond)
  // The first rate is that of code that is not compiled yet.
  return { [halfOfRedis]: Math.max(...found.slice(1)) / latencyAmong / 2 }
}

/** What Synapse's own server did on one core, lines of 175 bytes. */
const synapse = { 'to 1, a CPU second': 134_000, 'to 10, a CPU second': 145_000 }

const deliveries = { unit: 'rows', better: 'more' } as const
const latency = { unit: 'ms', better: 'less' } as const
/** Whoever makes the rows stands still for garbage meanwhile, so that rows just made are late by as much. */
const latencies: Benchmark['figures'] = Object.fromEntries(
  loads.flatMap((load): [string, Figure][] => [
    [`latency at ${load}, p50`, latency],
    [`latency at ${load}, p99`, latency],
    [`  of it garbage collection at ${load}, longest`, latency],
    [`  of it garbage collection at ${load}, of the time`, { unit: '%', better: 'less' }],
  ]),
)

/**
 * What nobody who turns values into JSON can do without, and who is given them as values, as ours and Synapse’s are,
 * must: `JSON.stringify`, and the text as bytes. With one subscriber it is most of the work.
 */
function jsonAlone(): Record<string, number> {
  let perCpuSecond = 0
  // The first round is that of code that is not compiled yet.
  for (let round = 0; round < 2; round += 1) {
    const cpu = ownCpuSeconds()
    const groups = 3000
    for (let group = 0; group < groups; group += 1) {
      let text = ''
      for (let row = 0; row < groupRows; row += 1) text += JSON.stringify(rowOf(row))
      Buffer.from(text)
    }
    perCpuSecond = (groups * groupRows) / (ownCpuSeconds() - cpu)
  }
  return { 'to 1, a CPU second': perCpuSecond }
}

function redisSubject(version: string): Subject {
  return {
    name: `redis ${version} streams`,
    measure: async (common) => ({ ...common, ...(await measure(redisFeeder, common)) }),
  }
}

const redis = redisVersion()
if (redis === null) process.stderr.write('redis-server is not installed: measured without it\n')

export const benchmarks: readonly Benchmark[] = [
  {
    name: `deliveries of lines of 175 bytes, appended ${groupRows} at a time`,
    figures: {
      'to 1, a CPU second': { ...deliveries, limit: 10 * synapse['to 1, a CPU second'] },
      'to 10, a CPU second': { ...deliveries, limit: 10 * synapse['to 10, a CPU second'] },
      'to 100, a CPU second': deliveries,
      'to 1000, a CPU second': deliveries,
      ...Object.fromEntries(counts.map((count) => [`to ${count}, a second`, deliveries])),
      [halfOfRedis]: { unit: 'rows', better: 'more' },
      ...latencies,
      'rows that came in order': { unit: '%', better: 'more', limit: 100 },
      'load of the machine': { unit: '', better: 'less' },
    },
    runs: 3,
    ...(redis !== null && { common: findHalfOfRedis }),
    subjects: [
      { name: 'holdfast', measure: (common) => measure(holdfastFeeder, common) },
      { name: 'holdfast, rows that are JSON already', measure: (common) => measure(readyFeeder, common) },
      { name: 'JSON.stringify alone, sent nowhere', measure: jsonAlone },
      { name: 'naive loop of socket.write', measure: (common) => measure(naiveFeeder, common) },
      ...(redis === null ? [] : [redisSubject(redis)]),
      { name: 'Synapse’s own server', measure: () => synapse },
    ],
  },
]
