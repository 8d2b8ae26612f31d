/** How fast everything that a relay has is fetched, checked and stored: wire, signatures and disk together. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeEnv } from '@holdfast/core/node'
import {
  eventIntake,
  fetchOnce,
  openLmdbStore,
  openPolicy,
  relayOptions,
  type SchnorrBackend,
  startVerifier,
} from '@holdfast/nostr-sync'
import type { Benchmark } from '../../../bench/benchmark.js'
import { bundle } from '../../../bench/bundle.js'
import { Part } from './part.js'

const events = 100_000

async function measure(backend: SchnorrBackend, workers: number): Promise<Record<string, number>> {
  await bundle('packages/nostr-sync/bench/worker-thread.ts')
  const path = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  try {
    await using source = await Part.start('replay', String(events))
    const env = nodeEnv({ name: 'bench' })
    await using store = await openLmdbStore({ path })
    await using verifier = await startVerifier({ env, backend, workers })
    await using intake = eventIntake({ env, store, verifier, policy: openPolicy() })
    const relay = relayOptions({
      env,
      intake,
      items: (filter) => store.items(filter),
      allowPrivateTargets: true,
    })
    const cpu = process.cpuUsage()
    const began = performance.now()
    const busy = performance.eventLoopUtilization()
    const isComplete = await fetchOnce({ url: source.said, relay, filters: [{}], connectWithin: 30_000 })
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const { active } = performance.eventLoopUtilization(busy)
    if (!isComplete || store.size !== events) throw new Error(`only ${store.size} events came`)
    return {
      wall: events / seconds,
      cpu: (user + system) / events,
      loop: (active * 1000) / events,
    }
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

const figures = {
  wall: { unit: 'events/s fetched, checked and stored', better: 'more' },
  cpu: { unit: 'µs CPU of all threads an event', better: 'less' },
  loop: { unit: 'µs of the main thread an event', better: 'less' },
} as const

/** See `bench/run.ts`. */
export const benchmarks: readonly Benchmark[] = [
  {
    name: 'A first sync of 100,000 events, signatures by machine code',
    figures: { ...figures, wall: { ...figures.wall, limit: 10_000 } },
    subjects: [{ name: 'Holdfast, bcrypto in 1 thread', measure: () => measure('native', 1) }],
    runs: 3,
  },
  {
    name: 'A first sync of 100,000 events, signatures by WebAssembly',
    figures: { ...figures, wall: { ...figures.wall, limit: 3600 } },
    subjects: [{ name: 'Holdfast, 2 threads', measure: () => measure('wasm', 2) }],
    runs: 3,
  },
]
