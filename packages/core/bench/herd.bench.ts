/** What a server sees of its clients when it returns. */
import { simulateHerd } from '@holdfast/core/testing'
import type { Benchmark, Subject } from '../../../bench/benchmark.js'
import { others, ours, type Strategy } from './strategies.js'

const clients = 10_000
/** The longest delay of ours, in seconds. */
const cap = 30
/** A server that could take everybody back in half the cap, if they came evenly. */
const capacity = (2 * clients) / cap

const figures = {
  'busiest second ÷ capacity': { unit: '×', better: 'less', limit: 1.2 },
  'all back after': { unit: 's', better: 'less', limit: cap + 2 },
  'dials per client': { unit: 'dials', better: 'less' },
} as const

function measure({ name, reconnect }: Strategy, oneProcess: boolean): Subject {
  return {
    name,
    measure: () => {
      const { peak, backAfter, dialsEach } = simulateHerd({ clients, capacity, reconnect, oneProcess })
      return {
        'busiest second ÷ capacity': peak / capacity,
        'all back after': backAfter / 1000,
        'dials per client': dialsEach,
      }
    },
  }
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: `10,000 processes, server away for 60 s, then ${Math.round(capacity)} connections/s`,
    figures,
    runs: 1,
    subjects: [ours, ...others].map((strategy) => measure(strategy, false)),
  },
  {
    name: '10,000 lifecycles of one process, the same server',
    figures,
    runs: 1,
    subjects: [measure(ours, true)],
  },
]
