/** How often a client connects to a peer that does not stay. */
import { simulateFlap } from '@holdfast/core/testing'
import type { Benchmark } from '../../../bench/benchmark.js'
import { others, ours } from './strategies.js'

const lives = { 'at once': 1, 'after 9 s': 9000, 'after 11 s': 11_000, 'after 60 s': 60_000 } as const
const seeds = Array.from({ length: 10 }, (_, seed) => seed)
const figure = { unit: 'connections', better: 'less', limit: 70 } as const

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'connections in 10 min, worst of 10 clients, to a peer that closes',
    figures: Object.fromEntries(Object.keys(lives).map((name) => [name, figure])),
    runs: 1,
    subjects: [ours, ...others].map(({ name, reconnect }) => ({
      name,
      measure: () =>
        Object.fromEntries(
          Object.entries(lives).map(([when, livesFor]) => [
            when,
            Math.max(...seeds.map((seed) => simulateFlap({ livesFor, reconnect, seed }))),
          ]),
        ),
    })),
  },
]
