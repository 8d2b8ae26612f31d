/** How many events a thread checks in a second: the id, and the signature. */
import { readFileSync } from 'node:fs'
import { eventId, type NostrEvent, type SchnorrBackend } from '@holdfast/nostr-sync'
import type { Benchmark } from '../../../bench/benchmark.js'
import { checkPacked, pack } from '../src/verify/packing.js'
import { loadSchnorr } from '../src/verify/schnorr.js'

const vectors = 'packages/nostr-sync/test/vectors/nostr-events.json'
const seconds = 2

async function measure(backend: SchnorrBackend): Promise<Record<string, number>> {
  const { events } = JSON.parse(readFileSync(vectors, 'utf8')) as { events: { event: NostrEvent }[] }
  const all = events.map(({ event }) => event)
  const verify = await loadSchnorr(backend)
  const round = (): void => {
    if (all.some((event) => eventId(event) !== event.id)) throw new Error('an id was misjudged')
    if (checkPacked(pack(all), verify).includes(0)) throw new Error('a signature was misjudged')
  }
  for (let warm = 0; warm < 5; warm++) round()
  let checked = 0
  const before = process.cpuUsage()
  const start = performance.now()
  for (; performance.now() - start < seconds * 1000; checked += all.length) round()
  const { user, system } = process.cpuUsage(before)
  return { checks: (checked * 1e6) / (user + system) }
}

/** See `bench/run.ts`. */
export const benchmarks: readonly Benchmark[] = [
  {
    name: 'Checking ids and signatures',
    figures: { checks: { unit: 'events/s CPU of one thread', better: 'more' } },
    subjects: [
      { name: 'WebAssembly', measure: () => measure('wasm') },
      { name: 'JavaScript', measure: () => measure('javascript') },
    ],
    runs: 3,
  },
]
