import { join } from 'node:path'
import { collectMetrics } from '@holdfast/core/service'
import {
  registerMirrorMetrics,
  registerRelayMetrics,
  registerTimings,
  relayEndpoint,
} from '@holdfast/nostr-sync'
import { trustingVerifier } from '@holdfast/nostr-sync/testing'
import { expect, it } from 'vitest'
import { missingIn } from '../../../tools/watching.js'
import { mirrorBench, url } from './support/mirror-bench.js'

it('R104: dashboard and alerts ask for nothing but what is there', async () => {
  using collected = collectMetrics()
  const { registry } = collected
  registerTimings(registry)
  await using bench = await mirrorBench({ bootstrapRelays: [url] })
  const { env, network, store, mirror } = bench
  await using endpoint = await relayEndpoint({
    ...{ env, store, intake: mirror.intake, acceptor: network, at: { uri: 'wss://grasp.example' } },
  })
  registerMirrorMetrics(registry, mirror)
  registerRelayMetrics(registry, { store, intake: mirror.intake, verifier: trustingVerifier(), endpoint })
  expect(await missingIn(registry, join(import.meta.dirname, '../deploy'))).toEqual([])
})
