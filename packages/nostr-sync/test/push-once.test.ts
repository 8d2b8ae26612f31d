import { systemEnv } from '@holdfast/core'
import { memoryStore, type NostrEvent, type PushOptions, pushOnce } from '@holdfast/nostr-sync'
import {
  embeddedRelay,
  type RelayFaults,
  type ScriptedRelay,
  scriptedRelay,
  TestAuthor,
  trustingVerifier,
} from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'

const alice = new TestAuthor('alice')
const env = systemEnv()
const event = alice.signs()
/** Signatures are not looked at here. */
const made = (count: number, from = 0): NostrEvent[] =>
  Array.from({ length: count }, (_, n) => ({ ...event, id: (from + n).toString(16).padStart(64, '0') }))

async function pushes(
  relay: { readonly url: string },
  events: readonly NostrEvent[],
  options: Partial<PushOptions> = {},
) {
  await using store = memoryStore()
  await store.put(events)
  return await pushOnce({ env, store, url: relay.url, filters: [{}], connectWithin: 20_000, ...options })
}

const received = (relay: ScriptedRelay): number =>
  relay.clients.reduce((sum, client) => sum + client.messages('event').length, 0)
const withFaults = (faults: RelayFaults, events: readonly NostrEvent[] = []): Promise<ScriptedRelay> =>
  scriptedRelay({ faults, events })

describe('sending a relay what it lacks, once (spec 10)', () => {
  it('R103: sends nothing but that, and only of what was asked', async () => {
    await using relay = await embeddedRelay({ events: [event], verifier: trustingVerifier() })
    const [issue, patch] = [alice.signs({ kind: 1621 }), alice.signs({ kind: 1617 })]
    const answers: number[] = []
    const stats = await pushes(relay, [event, issue, patch], {
      filters: [{ kinds: [event.kind] }, { kinds: [1621] }],
      onAnswer: ({ delivered }) => answers.push(delivered),
    })
    expect(stats).toEqual({ delivered: 1, refused: 0 })
    expect(answers).toEqual([1])
    expect([issue, patch].map(({ id }) => relay.store.has(id))).toEqual([true, false])
  })

  it('R103: is over at once where nothing is lacking', async () => {
    await using relay = await embeddedRelay({ events: [event], verifier: trustingVerifier() })
    expect(await pushes(relay, [event])).toEqual({ delivered: 0, refused: 0 })
    expect(relay.endpoint.stats.received.get('event') ?? 0).toBe(0)
  })

  it.each(['notice', 'closed'] as const)(
    'R99, R103: sends everything where there is no negentropy: %s',
    async (negentropy) => {
      await using relay = await withFaults({ negentropy }, made(10))
      expect(await pushes(relay, made(250))).toEqual({ delivered: 250, refused: 0 })
      expect(relay.events).toHaveLength(250)
    },
  )

  it('R103: asks nothing where negentropy is off', async () => {
    await using relay = await scriptedRelay({ events: made(10) })
    expect(await pushes(relay, made(20), { negentropy: 'off' })).toEqual({ delivered: 20, refused: 0 })
    expect(relay.clients[0]?.messages('neg-open')).toEqual([])
  })

  it('R103: counts what the relay refuses', async () => {
    await using relay = await embeddedRelay({ verifier: trustingVerifier() })
    const stats = await pushes(relay, [alice.signs({ tags: [['-']] }), event])
    expect(stats).toEqual({ delivered: 1, refused: 1 })
  })

  it('begins again on another link when one is lost', async () => {
    await using relay = await withFaults({ dropAfterReceived: 20 })
    const over = pushes(relay, made(50))
    await expect.poll(() => relay.clients.length, { timeout: 20_000 }).toBe(2)
    delete relay.faults.dropAfterReceived
    expect(await over).toMatchObject({ refused: 0 })
    expect(new Set(relay.events.map(({ id }) => id)).size).toBe(50)
    expect(received(relay)).toBeGreaterThan(50)
  })

  it('gives up where nobody answers', async () => {
    const nobody = pushes({ url: 'ws://127.0.0.1:1' }, [event], { connectWithin: 50 })
    await expect(nobody).rejects.toMatchObject({ code: 'HF_NOT_READY' })
  })
})
