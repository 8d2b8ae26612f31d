import { systemClock } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import type { Scorecard } from '@holdfast/core/service'
import { memoryStore, type NostrEvent, nostrMirror, openPolicy, relayEndpoint } from '@holdfast/nostr-sync'
import { embeddedRelay, TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { OwnClock } from '../../support/own-clock.js'
import { TestClient } from '../../support/test-client.js'
import { until } from './until.js'

const alice = new TestAuthor('alice')
const hour = 3_600_000
const steps = [hour, -hour, 0, 24 * hour, -24 * hour, 365 * 24 * hour, 5000, -5000, 0]

export async function attackByClock(card: Scorecard): Promise<void> {
  const clock = new OwnClock(systemClock())
  const env = { ...nodeEnv({ name: 'attacked' }), clock }
  await using relay = await embeddedRelay({ verifier: trustingVerifier() })
  await using store = memoryStore(clock)
  const verifier = trustingVerifier()
  await using mirror = await nostrMirror({
    ...{ env, store, verifier, domains: ['grasp.example'], policy: openPolicy() },
    ...{ bootstrapRelays: [relay.url], allowPrivateTargets: true, batchWindow: 200 },
  })
  await using endpoint = await relayEndpoint({
    ...{ env, store, intake: mirror.intake, at: { uri: 'ws://127.0.0.1:0' } },
  })
  await using client = await TestClient.connect(endpoint.url)
  mirror.start()
  await until(() => mirror.relay(relay.url)?.status === 'connected')
  const all: NostrEvent[] = []
  for (const [index, step] of steps.entries()) {
    clock.setAhead(step)
    for (let n = 0; n < 50; n++) {
      const created_at = Math.floor(Date.now() / 1000) - n * 3600
      all.push(alice.announces(`${index} ${n}`, { created_at, relays: [relay.url] }))
    }
    await relay.publish(...all.slice(-50))
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const missing = (): number => all.filter(({ id }) => !store.has(id)).length
  await card.seen(
    'everything that was published meanwhile is there',
    until(() => missing() === 0, 60_000),
  )
  const { reconnects } = mirror.relay(relay.url)?.counter.counts ?? {}
  const lost = Object.values(reconnects ?? {}).reduce((sum, one) => sum + one, 0)
  card.equal('links that were lost over it', 0, lost)
  card.promise('clients stay', client.closed === null, `${endpoint.stats.subscriptions} subscriptions`)
  await client.stored('still', { limit: 1 })
}
