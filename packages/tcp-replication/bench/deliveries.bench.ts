/** How many rows a server delivers to how many subscribers, and how soon. */
import { loadavg } from 'node:os'
import type { Benchmark } from '../../../bench/benchmark.js'
import { FanOut, type Feeder, groupRows } from './fan-out.js'
import { holdfastFeeder } from './holdfast-feeder.js'
import { naiveFeeder } from './naive-feeder.js'
import { readyFeeder } from './ready-feeder.js'
import { redisFeeder } from './redis-feeder.js'
import { redisVersion } from './redis-server.js'

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
      const report = await fanOut.steady(rate)
      found[`latency at ${name}, p50`] = report.p50
      found[`latency at ${name}, p99`] = report.p99
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
      [`latency at ${commonRate} rows/s, p50`]: latency,
      [`latency at ${commonRate} rows/s, p99`]: latency,
      'rows that came in order': { unit: '%', better: 'more', limit: 100 },
      'load of the machine': { unit: '', better: 'less' },
    },
    runs: 3,
    subjects: [
      { name: 'holdfast', measure: () => measure(holdfastFeeder) },
      { name: 'holdfast, rows that are JSON already', measure: () => measure(readyFeeder) },
      { name: 'naive loop of socket.write', measure: () => measure(naiveFeeder) },
      ...(redis === null ? [] : [{ name: `redis ${redis} streams`, measure: () => measure(redisFeeder) }]),
      { name: 'Synapse’s own server', measure: () => synapse },
    ],
  },
]
