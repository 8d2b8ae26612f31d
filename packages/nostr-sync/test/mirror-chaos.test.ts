import { nodeEnv } from '@holdfast/core/node'
import { seededRandom } from '@holdfast/core/testing'
import {
  type EventStore,
  memoryStore,
  type NostrEvent,
  type NostrMirror,
  nostrMirror,
  type RelayEndpoint,
  relayEndpoint,
} from '@holdfast/nostr-sync'
import { trustingVerifier } from '@holdfast/nostr-sync/testing'
import { expect, it, onTestFailed } from 'vitest'
import { madeEvent } from './support/made-event.js'
import { alice, comment, issue, repoKey } from './support/mirror-bench.js'

/** A node as it would be deployed: a store, a mirror, and an endpoint that others mirror. */
class Node implements AsyncDisposable {
  readonly store: EventStore = memoryStore()
  endpoint: RelayEndpoint | null = null
  mirror: NostrMirror | null = null
  readonly #env = nodeEnv({ name: 'node' })

  async listen(port = 0): Promise<number> {
    const intake = this.mirror?.intake
    if (intake === undefined) throw new Error('the mirror comes first')
    const at = { uri: `ws://127.0.0.1:${port}` }
    this.endpoint = await relayEndpoint({ env: this.#env, at, store: this.store, intake })
    return Number(new URL(this.endpoint.url).port)
  }

  /** As a killed process: links are reset, nobody listens, and soon there is another one. */
  async crash(): Promise<void> {
    const port = Number(new URL(this.endpoint?.url ?? '').port)
    await this.endpoint?.[Symbol.asyncDispose]()
    await this.listen(port)
  }

  async begin(domains: readonly string[]): Promise<void> {
    this.mirror = await nostrMirror({
      env: this.#env,
      store: this.store,
      domains,
      verifier: trustingVerifier(),
      allowPrivateTargets: true,
      batchWindow: 100,
      relay: { backoff: { base: 50, cap: 150 }, stableAfter: 200 },
    })
  }

  publish(...events: readonly NostrEvent[]): void {
    for (const event of events) this.mirror?.intake.offer(event, { kind: 'client' })
  }

  ids(): string[] {
    return this.store.query({}, { limit: 100_000, maxExamined: 1_000_000 }).events.map(({ id }) => id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mirror?.close()
    await this.endpoint?.[Symbol.asyncDispose]()
    await this.store.close()
  }
}

it('two nodes that crash again and again have the same events in the end', {
  timeout: 40_000,
}, async () => {
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  onTestFailed(() => console.error(`seed ${seed}`))
  const random = seededRandom(seed)
  await using a = new Node()
  await using b = new Node()
  // Each has to know its port before it knows its domain.
  const domains: string[] = []
  for (const node of [a, b]) {
    await node.begin(domains)
    domains.push(`127.0.0.1:${await node.listen()}`)
  }
  for (const node of [a, b]) {
    const domain = domains[node === a ? 0 : 1] ?? ''
    await node.mirror?.close()
    await node.endpoint?.[Symbol.asyncDispose]()
    await node.begin([domain])
    await node.listen(Number(domain.split(':')[1]))
  }
  const now = Math.floor(Date.now() / 1000)
  const published: NostrEvent[] = [
    madeEvent({
      kind: 30617,
      pubkey: alice,
      created_at: now,
      tags: [
        ['d', 'repo'],
        ['clone', ...domains.map((domain) => `http://${domain}/repo.git`)],
        ['relays', ...domains.map((domain) => `ws://${domain}`)],
      ],
    }),
  ]
  for (const node of [a, b]) {
    node.publish(...published)
    node.mirror?.start()
  }
  for (let round = 0; round < 40; round++) {
    const node = random() < 0.5 ? a : b
    const bug = issue(`${round}`, now, repoKey)
    const events = [bug, comment(bug, 'live', now), comment(bug, 'written long ago', 1_600_000_000 + round)]
    published.push(...events)
    node.publish(...events)
    await new Promise((resolve) => setTimeout(resolve, random() * 100))
    if (random() < 0.4) await (random() < 0.5 ? a : b).crash()
  }
  const wanted = published.map(({ id }) => id).sort()
  await expect
    .poll(() => [a.ids().sort(), b.ids().sort()], { timeout: 25_000, interval: 100 })
    .toEqual([wanted, wanted])
})
