/** How many rows a server delivers to how many subscribers, and how soon. */
import { loadavg } from 'node:os'
import type { Benchmark } from '../../../bench/benchmark.js'
import { FanOut, type Feeder, groupRows } from './fan-out.js'
import { holdfastFeeder, ownCpuSeconds } from './holdfast-feeder.js'
import { naiveFeeder } from './naive-feeder.js'
import { readyFeeder } from './ready-feeder.js'
import { redisFeeder } from './redis-feeder.js'
import { redisVersion } from './redis-server.js'
import { rowOf } from './row.js'

const counts = [1, 10, 100, 1000] as const
const latencyAmong = 10
/** Rows a second: about half of what Redis can do. */
const commonRate = 30_000

async function measure(make: () => Promise<Feeder>): Promise<Record<string, number>> {
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
    for (const [name, rate] of [
      ['half of that', perSecond / count / 2],
      [`${commonRate} rows/s`, commonRate],
    ] as const) {
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

/** What Synapse's own server did on one core, lines of 175 bytes. */
const synapse = { 'to 1, a CPU second': 134_000, 'to 10, a CPU second': 145_000 }

const deliveries = { unit: 'rows', better: 'more' } as const
const latency = { unit: 'ms', better: 'less' } as const
/** Whoever makes the rows stands still meanwhile, so that rows just made are late by as much. */
function pauses(load: string): Benchmark['figures'] {
  return {
    [`  of it garbage collection at ${load}, longest`]: latency,
    [`  of it garbage collection at ${load}, of the time`]: { unit: '%', better: 'less' },
  }
}

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
      'latency at half of that, p50': latency,
      'latency at half of that, p99': latency,
      ...pauses('half of that'),
      [`latency at ${commonRate} rows/s, p50`]: latency,
      [`latency at ${commonRate} rows/s, p99`]: latency,
      ...pauses(`${commonRate} rows/s`),
      'rows that came in order': { unit: '%', better: 'more', limit: 100 },
      'load of the machine': { unit: '', better: 'less' },
    },
    runs: 3,
    subjects: [
      { name: 'holdfast', measure: () => measure(holdfastFeeder) },
      { name: 'holdfast, rows that are JSON already', measure: () => measure(readyFeeder) },
      { name: 'JSON.stringify alone, sent nowhere', measure: jsonAlone },
      { name: 'naive loop of socket.write', measure: () => measure(naiveFeeder) },
      ...(redis === null ? [] : [{ name: `redis ${redis} streams`, measure: () => measure(redisFeeder) }]),
      { name: 'Synapse’s own server', measure: () => synapse },
    ],
  },
]
