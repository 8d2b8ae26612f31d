import { memoryNetwork, testEnv } from '@holdfast/core/testing'
import {
  compareOnce,
  eventIntake,
  fetchOnce,
  keySigner,
  memoryStore,
  negentropyItems,
  type OneShot,
  openPolicy,
  type RelayParts,
  relayOptions,
} from '@holdfast/nostr-sync'
import { type RelayFaults, scriptedRelay, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { announcement, issue, url } from './support/mirror-bench.js'

/** Something that is to be done with a relay of two events, on a virtual clock. */
async function setUp(parts: { faults?: RelayFaults; items?: RelayParts['items'] } = {}) {
  const { faults = {}, items = () => Promise.resolve(negentropyItems([])) } = parts
  const env = testEnv()
  const network = memoryNetwork(env.clock, { framing: 'messages', latency: 1 })
  const store = memoryStore(env.clock)
  const intake = eventIntake({ env, store, policy: openPolicy(), verifier: trustingVerifier() })
  const events = [announcement([url]), issue('bug')]
  const relay = await scriptedRelay({ acceptor: network, at: { uri: url }, events, faults })
  const options = relayOptions({
    ...{ env, intake, items, dialer: network },
    resolve: () => Promise.resolve(['203.0.114.1']),
    fetchInfo: () => Promise.resolve(null),
  })
  const shot: OneShot = { url, relay: options, filters: [{}], connectWithin: 20_000 }
  return { relay, shot, store, clock: env.clock }
}

/** Waits for it by the clock of the test. */
async function over<T>(result: Promise<T>, clock: { advanceAsync(ms: number): Promise<void> }): Promise<T> {
  result.catch(() => undefined)
  await clock.advanceAsync(30_000)
  return result
}

describe('one relay, once', () => {
  it('R98: is fetched from by negentropy', async () => {
    const { relay, shot, store, clock } = await setUp()
    expect(await over(fetchOnce(shot), clock)).toBe(true)
    expect(relay.events.every(({ id }) => store.has(id))).toBe(true)
  })

  it('is begun with again when the link is lost', async () => {
    const { relay, shot, clock } = await setUp({ faults: { dropAfterReceived: 1 } })
    const fetched = fetchOnce(shot)
    await clock.advanceAsync(100)
    delete relay.faults.dropAfterReceived
    expect(await over(fetched, clock)).toBe(true)
    expect(relay.clients).toHaveLength(2)
  })

  it.each([
    ['fetched from', fetchOnce],
    ['compared with', compareOnce],
  ] as const)('is not waited for without end when it goes while it is %s', async (_, act) => {
    const { relay, shot, clock } = await setUp({ faults: { negentropy: 'silent' } })
    const result = act(shot)
    result.catch(() => undefined)
    await clock.advanceAsync(1000)
    expect(relay.clients[0]?.messages('neg-open')).toHaveLength(1)
    await relay.close()
    await expect(over<unknown>(result, clock)).rejects.toMatchObject({ code: 'HF_NOT_READY' })
  })

  it('R92: is told who we are before it is compared with, if it asks', async () => {
    const { relay, shot, clock } = await setUp({ faults: { authRequired: true } })
    const known = { ...shot, relay: { ...shot.relay, signer: keySigner('07'.repeat(32)) } }
    const { need } = await over(compareOnce(known), clock)
    expect(need.toSorted()).toEqual(relay.events.map(({ id }) => id).toSorted())
    expect(relay.clients[0]?.messages('neg-open')).toHaveLength(2)
    await expect(over(compareOnce(shot), clock)).rejects.toThrow(/auth-required/)
  })

  it('R87: is not waited for when it will not be tried again in that time', async () => {
    const { shot, clock } = await setUp()
    const unknown = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    const relay = { ...shot.relay, resolve: () => Promise.reject(unknown) }
    const fetched = fetchOnce({ ...shot, relay })
    const refused = expect(fetched).rejects.toMatchObject({ code: 'HF_NOT_READY' })
    await clock.advanceAsync(1000)
    await refused
  })

  it('is not waited for when what we have cannot be read', async () => {
    const fault = new Error('the disk is gone')
    const { shot, clock } = await setUp({ items: () => Promise.reject(fault) })
    await expect(over(compareOnce(shot), clock)).rejects.toBe(fault)
  })
})
