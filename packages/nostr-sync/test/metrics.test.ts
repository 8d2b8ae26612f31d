import {
  RejectedEvents,
  registerMirrorMetrics,
  registerRelayMetrics,
  registerTimings,
  relayEndpoint,
} from '@holdfast/nostr-sync'
import { TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { announcement, issue, mirrorBench, url } from './support/mirror-bench.js'

/** Of the specification (10), after the prefix. */
const names = [
  'relay_connected',
  'connection_attempts_total',
  'relay_status',
  'relay_failures',
  'events_synced_total',
  'relays_tracked_total',
  'relays_connected_total',
  'relays_dead_total',
  'rejected_hot_cache_current',
  'rejected_hot_cache_hits_total',
  'rejected_hot_cache_misses_total',
  'rejected_hot_cache_expired_total',
  'rejected_cold_index_current',
  'rejected_cold_index_expired_total',
  'rejected_invalidated_total',
  'naughty_relays_total',
  'naughty_relay_info',
  'verify_seconds',
  'verify_queue_length',
  'events_received_total',
  'negentropy_sessions_total',
  'negentropy_rounds',
  'negentropy_bytes_total',
  'catchup_seconds',
  'reconnects_total',
  'pages_total',
  'open_subscriptions',
  'pending_batches',
  'watermark_age_seconds',
]

describe('R104: metrics', () => {
  it('have the names of the specification, and no relay that is not tracked', async () => {
    const registry = new Registry()
    const timings = registerTimings(registry)
    await using bench = await mirrorBench({ bootstrapRelays: [url], onCaughtUp: timings.onCaughtUp })
    const { env, network, store, mirror } = bench
    await using endpoint = await relayEndpoint({
      ...{ env, store, intake: mirror.intake, acceptor: network, at: { uri: 'wss://grasp.example' } },
    })
    registerMirrorMetrics(registry, mirror)
    registerRelayMetrics(registry, { store, intake: mirror.intake, verifier: trustingVerifier(), endpoint })
    await using relay = await bench.relay({ events: [announcement([url]), issue('bug')] })
    mirror.start()
    await bench.sync()
    const text = await registry.metrics()
    expect(names.filter((name) => !text.includes(`# TYPE holdfast_nostr_${name} `))).toEqual([])
    for (const line of [
      `relay_connected{relay="${url}"} 3`,
      `connection_attempts_total{relay="${url}",result="success"} 1`,
      `events_received_total{relay="${url}",result="saved"} 2`,
      `negentropy_sessions_total{relay="${url}",result="reconciled"}`,
      `reconnects_total{relay="${url}",strategy="quick-reconnect"} 0`,
      'relays_connected_total 1',
      'catchup_seconds_count{strategy="fresh-start"} 1',
    ])
      expect(text).toContain(`holdfast_nostr_${line}`)
    expect(text).toMatch(/negentropy_bytes_total\{direction="in"\} [1-9]/)
    relay.clients.at(-1)?.drop()
    await bench.sync()
    expect(await registry.metrics()).toContain(
      `holdfast_nostr_reconnects_total{relay="${url}",strategy="quick-reconnect"} 1`,
    )
  })

  it('R87: name the fault of a relay that will not be over soon', async () => {
    const registry = new Registry()
    const failure = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    await using bench = await mirrorBench({
      bootstrapRelays: [url],
      resolve: () => Promise.reject(failure),
    })
    registerMirrorMetrics(registry, bench.mirror)
    bench.mirror.start()
    await bench.sync()
    const text = await registry.metrics()
    expect(text).toContain('holdfast_nostr_naughty_relays_total{category="name"} 1')
    expect(text).toContain(
      `holdfast_nostr_naughty_relay_info{relay="${url}",category="name",reason="ENOTFOUND"} 1`,
    )
    expect(text).toContain(`holdfast_nostr_connection_attempts_total{relay="${url}",result="failure"} 1`)
  })
})

describe('R75: what was rejected is counted', () => {
  const alice = new TestAuthor('alice')
  const orphan = alice.signs({ kind: 1111, tags: [['e', alice.signs({ content: 'parent' }).id]] })

  it('while it is there in whole, then by id, until another event lifts it', () => {
    const rejected = new RejectedEvents()
    rejected.add(orphan, 'orphan', 0)
    expect(rejected.counts.other).toMatchObject({ hot: 1, cold: 1 })
    expect(rejected.release(alice.signs({ content: 'parent' }))).toEqual([orphan])
    expect(rejected.counts.other).toMatchObject({ hot: 0, cold: 0, hits: 1, misses: 0 })
    rejected.add(orphan, 'orphan', 0)
    rejected.sweep(120_001)
    expect(rejected.counts.other).toMatchObject({ hot: 0, cold: 1, expiredHot: 1 })
    expect(rejected.release(alice.signs({ content: 'parent' }))).toEqual([])
    expect(rejected.counts.other).toMatchObject({ cold: 0, misses: 1 })
    rejected.add(alice.announces('other'), 'does-not-list-service', 0)
    rejected.sweep(604_800_001)
    expect(rejected.counts.announcement).toMatchObject({ hot: 0, cold: 0, expiredHot: 1, expiredCold: 1 })
  })
})
