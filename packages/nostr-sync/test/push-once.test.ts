import { systemEnv } from '@holdfast/core'
import { memoryNetwork, testEnv } from '@holdfast/core/testing'
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
    expect(await over).toEqual({ delivered: 50, refused: 0 })
    expect(new Set(relay.events.map(({ id }) => id)).size).toBe(50)
    expect(received(relay)).toBeGreaterThan(50)
  })

  it('gives up where nobody answers', async () => {
    const nobody = pushes({ url: 'ws://127.0.0.1:1' }, [event], { connectWithin: 50 })
    await expect(nobody).rejects.toMatchObject({ code: 'HF_NOT_READY' })
  })
})

describe('a relay that goes in the middle (spec 10)', () => {
  /** On a virtual clock, with half of the events there already. */
  async function half(options: { faults?: RelayFaults } = {}) {
    const time = testEnv()
    const network = memoryNetwork(time.clock, { framing: 'messages', latency: 1 })
    const at = { uri: 'wss://relay.example' }
    const relay = await scriptedRelay({ acceptor: network, at, events: made(20), ...options })
    const over = pushes({ url: at.uri }, made(50), { env: time, dialer: network })
    // Looked at later.
    over.catch(() => undefined)
    await time.clock.advanceAsync(100)
    return { relay, over, clock: time.clock }
  }
  const notReady = { code: 'HF_NOT_READY' }

  it('is waited for as long as for the first connection, and then given up', async () => {
    const { relay, over, clock } = await half({ faults: { noOk: true } })
    expect(received(relay)).toBe(30)
    await relay.close()
    let isOver = false
    over.catch(() => (isOver = true))
    await clock.advanceAsync(19_000)
    expect(isOver).toBe(false)
    await clock.advanceAsync(1100)
    await expect(over).rejects.toMatchObject(notReady)
  })

  it('is given up although it takes every link, when it drops each at once', async () => {
    const { relay, over, clock } = await half({ faults: { dropAfterReceived: 2 } })
    await clock.advanceAsync(300_000)
    await expect(over).rejects.toMatchObject(notReady)
    expect(relay.clients.length).toBeGreaterThan(2)
  })

  it('R103: is given up when it says OK to nothing', async () => {
    const { over, clock } = await half({ faults: { noOk: true } })
    await clock.advanceAsync(31_000)
    await expect(over).rejects.toThrow('wss://relay.example cannot be reached: no OK for 30000 ms')
  })

  it.each([
    ['compares', 30, {}],
    ['is sent everything', 50, { negentropy: 'closed' }],
  ] as const)('R103: what came before counts once, by a relay that %s', async (_, delivered, faults) => {
    const { relay, over, clock } = await half({ faults: { dropAfterReceived: 15, ...faults } })
    expect(received(relay)).toBeGreaterThan(10)
    delete relay.faults.dropAfterReceived
    await clock.advanceAsync(15_000)
    expect(await over).toEqual({ delivered, refused: 0 })
  })
})
