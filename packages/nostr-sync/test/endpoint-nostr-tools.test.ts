import { systemEnv } from '@holdfast/core'
import { type NostrEvent, startVerifier } from '@holdfast/nostr-sync'
import { embeddedRelay, TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { nip77 } from 'nostr-tools'
import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure'
import { Relay } from 'nostr-tools/relay'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

// nostr-tools looks for it when it connects; Node.js 20 has none of its own.
Object.assign(globalThis, { WebSocket })

const key = generateSecretKey()
const signed = (content: string, kind = 1) =>
  finalizeEvent({ kind, created_at: 1_700_000_000, tags: [], content }, key)

describe('nostr-tools as a client of the endpoint', () => {
  it('NIP-01: publishes, is refused, reads what is stored and what comes', async () => {
    await using relay = await embeddedRelay()
    const client = await Relay.connect(relay.url)
    const first = signed('first')
    await client.publish(first)
    expect(relay.store.has(first.id)).toBe(true)
    await expect(client.publish({ ...signed('second'), content: 'altered' })).rejects.toThrow(/^invalid: /)
    const heard: string[] = []
    await new Promise<void>((resolve) =>
      client.subscribe([{ kinds: [1] }], { onevent: ({ content }) => heard.push(content), oneose: resolve }),
    )
    expect(heard).toEqual(['first'])
    await client.publish(signed('third'))
    await expect.poll(() => heard).toEqual(['first', 'third'])
    client.close()
  })

  it('NIP-45: counts', async () => {
    await using relay = await embeddedRelay({
      events: ['a', 'b', 'c'].map((content) => signed(content)),
      verifier: trustingVerifier(),
    })
    const client = await Relay.connect(relay.url)
    expect(await client.count([{ kinds: [1] }], {})).toBe(3)
    client.close()
  })

  it('NIP-42: authenticates when it is asked to', async () => {
    await using verifier = await startVerifier({ env: systemEnv(), workers: 1 })
    const auth = { url: '', required: true, verifier }
    await using relay = await embeddedRelay({ verifier, auth })
    auth.url = relay.url
    const client = await Relay.connect(relay.url)
    await expect(client.publish(signed('x'))).rejects.toThrow(/^auth-required: /)
    await client.auth((template) => Promise.resolve(finalizeEvent(template, key)))
    await client.publish(signed('x'))
    client.close()
  })

  it('NIP-77: its negentropy finds out what each side lacks', async () => {
    const alice = { ...new TestAuthor('alice').signs() }
    const events: NostrEvent[] = Array.from({ length: 3000 }, (_, n) => ({
      ...alice,
      id: n.toString(16).padStart(4, '0').repeat(16),
      created_at: 1_700_000_000 + Math.floor(n / 3),
    }))
    await using relay = await embeddedRelay({ events: events.slice(20), verifier: trustingVerifier() })
    const client = await Relay.connect(relay.url)
    const storage = new nip77.NegentropyStorageVector()
    for (const { created_at, id } of events.slice(0, 2980)) storage.insert(created_at, id)
    storage.seal()
    const have = new Set<string>()
    const need = new Set<string>()
    await new Promise<void>((resolve, reject) => {
      const sync = new nip77.NegentropySync(
        client,
        storage,
        { kinds: [1] },
        {
          onhave: (id) => have.add(id),
          onneed: (id) => need.add(id),
          onclose: (why) => (why === undefined ? resolve() : reject(new Error(why))),
        },
      )
      void sync.start()
    })
    const idsOf = (some: readonly NostrEvent[]) => some.map(({ id }) => id)
    expect([...have].toSorted()).toEqual(idsOf(events.slice(0, 20)))
    expect([...need].toSorted()).toEqual(idsOf(events.slice(2980)))
    client.close()
  })
})
