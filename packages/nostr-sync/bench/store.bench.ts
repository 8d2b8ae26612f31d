/** How fast events go into a store, and how fast they are found. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventStore, eventId, memoryStore, type NostrEvent, openLmdbStore } from '@holdfast/nostr-sync'
import type { Benchmark } from '../../../bench/benchmark.js'

const events = 50_000
const repos = 500
const author = 'a'.repeat(64)

function event(index: number): NostrEvent {
  const repo = `30617:${author}:repo-${index % repos}`
  const tags = [
    ['a', repo],
    ['p', author],
    ['t', `topic-${index % 50}`],
  ]
  const unsigned = {
    pubkey: author,
    created_at: 1_700_000_000 + index,
    kind: 1621,
    tags,
    content: 'x'.repeat(300),
  }
  return { id: eventId(unsigned), ...unsigned, sig: '0'.repeat(128) }
}

function rate(calls: number, call: (index: number) => unknown): number {
  const start = performance.now()
  for (let index = 0; index < calls; index++) call(index)
  return (calls * 1000) / (performance.now() - start)
}

async function fill(store: EventStore, all: readonly NostrEvent[]): Promise<number> {
  const start = performance.now()
  for (let at = 0; at < all.length; at += 500) await store.put(all.slice(at, at + 500))
  return (all.length * 1000) / (performance.now() - start)
}

async function measureStore(store: EventStore): Promise<Record<string, number>> {
  const all = Array.from({ length: events }, (_, index) => event(index))
  const puts = await fill(store, all)
  const gets = rate(20_000, (index) => store.get(all[(index * 7919) % events]?.id ?? ''))
  const queries = rate(2000, (index) =>
    store.query({ '#a': [`30617:${author}:repo-${index % repos}`] }, { limit: 10 }),
  )
  const start = performance.now()
  const items = await store.items({ kinds: [1621] })
  if (items === 'too-many' || items.size !== events) throw new Error('not all are listed')
  return { puts, gets, queries, items: performance.now() - start }
}

async function onLmdb(): Promise<Record<string, number>> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  try {
    await using store = await openLmdbStore({ path })
    return await measureStore(store)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

async function inMemory(): Promise<Record<string, number>> {
  await using store = memoryStore()
  return await measureStore(store)
}

/** See `bench/run.ts`. */
export const benchmarks: readonly Benchmark[] = [
  {
    name: 'A store of 50,000 events with three tags each',
    figures: {
      puts: { unit: 'events/s stored, 500 at a time', better: 'more' },
      gets: { unit: 'events/s by id', better: 'more' },
      queries: { unit: 'queries/s for 10 by #a', better: 'more' },
      items: { unit: 'ms for all (created_at, id)', better: 'less' },
    },
    subjects: [
      { name: 'LMDB', measure: onLmdb },
      { name: 'memory', measure: inMemory },
    ],
    runs: 3,
  },
]
