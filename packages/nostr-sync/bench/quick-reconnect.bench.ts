/** How long it takes until a relay that was away for half a minute is caught up with. */
import { type Clock, systemClock } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { memoryStore, type NostrMirror, nostrMirror, startVerifier } from '@holdfast/nostr-sync'
import type { Benchmark } from '../../../bench/benchmark.js'
import { bundle } from '../../../bench/bundle.js'
import { Part } from './part.js'

const past = 2000
const outageMs = 30_000

/** A clock that can be set: nobody has to wait for the outage. */
function settableClock(): Clock & { set(by: number): void } {
  const clock = systemClock()
  let shift = 0
  return {
    now: () => clock.now(),
    wall: () => clock.wall() + shift,
    mark: () => clock.mark(),
    since: (mark) => clock.since(mark),
    after: (ms, fn) => clock.after(ms, fn),
    sweep: (ms, fn) => clock.sweep(ms, fn),
    onDisturbance: (listener) => clock.onDisturbance(listener),
    set: (by) => (shift += by),
  }
}

async function until(isMet: () => boolean, what: string): Promise<void> {
  for (const began = performance.now(); !isMet(); ) {
    if (performance.now() - began > 120_000) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function measure(missed: number): Promise<Record<string, number>> {
  await bundle('packages/nostr-sync/bench/worker-thread.ts')
  await using relay = await Part.start('relay', String(past))
  const clock = settableClock()
  const env = nodeEnv({ name: 'bench', clock })
  await using store = memoryStore(clock)
  await using verifier = await startVerifier({ env, backend: 'wasm', workers: 2 })
  await using mirror: NostrMirror = await nostrMirror({
    ...{ env, store, verifier, domains: ['grasp.example'], bootstrapRelays: [relay.said] },
    allowPrivateTargets: true,
    batchWindow: 200,
    relay: { backoff: { base: 200 } },
  })
  const url = relay.said
  const status = (): string | undefined => mirror.state.relays.find((each) => each.url === url)?.status
  mirror.start()
  await until(() => store.size === past + 1 && status() === 'connected', 'everything was fetched')
  await relay.tell({ absent: missed })
  await until(() => status() === 'disconnected' || status() === 'connecting', 'the relay was gone')
  clock.set(outageMs)
  const connected: { at: number | null } = { at: null }
  const following = mirror.state$.subscribe(() => {
    if (status() === 'syncing') connected.at ??= performance.now()
  })
  const cpu = process.cpuUsage()
  await relay.tell({ back: true })
  const isCaughtUp = (): boolean => {
    const found = mirror.state.relays.find((each) => each.url === url)
    return connected.at !== null && store.size === past + 1 + missed && found?.pendingBatches === 0
  }
  await until(isCaughtUp, 'what was missed was fetched')
  const took = performance.now() - (connected.at ?? 0)
  const { user, system } = process.cpuUsage(cpu)
  following.unsubscribe()
  const found = mirror.state.relays.find((each) => each.url === url)
  if (found?.strategy !== 'quick-reconnect') throw new Error(`that was a ${found?.strategy ?? 'loss'}`)
  return { took, cpu: (user + system) / 1000 }
}

/** See `bench/run.ts`. */
export const benchmarks: readonly Benchmark[] = [
  {
    name: 'A quick reconnect to a relay that was away for 30 s',
    figures: {
      took: { unit: 'ms from the connection until all is stored', better: 'less' },
      cpu: { unit: 'ms CPU of all threads', better: 'less' },
    },
    subjects: [0, 100, 10_000].map((missed) => ({
      name: `Holdfast, ${missed.toLocaleString('en')} new events`,
      measure: () => measure(missed),
    })),
    runs: 3,
  },
]
